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
    if (link.publisher) announce_all(p);
}

void Room::handle_layer_started(Participant& p, const std::string& sid,
                                const sfu::LayerStarted& event) {
    constexpr Duration kGather = Duration::millis(100);
    PublishedTrack* track = p.publish.find(sid);
    if (track == nullptr) return;
    note_media_started(p, *track);
    note_ssrc(*track, event.ssrc);
    note_ssrc(*track, event.rtx_ssrc);
    if (!track->video()) return;
    touch(p);
    for (std::size_t i = 0; i < track->slots.size(); ++i) {
        if (track->slots[i].receiver != event.receiver) continue;
        auto& codec = *track->info.mutable_codecs(static_cast<int>(i));
        if (event.spatial >= codec.layers_size()) return;
        livekit::VideoLayer& layer = *codec.mutable_layers(event.spatial);
        layer.set_ssrc(event.ssrc.value());
        if (event.rtx_ssrc.value() != 0) layer.set_repair_ssrc(event.rtx_ssrc.value());
        if (event.width > 0 && layer.width() == 0) {
            layer.set_width(event.width);
            layer.set_height(event.height);
        }
        if (i == 0) *track->info.mutable_layers() = codec.layers();
        // Layers start one after the other; others are told once.
        if (track->announced && p.update_at.is_never()) p.update_at = scope_->now() + kGather;
    }
}

void Room::handle_quality(Participant& p, std::uint64_t track, const sfu::QualitySample& sample,
                          const std::string& sid) {
    double weight = loss_weight(sfu::Codec::kVp8);
    if (const PublishedTrack* published = p.publish.find(sid)) {
        if (!published->slots.empty()) weight = loss_weight(published->slots.front().codec);
    } else if (const TrackRef source = find_track(sid)) {
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

void Room::handle_data(Participant& p, const sfu::DataReceived& event) {
    data_.handle_data(p, event);
}

}  // namespace confab::room
