// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RoomService: participants and their tracks (01 API-04 … API-08, API-11, API-12).
#include <string>

#include "api/twirp/twirp.h"
#include "api/twirp/twirp_call.h"

namespace confab::api {
namespace {

constexpr std::string_view kService = "livekit.RoomService";

// The limits come before the grant (API-07).
CheckResult check_update(const token::Grants* grants,
                         const livekit::UpdateParticipantRequest& request,
                         const token::Limits& limits) {
    if (token::exceeds(request.name().size(), limits.participant_name))
        return argument_error("name length exceeds limits",
                              std::to_string(limits.participant_name));
    if (token::exceeds(request.metadata().size(), limits.metadata))
        return argument_error("metadata size exceeds limits", std::to_string(limits.metadata));
    if (token::exceeds(token::attributes_size(request.attributes()), limits.attributes))
        return argument_error("attribute size exceeds limits", std::to_string(limits.attributes));
    return require_admin(grants, request.room());
}

CheckResult check_mute(const token::Grants* grants, const livekit::MuteRoomTrackRequest& request,
                       bool enable_remote_unmute) {
    if (auto error = require_admin(grants, request.room())) return error;
    if (request.muted() || enable_remote_unmute) return std::nullopt;
    return service_error(ErrorCode::kFailedPrecondition, "remote unmute not enabled");
}

template <typename Request>
CheckResult check_destination(const token::Grants* grants, const Request& request) {
    if (auto error = require_admin(grants, request.room())) return error;
    if (grants->video->destination_room != request.destination_room()) return permission_error();
    if (request.destination_room().empty())
        return service_error(ErrorCode::kInvalidArgument, "destination room is required");
    if (request.room() == request.destination_room())
        return argument_error("destination room cannot be the same as source room", "");
    return std::nullopt;
}

constexpr auto kAdminOfRoom = [](const token::Grants* grants, const auto& request) {
    return require_admin(grants, request.room());
};

}  // namespace

void add_participant_methods(TwirpMethods& methods, const TwirpOptions& options,
                             RoomServicePort& port) {
    using namespace livekit;
    const ServiceMethods service(methods, kService);
    service.add<ListParticipantsRequest, ListParticipantsResponse>(
        "ListParticipants", kAdminOfRoom,
        [&port](auto&&... a) { port.list_participants(std::forward<decltype(a)>(a)...); });
    service.add<RoomParticipantIdentity, ParticipantInfo>(
        "GetParticipant", kAdminOfRoom,
        [&port](auto&&... a) { port.get_participant(std::forward<decltype(a)>(a)...); });
    service.add<RoomParticipantIdentity, RemoveParticipantResponse>(
        "RemoveParticipant", kAdminOfRoom,
        [&port](auto&&... a) { port.remove_participant(std::forward<decltype(a)>(a)...); });
    service.add<MuteRoomTrackRequest, MuteRoomTrackResponse>(
        "MutePublishedTrack",
        [options](const token::Grants* grants, const auto& r) {
            return check_mute(grants, r, options.enable_remote_unmute);
        },
        [&port](auto&&... a) { port.mute_published_track(std::forward<decltype(a)>(a)...); });
    service.add<UpdateParticipantRequest, ParticipantInfo>(
        "UpdateParticipant",
        [options](const token::Grants* grants, const auto& r) {
            return check_update(grants, r, options.limits);
        },
        [&port](auto&&... a) { port.update_participant(std::forward<decltype(a)>(a)...); });
    service.add<UpdateSubscriptionsRequest, UpdateSubscriptionsResponse>(
        "UpdateSubscriptions", kAdminOfRoom,
        [&port](auto&&... a) { port.update_subscriptions(std::forward<decltype(a)>(a)...); });
    service.add<ForwardParticipantRequest, ForwardParticipantResponse>(
        "ForwardParticipant", check_destination<ForwardParticipantRequest>,
        [&port](auto&&... a) { port.forward_participant(std::forward<decltype(a)>(a)...); });
    service.add<MoveParticipantRequest, MoveParticipantResponse>(
        "MoveParticipant", check_destination<MoveParticipantRequest>,
        [&port](auto&&... a) { port.move_participant(std::forward<decltype(a)>(a)...); });
}

}  // namespace confab::api
