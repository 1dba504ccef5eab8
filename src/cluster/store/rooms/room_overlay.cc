// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_overlay.h"

#include "cluster/store/record.h"
#include "livekit_internal.pb.h"
#include "livekit_models.pb.h"

namespace confab::cluster::store {
namespace {

using livekit::Room;
using livekit::RoomInternal;

// `change` has the new fields, `number` is one of them.
void replace(std::string& record, std::uint32_t number,
             const google::protobuf::MessageLite& change) {
    record = without(record, {number});
    change.AppendToString(&record);
}

std::string overlay_room(std::string room, const livekit::CreateRoomRequest& request) {
    const auto set = [&room](std::uint32_t number, auto&& fill) {
        Room change;
        fill(change);
        replace(room, number, change);
    };
    if (request.empty_timeout() != 0)
        set(Room::kEmptyTimeoutFieldNumber,
            [&](Room& r) { r.set_empty_timeout(request.empty_timeout()); });
    if (request.departure_timeout() != 0)
        set(Room::kDepartureTimeoutFieldNumber,
            [&](Room& r) { r.set_departure_timeout(request.departure_timeout()); });
    if (request.max_participants() != 0)
        set(Room::kMaxParticipantsFieldNumber,
            [&](Room& r) { r.set_max_participants(request.max_participants()); });
    if (!request.metadata().empty())
        set(Room::kMetadataFieldNumber, [&](Room& r) { r.set_metadata(request.metadata()); });
    return room;
}

template <typename Set>
void overlay_media(const livekit::CreateRoomRequest& request, const Set& set) {
    if (request.min_playout_delay() != 0 || request.max_playout_delay() != 0)
        set(RoomInternal::kPlayoutDelayFieldNumber, [&](RoomInternal& r) {
            r.mutable_playout_delay()->set_enabled(true);
            r.mutable_playout_delay()->set_min(request.min_playout_delay());
            r.mutable_playout_delay()->set_max(request.max_playout_delay());
        });
    if (request.sync_streams())
        set(RoomInternal::kSyncStreamsFieldNumber,
            [](RoomInternal& r) { r.set_sync_streams(true); });
    if (request.replay_enabled())
        set(RoomInternal::kReplayEnabledFieldNumber,
            [](RoomInternal& r) { r.set_replay_enabled(true); });
}

template <typename Set>
void overlay_services(const livekit::CreateRoomRequest& request, const Set& set) {
    if (request.egress().has_tracks())
        set(RoomInternal::kTrackEgressFieldNumber,
            [&](RoomInternal& r) { *r.mutable_track_egress() = request.egress().tracks(); });
    if (request.egress().has_participant())
        set(RoomInternal::kParticipantEgressFieldNumber, [&](RoomInternal& r) {
            *r.mutable_participant_egress() = request.egress().participant();
        });
    if (!request.agents().empty())
        set(RoomInternal::kAgentDispatchesFieldNumber,
            [&](RoomInternal& r) { *r.mutable_agent_dispatches() = request.agents(); });
    if (!request.tags().empty())
        set(RoomInternal::kTagsFieldNumber,
            [&](RoomInternal& r) { *r.mutable_tags() = request.tags(); });
}

}  // namespace

RoomBytes overlay(RoomBytes stored, const livekit::CreateRoomRequest& request) {
    stored.room = overlay_room(std::move(stored.room), request);
    const auto set = [&stored](std::uint32_t number, auto&& fill) {
        RoomInternal change;
        fill(change);
        if (!stored.internal) stored.internal.emplace();
        replace(*stored.internal, number, change);
    };
    overlay_media(request, set);
    overlay_services(request, set);
    return stored;
}

}  // namespace confab::cluster::store
