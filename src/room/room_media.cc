// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: what the media shards report about connections, layers, levels and quality.
#include "room/publish/layers.h"
#include "room/room.h"

namespace confab::room {

void Room::handle_peer_state(Participant& p, const sfu::PeerStateChanged& event) {
    if (p.closing) return;
    roster_.touch(p);
    if (event.state == sfu::PeerState::kConnected || event.state == sfu::PeerState::kReconnected) {
        p.seen.path = event.type;
        p.seen.remote = event.remote;
    }
    const LinkNews link = negotiation_.handle_peer_state(p, event);
    sessions_.handle_link(p, link);
    if (link.first && link.publisher && !p.closing) publications_.connected(p);
    if (link.up && !p.closing) downlink_connected(subscriptions_, p);
}

void Room::handle_path(Participant& p, const sfu::QualityBatch& report) {
    if (report.path.rtt) p.seen.rtt = report.path.rtt;
    const PeerLink* const publisher = negotiation_.publisher(p);
    const bool is_first = publisher != nullptr && publisher->id() == report.peer;
    p.seen.data.at(is_first ? 0 : 1) = report.data;
    std::uint64_t& media_out = p.seen.media_out.at(is_first ? 0 : 1);
    media_out = 0;
    for (const sfu::QualitySample& sample : report.samples)
        if (sample.receiver.value() == 0) media_out += sample.bytes;
    if (p.closing || !sessions_.is_reachable(p)) return;
    if (!leave_unstable(negotiation_, p, report)) return;
    roster_.touch(p);
    sessions_.leave_path(p);
}

void Room::handle_channel_opened(Participant& p, const sfu::DataChannelOpened& event) {
    const PeerLink* link = negotiation_.primary(p);
    if (link == nullptr || link->id() != event.peer) return;
    roster_.touch(p);
    data_.channel_opened(p, event.channel);
    if (data_.established(p)) negotiation_.data_ready(p);
}

void Room::handle_channel_failed(Participant& p) {
    if (scope_->config.reconnect_on_data_channel_error) sessions_.end(p, Ending::full_reconnect());
}

}  // namespace confab::room
