// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RoomService: rooms, data and RPC (01 API-01 … API-03, API-09, API-10, API-14).
#include <string>

#include "api/twirp/twirp_call.h"

namespace confab::api {
namespace {

constexpr std::string_view kService = "livekit.RoomService";
constexpr std::size_t kNonceSize = 16;
constexpr std::size_t kMaxRpcPayload = 15360;

CheckResult check_metadata(std::string_view metadata, const token::Limits& limits) {
    if (!token::exceeds(metadata.size(), limits.metadata)) return std::nullopt;
    return argument_error("metadata size exceeds limits", std::to_string(limits.metadata));
}

CheckResult check_create(const token::Grants* grants, const livekit::CreateRoomRequest& request,
                         const token::Limits& limits) {
    if (auto error = require_flag(grants, &token::VideoGrant::room_create)) return error;
    if (token::exceeds(request.name().size(), limits.room_name))
        return service_error(
            ErrorCode::kInvalidArgument,
            "room name length exceeds limits: max length " + std::to_string(limits.room_name));
    if (auto error = check_metadata(request.metadata(), limits)) return error;
    for (const livekit::RoomAgentDispatch& agent : request.agents()) {
        if (auto error = check_metadata(agent.metadata(), limits)) return error;
        if (token::exceeds(token::attributes_size(agent.attributes()), limits.attributes))
            return argument_error("attribute size exceeds limits",
                                  std::to_string(limits.attributes));
    }
    return std::nullopt;
}

CheckResult check_data(const token::Grants* grants, const livekit::SendDataRequest& request) {
    if (auto error = require_admin(grants, request.room())) return error;
    const std::size_t size = request.nonce().size();
    if (size == 0 || size == kNonceSize) return std::nullopt;
    return native_error(
        ErrorCode::kInvalidArgument,
        "nonce should be 16-bytes or not present, got: " + std::to_string(size) + " bytes");
}

CheckResult check_rpc(const token::Grants* grants, const livekit::PerformRpcRequest& request) {
    if (auto error = require_admin(grants, request.room())) return error;
    if (request.destination_identity().empty())
        return service_error(ErrorCode::kInvalidArgument, "destination identity is required");
    if (request.payload().size() > kMaxRpcPayload)
        return service_error(ErrorCode::kInvalidArgument,
                             "RpcError 1402: Request payload too large");
    return std::nullopt;
}

ErrorCode rpc_code(std::uint32_t code) {
    switch (code) {
        case 1400:  // unsupported method
        case 1402:  // request payload too large
            return ErrorCode::kInvalidArgument;
        case 1401:  // recipient not found
            return ErrorCode::kNotFound;
        case 1403:  // unsupported server
        case 1404:  // unsupported version
            return ErrorCode::kUnimplemented;
        case 1501:  // connection timeout
        case 1502:  // response timeout
            return ErrorCode::kCanceled;
        case 1503:  // recipient disconnected
            return ErrorCode::kUnavailable;
        default:  // 1500 application error, 1504, 1505 and what applications invent
            return ErrorCode::kInternal;
    }
}

}  // namespace

ServiceError rpc_error(const livekit::RpcError& error) {
    std::string text = "RpcError " + std::to_string(error.code()) + ": " + error.message();
    if (!error.data().empty()) text += ": " + error.data();
    return service_error(rpc_code(error.code()), text);
}

void add_room_methods(TwirpMethods& methods, const token::Limits& limits, RoomServicePort& port) {
    using namespace livekit;
    const ServiceMethods service(methods, kService);
    service.add<CreateRoomRequest, Room>(
        "CreateRoom",
        [limits](const token::Grants* grants, const auto& r) {
            return check_create(grants, r, limits);
        },
        [&port](auto&&... a) { port.create_room(std::forward<decltype(a)>(a)...); });
    service.add<ListRoomsRequest, ListRoomsResponse>(
        "ListRooms",
        [](const token::Grants* grants, const auto&) {
            return require_flag(grants, &token::VideoGrant::room_list);
        },
        [&port](auto&&... a) { port.list_rooms(std::forward<decltype(a)>(a)...); });
    service.add<DeleteRoomRequest, DeleteRoomResponse>(
        "DeleteRoom",
        [](const token::Grants* grants, const auto&) {
            return require_flag(grants, &token::VideoGrant::room_create);
        },
        [&port](auto&&... a) { port.delete_room(std::forward<decltype(a)>(a)...); });
    service.add<UpdateRoomMetadataRequest, Room>(
        "UpdateRoomMetadata",
        [limits](const token::Grants* grants, const auto& r) {
            if (auto error = check_metadata(r.metadata(), limits)) return error;
            return require_admin(grants, r.room());
        },
        [&port](auto&&... a) { port.update_room_metadata(std::forward<decltype(a)>(a)...); });
    service.add<SendDataRequest, SendDataResponse>("SendData", check_data, [&port](auto&&... a) {
        port.send_data(std::forward<decltype(a)>(a)...);
    });
    service.add<PerformRpcRequest, PerformRpcResponse>(
        "PerformRpc", check_rpc,
        [&port](auto&&... a) { port.perform_rpc(std::forward<decltype(a)>(a)...); });
}

}  // namespace confab::api
