// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RoomManager: events of the media shards find their room and participant. Ids that are not known
// any more belong to what was closed meanwhile and are passed over.
#include "room/manager/room_manager.h"

namespace confab::room {

template <typename Owners, typename Id, typename Input>
void RoomManager::in_room_of(const Owners& owners, Id id, Input&& input) {
    const auto it = owners.find(id);
    if (it == owners.end()) return;
    const MediaOwner owner = it->second;
    in_room(*owner.room, [&](Room& room) { input(room, owner); });
}

void RoomManager::handle_media_event(Clock clock, sfu::WorkerIndex, const sfu::Event& event) {
    clock_ = clock;
    std::visit([this](const auto& value) { dispatch(value); }, event);
}

void RoomManager::dispatch(const sfu::PeerStateChanged& event) {
    in_room_of(media_.peers, event.peer, [&](Room& room, const MediaOwner& owner) {
        room.handle_peer_state(*owner.participant, event);
    });
}

void RoomManager::dispatch(const sfu::DataChannelOpened& event) {
    in_room_of(media_.peers, event.peer, [&](Room& room, const MediaOwner& owner) {
        room.handle_channel_opened(*owner.participant, event);
    });
}

void RoomManager::dispatch(const sfu::DataProgress& event) {
    in_room_of(media_.peers, event.peer, [&](Room& room, const MediaOwner& owner) {
        room.handle_progress(*owner.participant, event.sequence);
    });
}

void RoomManager::dispatch(const sfu::CallAnswered& event) {
    in_room_of(media_.peers, event.peer, [&](Room& room, const MediaOwner& owner) {
        room.handle_call_answered(*owner.participant, event.payload);
    });
}

void RoomManager::dispatch(const sfu::DataChannelFailed& event) {
    in_room_of(media_.peers, event.peer, [&](Room& room, const MediaOwner& owner) {
        room.handle_channel_failed(*owner.participant);
    });
}

void RoomManager::dispatch(const sfu::LayerStarted& event) {
    in_room_of(media_.receivers, event.receiver, [&](Room& room, const MediaOwner& owner) {
        room.handle_layer_started(*owner.participant, owner.track_sid, event);
    });
}

void RoomManager::dispatch(const sfu::SpeakerLevels& event) {
    const auto it = room_by_id_.find(event.room);
    if (it == room_by_id_.end()) return;
    in_room(*it->second, [&](Room& room) { room.handle_speaker_levels(event); });
}

void RoomManager::dispatch(const sfu::StreamStateChanged& event) {
    in_room_of(media_.down_tracks, event.down_track, [&](Room& room, const MediaOwner& owner) {
        room.handle_stream_state(*owner.participant, owner.track_sid, event.state);
    });
}

void RoomManager::dispatch(const sfu::CodecUnsupported& event) {
    in_room_of(media_.down_tracks, event.down_track, [](Room& room, const MediaOwner& owner) {
        room.handle_codec_unsupported(*owner.participant, owner.track_sid);
    });
}

// Samples are noted and told at the next tick; no deadline moves by them.
void RoomManager::dispatch(const sfu::QualityBatch& event) {
    const auto note = [this](const auto& index, auto id, const sfu::QualitySample& sample) {
        const auto it = index.find(id);
        if (it == index.end()) return;
        const MediaOwner owner = it->second;
        guarded(*owner.room, [&](Room& room) {
            room.handle_quality(*owner.participant, id.value(), sample, owner.track_sid);
        });
    };
    for (const sfu::QualitySample& sample : event.samples) {
        if (sample.receiver.value() != 0) {
            note(media_.receivers, sample.receiver, sample);
        } else {
            note(media_.down_tracks, sample.down_track, sample);
        }
    }
}

}  // namespace confab::room
