// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/room_manager.h"

#include <utility>

#include "base/text.h"

namespace confab::room {
namespace {

// Values of the request win over those of the preset, which win over the defaults (ROOM-03).
void apply_preset(livekit::CreateRoomRequest& request, const livekit::RoomConfiguration& preset) {
    if (request.empty_timeout() == 0) request.set_empty_timeout(preset.empty_timeout());
    if (request.departure_timeout() == 0) request.set_departure_timeout(preset.departure_timeout());
    if (request.max_participants() == 0) request.set_max_participants(preset.max_participants());
    if (request.metadata().empty()) request.set_metadata(preset.metadata());
    if (request.min_playout_delay() == 0) request.set_min_playout_delay(preset.min_playout_delay());
    if (request.max_playout_delay() == 0) request.set_max_playout_delay(preset.max_playout_delay());
    if (preset.sync_streams()) request.set_sync_streams(true);
}

}  // namespace

RoomManager::RoomManager(Config config, std::uint64_t seed) : context_(std::move(config), seed) {
    if (!context_.config.place)
        context_.config.place =
            std::make_shared<Placement>(context_.config.media.workers.size());
}

RoomManager::~RoomManager() = default;

std::optional<Effect> RoomManager::poll_effect() {
    if (context_.effects.empty()) return std::nullopt;
    std::optional<Effect> effect(std::move(context_.effects.front()));
    context_.effects.pop_front();
    return effect;
}

Room* RoomManager::find(const std::string& name) const {
    const auto it = rooms_.find(name);
    return it == rooms_.end() ? nullptr : it->second.room.get();
}

Participant* RoomManager::find_participant(const std::string& room,
                                           const std::string& identity) const {
    const Room* found = find(room);
    return found == nullptr ? nullptr : found->find(identity);
}

Result<Room*, std::string> RoomManager::make_room(const livekit::CreateRoomRequest& wanted) {
    if (Room* existing = find(wanted.name())) return existing;
    livekit::CreateRoomRequest request = wanted;
    if (!request.room_preset().empty()) {
        const auto preset = context_.config.room.presets.find(request.room_preset());
        if (preset == context_.config.room.presets.end())
            return tl::unexpected<std::string>("unknown room configuration in create room request");
        apply_preset(request, preset->second);
    }
    Entry& entry = rooms_[request.name()];
    entry.room = std::make_unique<Room>(context_, request);
    room_names_[entry.room->id().value()] = request.name();
    return entry.room.get();
}

void RoomManager::settle(const std::string& name) {
    const auto it = rooms_.find(name);
    if (it == rooms_.end()) return;
    Entry& entry = it->second;
    if (entry.room->expired()) {
        entry.room->close(livekit::ROOM_CLOSED);
        deadlines_.erase({entry.deadline, name});
        room_names_.erase(entry.room->id().value());
        rooms_.erase(it);
        return;
    }
    entry.room->collect();
    const Timestamp next = entry.room->next_deadline();
    if (next == entry.deadline) return;
    deadlines_.erase({entry.deadline, name});
    entry.deadline = next;
    if (!next.is_never()) deadlines_.insert({next, name});
}

Timestamp RoomManager::next_deadline() const {
    return deadlines_.empty() ? Timestamp::never() : deadlines_.begin()->first;
}

void RoomManager::handle_timeout(Clock clock) {
    context_.clock = clock;
    std::vector<std::string> due;
    for (const auto& [at, name] : deadlines_) {
        if (at > clock.now) break;
        due.push_back(name);
    }
    for (const std::string& name : due) {
        if (Room* room = find(name)) room->handle_timeout();
        settle(name);
    }
}

void RoomManager::refuse(SessionId session, int status, std::string text, std::string_view why) {
    ++context_.counters.sessions_refused;
    context_.observe(OperationDone{Operation::kParticipantJoin, why});
    sessions_.erase(session);
    context_.effects.emplace_back(RefuseSession{session, status, std::move(text)});
}

// CON-33: all of these end the session start, at once.
std::optional<JoinRefusal> RoomManager::admission(const JoinParams& params) const {
    const Limits& limits = context_.config.limits;
    if (token::exceeds(params.grants.metadata.size(), limits.metadata) ||
        token::exceeds(token::attributes_size(params.grants.attributes), limits.attributes))
        return JoinRefusal{500, "connection closed by media", "too_large"};
    const bool may_create = params.grants.video && params.grants.video->room_create;
    const Room* room = find(params.room);
    if (room == nullptr && !context_.config.room.auto_create && !may_create)
        return JoinRefusal{404, "requested room does not exist", "no_room"};
    // differs from upstream (500 "connection closed by media", and validate lets it pass): of all
    // statuses, SDKs show their user the text of a 403 and do not try again (ROOM-06).
    if (room != nullptr && room->is_full_for(params))
        return JoinRefusal{403,
                           "the room is full (max_participants is " +
                               std::to_string(room->snapshot().max_participants()) + ")",
                           "room_full"};
    return std::nullopt;
}

SessionId RoomManager::start_session(Clock clock, const JoinParams& params) {
    context_.clock = clock;
    const SessionId session(context_.next_id());
    if (params.reconnect) {
        Room* room = find(params.room);
        if (room == nullptr || room->find(params.grants.identity) == nullptr) {
            Room::refuse_resume(context_, session, params);
            return session;
        }
        sessions_[session] = {params.room, params.grants.identity};
        room->resume(session, params);
        settle(params.room);
        return session;
    }
    if (auto refusal = admission(params)) {
        refuse(session, refusal->status, std::move(refusal->text), refusal->why);
        return session;
    }
    livekit::CreateRoomRequest request;
    if (params.grants.room_config) apply_preset(request, *params.grants.room_config);
    request.set_name(params.room);
    request.set_room_preset(params.grants.room_preset);
    const auto room = make_room(request);
    if (!room) {
        refuse(session, 500, "connection closed by media", "room_preset");
        return session;
    }
    sessions_[session] = {params.room, params.grants.identity};
    (*room)->join(session, params);
    settle(params.room);
    return session;
}

void RoomManager::handle_request(Clock clock, SessionId session,
                                 const livekit::SignalRequest& request) {
    context_.clock = clock;
    const auto it = sessions_.find(session);
    if (it == sessions_.end()) return;
    const SessionPlace place = it->second;
    if (Room* room = find(place.room)) room->handle_request(session, place.identity, request);
    settle(place.room);
}

void RoomManager::signal_closed(Clock clock, SessionId session) {
    context_.clock = clock;
    const auto it = sessions_.find(session);
    if (it == sessions_.end()) return;
    const SessionPlace place = std::move(it->second);
    sessions_.erase(it);
    if (Room* room = find(place.room)) room->signal_closed(session, place.identity);
    settle(place.room);
}

void RoomManager::shut_down(Clock clock) {
    context_.clock = clock;
    for (auto& [name, entry] : rooms_)
        entry.room->close(livekit::SERVER_SHUTDOWN);
    rooms_.clear();
    room_names_.clear();
    deadlines_.clear();
}

RoomManager::Snapshot RoomManager::snapshot() const {
    Snapshot result;
    result.rooms = rooms_.size();
    for (const auto& [name, entry] : rooms_)
        result.participants += entry.room->size();
    result.sessions = sessions_.size();
    result.effects_waiting = context_.effects.size();
    result.counters = context_.counters;
    return result;
}

}  // namespace confab::room
