// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RoomManager: events of the media shards find their room and participant. Ids that are not known
// any more belong to what was closed meanwhile and are passed over.
#include "room/manager/room_manager.h"

namespace confab::room {

template <typename F>
void RoomManager::with_peer(sfu::PeerId peer, F&& f) {
    const auto it = media_.peers.find(peer);
    if (it == media_.peers.end()) return;
    const MediaOwner owner = it->second;
    contain(*owner.room, [&] {
        const RoomTurn turn(*this, owner.room);
        f(*owner.room, *owner.participant);
    });
}

void RoomManager::handle_media_event(Clock clock, sfu::WorkerIndex, const sfu::Event& event) {
    clock_ = clock;
    std::visit([this](const auto& value) { dispatch(value); }, event);
}

void RoomManager::dispatch(const sfu::PeerStateChanged& event) {
    with_peer(event.peer, [&](Room& room, Participant& p) { room.handle_peer_state(p, event); });
}

void RoomManager::dispatch(const sfu::DataChannelOpened& event) {
    with_peer(event.peer,
              [&](Room& room, Participant& p) { room.handle_channel_opened(p, event); });
}

void RoomManager::dispatch(const sfu::DataReceived& event) {
    with_peer(event.peer, [&](Room& room, Participant& p) { room.handle_data(p, event); });
}

void RoomManager::dispatch(const sfu::DataChannelFailed& event) {
    with_peer(event.peer, [&](Room& room, Participant& p) { room.handle_channel_failed(p); });
}

void RoomManager::dispatch(const sfu::LayerStarted& event) {
    const auto it = media_.receivers.find(event.receiver);
    if (it == media_.receivers.end()) return;
    const MediaOwner owner = it->second;
    contain(*owner.room, [&] {
        RoomTurn(*this, owner.room)
            ->handle_layer_started(*owner.participant, owner.track_sid, event);
    });
}

void RoomManager::dispatch(const sfu::SpeakerLevels& event) {
    const auto it = room_by_id_.find(event.room);
    if (it == room_by_id_.end()) return;
    Room* room = it->second;
    contain(*room, [&] { RoomTurn(*this, room)->handle_speaker_levels(event); });
}

void RoomManager::dispatch(const sfu::StreamStateChanged& event) {
    const auto it = media_.down_tracks.find(event.down_track);
    if (it == media_.down_tracks.end()) return;
    const MediaOwner owner = it->second;
    contain(*owner.room, [&] {
        RoomTurn(*this, owner.room)
            ->handle_stream_state(*owner.participant, owner.track_sid, event.state);
    });
}

// Samples are noted and told at the next tick; no deadline moves by them.
void RoomManager::dispatch(const sfu::QualityBatch& event) {
    const auto note = [this](const auto& index, auto id, const sfu::QualitySample& sample) {
        const auto it = index.find(id);
        if (it == index.end()) return;
        const MediaOwner owner = it->second;
        contain(*owner.room, [&] {
            owner.room->handle_quality(*owner.participant, id.value(), sample, owner.track_sid);
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
