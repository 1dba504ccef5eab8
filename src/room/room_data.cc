// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: data packets from a participant or the API to the others (02 §6.2; 01 SIG-120…124).
#include <algorithm>

#include "room/room.h"

namespace confab::room {

void Room::handle_channel_opened(Participant& p, const sfu::DataChannelOpened& event) {
    PeerLink* data_link = p.subscriber_primary ? p.subscriber.get() : p.publisher.get();
    if (data_link == nullptr || data_link->id() != event.peer) return;
    const bool was_ready = p.data_ready();
    if (event.channel == sfu::DataChannel::kReliable) p.reliable_open = true;
    if (event.channel == sfu::DataChannel::kLossy) p.lossy_open = true;
    touch(p);
    note_established(p, *data_link);
    if (!was_ready && p.data_ready()) replay_held(p);
}

void Room::handle_channel_failed(Participant& p) {
    if (scope_->config.reconnect_on_data_channel_error) full_reconnect(p);
}

void Room::handle_data(Participant& p, const sfu::DataReceived& event) {
    const auto drop_packet = [&] { ++scope_->counters.dropped_data; };
    if (p.closing || !p.active() || !p.info.permission().can_publish_data()) return drop_packet();
    if (event.channel == sfu::DataChannel::kDataTrack) return route_data_track(p, event.payload);
    const DataSender sender{p.identity(), p.sid(), p.hidden(), p.agent()};
    if (event.channel == sfu::DataChannel::kOther)
        return route(&p, wrap_raw_data(event.payload, sender), false);
    const bool lossy = event.channel == sfu::DataChannel::kLossy;
    const auto packet = rewrite_data_packet(event.payload, sender, lossy);
    if (!packet) return drop_packet();
    if (packet->kind == DataKind::kTranscription && !p.agent()) return drop_packet();
    if (!lossy && packet->sequence > 0) {
        if (packet->sequence <= p.last_sequence) return drop_packet();
        p.last_sequence = packet->sequence;
    }
    if (take_rpc_answer(p, *packet)) return;
    if (!data_.accept_nonce(packet->nonce)) return drop_packet();
    if (!lossy && packet->sequence > 0) data_.remember(scope_->now(), p.sid(), *packet);
    route(&p, *packet, lossy);
}

bool Room::is_destination(const Participant& p, const RoutedPacket& packet) const {
    if (packet.kind == DataKind::kMetrics) return p.info.permission().can_subscribe_metrics();
    const auto& identities = packet.destination_identities;
    const auto& sids = packet.destination_sids;
    if (identities.empty() && sids.empty()) return true;
    return std::find(identities.begin(), identities.end(), p.identity()) != identities.end() ||
           std::find(sids.begin(), sids.end(), p.sid()) != sids.end();
}

void Room::route(const Participant* sender, const RoutedPacket& packet, bool lossy) {
    for (Participant* p : everyone()) {
        // Metrics come back to their sender, nothing else does (SIG-124).
        if (p == sender && packet.kind != DataKind::kMetrics) continue;
        if (!is_destination(*p, packet)) continue;
        if (lossy) {
            if (p->active()) send_to(*p, sfu::DataChannel::kLossy, packet.payload);
        } else if (p->active() && p->data_ready()) {
            send_to(*p, sfu::DataChannel::kReliable, packet.payload);
        } else if (packet.sequence > 0 && sender != nullptr) {
            p->held.hold_sequenced(sender->sid(), packet.sequence);
        } else {
            p->held.hold(packet.payload);
        }
    }
    flush_sends();
}

// One command per worker and message: all receivers there share the payload.
void Room::send_to(Participant& p, sfu::DataChannel channel, const Bytes& payload) {
    const PeerLink* link = p.subscriber_primary ? p.subscriber.get() : p.publisher.get();
    if (link == nullptr) return;
    const auto same = std::find_if(sends_.begin(), sends_.end(), [&](const PendingSend& send) {
        return send.worker == p.worker;
    });
    if (same != sends_.end()) {
        same->data.peers.push_back(link->id());
        return;
    }
    sends_.push_back({p.worker, {{link->id()}, channel, payload}});
}

void Room::flush_sends() {
    for (PendingSend& send : sends_)
        scope_->out.command(send.worker, std::move(send.data));
    sends_.clear();
}

void Room::replay_held(Participant& p) {
    for (const DataRouter::Cached* cached : data_.since(scope_->now(), p.held.first_missed())) {
        if (!is_destination(p, cached->packet)) continue;
        send_to(p, sfu::DataChannel::kReliable, cached->packet.payload);
        flush_sends();
    }
    for (const Bytes& payload : p.held.take_unsequenced()) {
        send_to(p, sfu::DataChannel::kReliable, payload);
        flush_sends();
    }
    p.held.clear();
}

void Room::send_data(const livekit::SendDataRequest& request) {
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
    routed.payload.resize(packet.ByteSizeLong());
    (void)packet.SerializeToArray(routed.payload.data(), static_cast<int>(routed.payload.size()));
    routed.destination_identities = {request.destination_identities().begin(),
                                     request.destination_identities().end()};
    routed.destination_sids = {request.destination_sids().begin(),
                               request.destination_sids().end()};
    if (!data_.accept_nonce(to_vector(as_bytes(request.nonce())))) return;
    route(nullptr, routed, request.kind() == livekit::DataPacket::LOSSY);
}

}  // namespace confab::room
