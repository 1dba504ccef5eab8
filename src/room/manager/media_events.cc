// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/media_events.h"

namespace confab::room {

template <typename Owners, typename Id, typename Input>
void MediaEvents::in_room_of(const Owners& owners, Id id, Input&& input) {
    const auto it = owners.find(id);
    if (it == owners.end()) return;
    const MediaOwner owner = it->second;
    rooms_->in_room(*owner.room, [&](Room& room) { input(room, owner); });
}

void MediaEvents::handle(const sfu::Event& event) {
    std::visit([this](const auto& value) { dispatch(value); }, event);
}

void MediaEvents::dispatch(const sfu::PeerStateChanged& event) {
    in_room_of(media_->peers, event.peer, [&](Room& room, const MediaOwner& owner) {
        room.handle_peer_state(*owner.participant, event);
    });
}

void MediaEvents::dispatch(const sfu::DataChannelOpened& event) {
    in_room_of(media_->peers, event.peer, [&](Room& room, const MediaOwner& owner) {
        room.handle_channel_opened(*owner.participant, event);
    });
}

void MediaEvents::dispatch(const sfu::DataProgress& event) {
    in_room_of(media_->peers, event.peer, [&](Room& room, const MediaOwner& owner) {
        room.data().note_progress(*owner.participant, event.sequence);
    });
}

void MediaEvents::dispatch(const sfu::CallAnswered& event) {
    in_room_of(media_->peers, event.peer, [&](Room& room, const MediaOwner& owner) {
        room.data().call_answered(*owner.participant, event.payload);
    });
}

void MediaEvents::dispatch(const sfu::DataChannelFailed& event) {
    in_room_of(media_->peers, event.peer, [&](Room& room, const MediaOwner& owner) {
        room.handle_channel_failed(*owner.participant);
    });
}

void MediaEvents::dispatch(const sfu::LayerStarted& event) {
    in_room_of(media_->receivers, event.receiver, [&](Room& room, const MediaOwner& owner) {
        room.handle_layer_started(*owner.participant, owner.track_sid, event);
    });
}

void MediaEvents::dispatch(const sfu::SpeakerLevels& event) {
    Room* found = rooms_->find(event.room);
    if (found == nullptr) return;
    rooms_->in_room(*found, [&](Room& room) { room.handle_speaker_levels(event); });
}

void MediaEvents::dispatch(const sfu::StreamStateChanged& event) {
    in_room_of(media_->down_tracks, event.down_track, [&](Room& room, const MediaOwner& owner) {
        room.handle_stream_state(*owner.participant, owner.track_sid, event.state);
    });
}

void MediaEvents::dispatch(const sfu::CodecUnsupported& event) {
    in_room_of(media_->down_tracks, event.down_track, [&](Room& room, const MediaOwner& owner) {
        room.subscriptions().codec_unsupported(*owner.participant, owner.track_sid, event.codec);
    });
}

// Samples are noted and told at the next tick; no deadline moves by them. One moves where the path
// is left.
void MediaEvents::dispatch(const sfu::QualityBatch& event) {
    const auto note = [this](const auto& index, auto id, const auto& sample) {
        const auto it = index.find(id);
        if (it == index.end()) return;
        const MediaOwner owner = it->second;
        rooms_->guarded(*owner.room, [&](Room& room) {
            room.handle_quality(*owner.participant, id.value(), sample);
        });
    };
    for (const sfu::QualitySample& sample : event.samples) {
        if (sample.receiver.value() != 0) {
            note(media_->receivers, sample.receiver, sample);
        } else {
            note(media_->down_tracks, sample.down_track, sample);
        }
    }
    for (const sfu::StreamSample& stream : event.streams)
        note(media_->receivers, stream.receiver, stream);
    in_room_of(media_->peers, event.peer, [&](Room& room, const MediaOwner& owner) {
        room.handle_path(*owner.participant, event);
    });
}

}  // namespace confab::room
