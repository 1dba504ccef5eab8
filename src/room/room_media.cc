// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: what the media shards report about connections, layers, levels and quality.
#include "room/publish/layers.h"
#include "room/room.h"
#include "room/signal/responses.h"

namespace confab::room {
void Room::handle_peer_state(Participant& p, const sfu::PeerStateChanged& event) {
    if (p.closing) return;
    touch(p);
    const LinkNews link = negotiation_.handle_peer_state(p, event);
    switch (link.failure) {
        case LinkNews::Failure::kNone:
            break;
        case LinkNews::Failure::kIce:
            return connection_failed(p);
        case LinkNews::Failure::kHandshake:
            return full_reconnect(p);
    }
    if (link.up && link.primary) p.presence.media_returned(p.signal.is_open());
    if (!link.first) return;
    // The primary connection, or with a publisher-primary client the publisher's (SIG-81).
    if (link.primary && p.info.state() == livekit::ParticipantInfo::JOINED) set_active(p);
    if (link.publisher) publications_.connected(p);
}

void Room::handle_quality(Participant& p, std::uint64_t track, const sfu::QualitySample& sample,
                          const std::string& sid) {
    double weight = loss_weight(sfu::Codec::kVp8);
    if (const PublishedTrack* published = publications_.find(p, sid)) {
        if (!published->slots.empty()) weight = loss_weight(published->slots.front().codec);
    } else if (const Publication source = publications_.find(sid)) {
        if (!source.track->slots.empty()) weight = loss_weight(source.track->slots.front().codec);
    }
    quality_.note(p, track, sample, weight);
}

void Room::handle_channel_opened(Participant& p, const sfu::DataChannelOpened& event) {
    const PeerLink* link = negotiation_.primary(p);
    if (link == nullptr || link->id() != event.peer) return;
    touch(p);
    data_.channel_opened(p, event.channel);
    if (data_.ready(p)) negotiation_.data_ready(p);
}

void Room::handle_channel_failed(Participant& p) {
    if (scope_->config.reconnect_on_data_channel_error) full_reconnect(p);
}

}  // namespace confab::room
