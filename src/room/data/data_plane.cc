// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataPlane: packets from participants and the API to others, and calls of methods.
#include "room/data/data_plane.h"

#include <algorithm>

namespace confab::room {
namespace {

Bytes serialized(const livekit::DataPacket& packet) {
    Bytes bytes(packet.ByteSizeLong());
    (void)packet.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
}

}  // namespace

DataPlane::DataPlane(const RoomScope& scope, const Roster& roster, DataHost& host)
    : scope_(&scope), roster_(&roster), host_(&host) {}

void DataPlane::add(const Participant& p, bool auto_subscribe) {
    const auto first = static_cast<std::uint16_t>(1 + scope_->ids.rng().below(255));
    members_.emplace(p.number, first).first->second.auto_subscribe = auto_subscribe;
}

void DataPlane::remove(Participant& p) {
    unpublish_all(p);
    members_.erase(p.number);
    rpc_.participant_left(p.sid());
    report_rpc();
}

bool DataPlane::ready(const Participant& p) const {
    return member(p).ready();
}

void DataPlane::expect_no_channels(const Participant& p) {
    member(p).reliable_open = member(p).lossy_open = true;
}

void DataPlane::channel_opened(Participant& p, sfu::DataChannel channel) {
    Member& m = member(p);
    const bool was_ready = m.ready();
    if (channel == sfu::DataChannel::kReliable) m.reliable_open = true;
    if (channel == sfu::DataChannel::kLossy) m.lossy_open = true;
    if (!was_ready && m.ready()) replay(p);
}

// ---------------------------------------------------------------- packets

void DataPlane::handle_data(Participant& p, const sfu::DataReceived& event) {
    if (p.closing || !p.active() || !p.info.permission().can_publish_data()) return drop_packet();
    if (event.channel == sfu::DataChannel::kDataTrack) return route_track(p, event.payload);
    const DataSender sender{p.identity(), p.sid(), p.hidden(), p.agent()};
    if (event.channel == sfu::DataChannel::kOther)
        return route(&p, wrap_raw_data(event.payload, sender), false);
    const bool lossy = event.channel == sfu::DataChannel::kLossy;
    const auto packet = rewrite_data_packet(event.payload, sender, lossy);
    if (!packet) return drop_packet();
    if (packet->kind == DataKind::kTranscription && !p.agent()) return drop_packet();
    std::uint32_t& last_sequence = member(p).last_sequence;
    if (!lossy && packet->sequence > 0) {
        if (packet->sequence <= last_sequence) return drop_packet();
        last_sequence = packet->sequence;
    }
    if (take_rpc_answer(p, *packet)) return;
    if (!router_.accept_nonce(packet->nonce)) return drop_packet();
    if (!lossy && packet->sequence > 0) router_.remember(scope_->now(), p.sid(), *packet);
    route(&p, *packet, lossy);
}

bool DataPlane::is_destination(const Participant& p, const RoutedPacket& packet) const {
    if (packet.kind == DataKind::kMetrics) return p.info.permission().can_subscribe_metrics();
    const auto& identities = packet.destination_identities;
    const auto& sids = packet.destination_sids;
    if (identities.empty() && sids.empty()) return true;
    return std::find(identities.begin(), identities.end(), p.identity()) != identities.end() ||
           std::find(sids.begin(), sids.end(), p.sid()) != sids.end();
}

void DataPlane::route(const Participant* sender, const RoutedPacket& packet, bool lossy) {
    for (Participant* p : roster_->everyone()) {
        // Metrics come back to their sender, nothing else does (SIG-124).
        if (p == sender && packet.kind != DataKind::kMetrics) continue;
        if (is_destination(*p, packet)) deliver(*p, sender, packet, lossy);
    }
    flush();
}

void DataPlane::deliver(Participant& p, const Participant* sender, const RoutedPacket& packet,
                        bool lossy) {
    Member& m = member(p);
    if (lossy) {
        if (p.active()) send_to(p, sfu::DataChannel::kLossy, packet.payload);
    } else if (p.active() && m.ready()) {
        send_to(p, sfu::DataChannel::kReliable, packet.payload);
    } else if (packet.sequence > 0 && sender != nullptr) {
        m.held.hold_sequenced(sender->sid(), packet.sequence);
    } else {
        m.held.hold(packet.payload);
    }
}

// One command per worker and message: all receivers there share the payload.
void DataPlane::send_to(const Participant& p, sfu::DataChannel channel, const Bytes& payload) {
    const auto peer = host_->data_peer(p);
    if (!peer) return;
    const auto same = std::find_if(sends_.begin(), sends_.end(), [&](const PendingSend& send) {
        return send.worker == p.worker;
    });
    if (same != sends_.end()) {
        same->data.peers.push_back(*peer);
        return;
    }
    sends_.push_back({p.worker, {{*peer}, channel, payload}});
}

void DataPlane::flush() {
    for (PendingSend& send : sends_)
        scope_->out.command(send.worker, std::move(send.data));
    sends_.clear();
}

void DataPlane::replay(Participant& p) {
    HeldData& held = member(p).held;
    const auto send = [&](const Bytes& payload) {
        send_to(p, sfu::DataChannel::kReliable, payload);
        flush();
    };
    for (const DataRouter::Cached* cached : router_.since(scope_->now(), held.first_missed()))
        if (is_destination(p, cached->packet)) send(cached->packet.payload);
    for (const Bytes& payload : held.take_unsequenced())
        send(payload);
    held.clear();
}

void DataPlane::send_data(const livekit::SendDataRequest& request) {
    livekit::DataPacket packet;
    packet.set_kind(request.kind());
    livekit::UserPacket& user = *packet.mutable_user();
    user.set_payload(request.data());
    user.set_nonce(request.nonce());
    if (request.has_topic()) user.set_topic(request.topic());
    *user.mutable_destination_sids() = request.destination_sids();
    *user.mutable_destination_identities() = request.destination_identities();
    *packet.mutable_destination_identities() = request.destination_identities();

    RoutedPacket routed;
    routed.kind = DataKind::kUser;
    routed.payload = serialized(packet);
    routed.destination_identities = {request.destination_identities().begin(),
                                     request.destination_identities().end()};
    routed.destination_sids = {request.destination_sids().begin(),
                               request.destination_sids().end()};
    if (!router_.accept_nonce(to_vector(as_bytes(request.nonce())))) return;
    route(nullptr, routed, request.kind() == livekit::DataPacket::LOSSY);
}

// ---------------------------------------------------------------- calls of methods

Result<void, ServiceError> DataPlane::call_rpc(RpcCallId id, Participant& p,
                                               const livekit::PerformRpcRequest& request) {
    if (!p.active() || !ready(p))
        return service_error(ServiceCode::kInternal, "data channel is not available");
    if (rpc_.full()) return service_error(ServiceCode::kUnavailable, "too many calls");
    const livekit::DataPacket packet =
        rpc_.start(scope_->now(), id, p.sid(), request, scope_->ids.rng());
    send_to(p, sfu::DataChannel::kReliable, serialized(packet));
    flush();
    return {};
}

bool DataPlane::take_rpc_answer(const Participant& p, const RoutedPacket& packet) {
    if (rpc_.empty() || (packet.kind != DataKind::kRpcAck && packet.kind != DataKind::kRpcResponse))
        return false;
    livekit::DataPacket parsed;
    if (!parsed.ParseFromArray(packet.payload.data(), static_cast<int>(packet.payload.size())))
        return false;
    const bool ours = rpc_.handle_packet(p.sid(), parsed);
    report_rpc();
    return ours;
}

void DataPlane::report_rpc() {
    while (auto done = rpc_.poll_done())
        scope_->out.rpc_done(std::move(*done));
}

void DataPlane::handle_timeout(Timestamp now) {
    rpc_.handle_timeout(now);
    report_rpc();
}

}  // namespace confab::room
