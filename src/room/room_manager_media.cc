// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RoomManager: events of the media shards find their room and participant. Ids that are not known
// any more belong to what was closed meanwhile and are passed over.
#include "room/room_manager.h"

namespace confab::room {

template <typename F>
void RoomManager::with_peer(sfu::PeerId peer, F&& f) {
    const auto it = context_.peers.find(peer.value());
    if (it == context_.peers.end()) return;
    const MediaOwner owner = it->second;
    const std::string name = owner.room->name();
    f(*owner.room, *owner.participant);
    settle(name);
}

void RoomManager::handle_media_event(Clock clock, sfu::WorkerIndex, const sfu::Event& event) {
    context_.clock = clock;
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
    const auto it = context_.receivers.find(event.receiver.value());
    if (it == context_.receivers.end()) return;
    const MediaOwner owner = it->second;
    owner.room->handle_layer_started(*owner.participant, owner.track_sid, event);
    settle(std::string(owner.room->name()));
}

// Which layers flow is the shards' own business; TrackInfo lists what was declared.
void RoomManager::dispatch(const sfu::LayersChanged&) {}

void RoomManager::dispatch(const sfu::SpeakerLevels& event) {
    const auto it = room_names_.find(event.room.value());
    if (it == room_names_.end()) return;
    const std::string name = it->second;
    if (Room* room = find(name)) room->handle_speaker_levels(event);
    settle(name);
}

void RoomManager::dispatch(const sfu::StreamStateChanged& event) {
    const auto it = context_.down_tracks.find(event.down_track.value());
    if (it == context_.down_tracks.end()) return;
    const MediaOwner owner = it->second;
    owner.room->handle_stream_state(*owner.participant, owner.track_sid, event.state);
}

void RoomManager::dispatch(const sfu::QualityBatch& event) {
    for (const sfu::QualitySample& sample : event.samples) {
        const bool published = sample.receiver.value() != 0;
        const auto& index = published ? context_.receivers : context_.down_tracks;
        const std::uint64_t id = published ? sample.receiver.value() : sample.down_track.value();
        const auto it = index.find(id);
        if (it == index.end()) continue;
        it->second.room->handle_quality(*it->second.participant, id, sample, it->second.track_sid);
    }
}

}  // namespace confab::room
