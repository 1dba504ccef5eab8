// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: methods of participants called through the server API (01 API-14).
#include "room/room.h"

namespace confab::room {
namespace {

Bytes serialized(const livekit::DataPacket& packet) {
    Bytes bytes(packet.ByteSizeLong());
    (void)packet.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
}

}  // namespace

Result<void, ServiceError> Room::call_rpc(RpcCallId id, Participant& p,
                                          const livekit::PerformRpcRequest& request) {
    if (!p.active() || !p.data_ready())
        return service_error(ServiceCode::kInternal, "data channel is not available");
    if (rpc_.full()) return service_error(ServiceCode::kUnavailable, "too many calls");
    const livekit::DataPacket packet =
        rpc_.start(scope_->now(), id, p.sid(), request, scope_->ids.rng());
    send_to(p, sfu::DataChannel::kReliable, serialized(packet));
    flush_sends();
    return {};
}

bool Room::take_rpc_answer(const Participant& p, const RoutedPacket& packet) {
    if (rpc_.empty() || (packet.kind != DataKind::kRpcAck && packet.kind != DataKind::kRpcResponse))
        return false;
    livekit::DataPacket parsed;
    if (!parsed.ParseFromArray(packet.payload.data(), static_cast<int>(packet.payload.size())))
        return false;
    const bool ours = rpc_.handle_packet(p.sid(), parsed);
    report_rpc();
    return ours;
}

void Room::report_rpc() {
    while (auto done = rpc_.poll_done())
        scope_->out.rpc_done(std::move(*done));
}

}  // namespace confab::room
