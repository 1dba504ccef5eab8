// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/room_manager.h"

#include <stdexcept>
#include <utility>

#include "base/machine.h"
#include "base/text.h"

namespace confab::room {

static_assert(SansIoMachine<RoomManager, Clock>);

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

RoomManager::RoomManager(Config config, std::uint64_t seed, SecretSource secrets)
    : config_(std::move(config)),
      placement_(config_.media.workers.size(), config_.participants_per_worker,
                 config_.control_shard),
      ids_(config_.control_shard, seed, std::move(secrets)),
      scope_{config_, clock_, out_, ids_, media_, counters_, placement_} {}

RoomManager::~RoomManager() = default;

std::optional<Effect> RoomManager::poll_effect() {
    return out_.poll();
}

const Room* RoomManager::find(const std::string& name) const {
    const auto it = rooms_.find(name);
    return it == rooms_.end() ? nullptr : it->second.get();
}

Room* RoomManager::find(const std::string& name) {
    const auto it = rooms_.find(name);
    return it == rooms_.end() ? nullptr : it->second.get();
}

ServiceResult<Room*> RoomManager::make_room(const livekit::CreateRoomRequest& wanted) {
    if (Room* existing = find(wanted.name())) return existing;
    livekit::CreateRoomRequest request = wanted;
    if (!request.room_preset().empty()) {
        const auto preset = config_.room.presets.find(request.room_preset());
        if (preset == config_.room.presets.end())
            return service_error(ServiceCode::kInvalidArgument,
                                 "unknown room configuration in create room request");
        apply_preset(request, preset->second);
    }
    return make_room(request.name(), [&] { return new_room(scope_, request); });
}

template <typename Origin>
ServiceResult<Room*> RoomManager::make_room(const std::string& name, Origin&& origin) {
    try {
        auto made = std::make_unique<Room>(scope_, origin());  // what throws leaves nothing behind
        Room* room = made.get();
        rooms_[name] = std::move(made);
        room_by_id_[room->id()] = room;
        return room;
    } catch (...) {
        note_failure(name, std::current_exception());
        return service_error(ServiceCode::kInternal, "the room could not be made");
    }
}

ServiceResult<livekit::Room> RoomManager::adopt(Clock clock, livekit::Room stored,
                                                std::string internal) {
    clock_ = clock;
    if (const Room* existing = find(stored.name())) return existing->snapshot();
    auto origin = stored_room(scope_, std::move(stored), std::move(internal));
    if (!origin) return tl::unexpected<ServiceError>(origin.error());
    const auto room = make_room(origin->info.name(), [&] { return std::move(*origin); });
    if (!room) return tl::unexpected<ServiceError>(room.error());
    livekit::Room made;
    if (in_room(**room, [&](const Room& entered) { made = entered.snapshot(); })) return made;
    return service_error(ServiceCode::kInternal, "the room failed and was ended");
}

// ---------------------------------------------------------------- turns

void RoomManager::settle(Room& room) {
    if (room.expired()) {
        room.close(livekit::ROOM_CLOSED);
        return erase(room);
    }
    room.finish_turn();
    deadlines_.set(room.id(), room.next_deadline());
}

void RoomManager::erase(Room& room) {
    deadlines_.erase(room.id());
    room_by_id_.erase(room.id());
    std::string name = room.name();  // which ends with the room
    rooms_.erase(name);
    if (config_.store_listens) out_.forget(RemoveRoom{std::move(name)});
}

void RoomManager::note_failure(const std::string& room, const std::exception_ptr& error) {
    if (failures_.size() >= kMaxFailures) return;
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& known) {
        failures_.push_back({room, known.what()});
    } catch (...) {
        failures_.push_back({room, "an unknown exception"});
    }
}

// Its state may be anything: it is asked to close as at a shutdown, so that its clients come back
// to a new room, and goes whatever comes of that.
void RoomManager::fail_room(Room& room, const std::exception_ptr& error) {
    const std::string name(room.name());
    note_failure(name, error);
    try {
        room.close(livekit::SERVER_SHUTDOWN);
    } catch (...) {  // NOLINT(bugprone-empty-catch): what it did not do follows
    }
    for (const auto& [session, place] : sessions_)
        if (place.room == name) out_.close(session, 1000);
    media_.forget(room);
    erase(room);
}

// Between turns nobody is both there and ending: an end that threw half way left it. The join that
// would meet it gets a new room.
void RoomManager::fail_if_broken(const std::string& name, const std::string& identity) {
    Room* room = find(name);
    const Participant* known = room == nullptr ? nullptr : room->find(identity);
    if (known == nullptr || !known->closing) return;
    fail_room(*room,
              std::make_exception_ptr(std::logic_error("a participant that ended is still there")));
}

Timestamp RoomManager::next_deadline() const {
    return deadlines_.next();
}

Timestamp RoomManager::scan_deadlines() const {
    Timestamp result = Timestamp::never();
    for (const auto& [name, room] : rooms_)
        result = earlier(result, room->scan_deadlines());
    return result;
}

void RoomManager::handle_timeout(Clock clock) {
    clock_ = clock;
    std::vector<sfu::RoomId> due;
    while (const auto id = deadlines_.pop_due(clock.now))
        due.push_back(*id);
    for (const sfu::RoomId id : due) {
        const auto room = room_by_id_.find(id);
        if (room == room_by_id_.end()) continue;
        in_room(*room->second, [](Room& entered) { entered.handle_timeout(); });
    }
}

void RoomManager::refuse(SessionId session, int status, std::string text, std::string_view why) {
    ++counters_.sessions_refused;
    out_.observe(OperationDone{Operation::kParticipantJoin, why});
    sessions_.erase(session);
    out_.refuse(session, status, std::move(text));
}

// CON-33: all of these end the session start, at once.
std::optional<JoinRefusal> RoomManager::admission(const JoinParams& params) const {
    const Limits& limits = config_.limits;
    if (token::exceeds(params.grants.metadata.size(), limits.metadata) ||
        token::exceeds(token::attributes_size(params.grants.attributes), limits.attributes))
        return JoinRefusal{500, "connection closed by media", "too_large"};
    const bool may_create = params.grants.video && params.grants.video->room_create;
    const Room* room = find(params.room);
    if (room == nullptr && !config_.room.auto_create && !may_create)
        return JoinRefusal{404, "requested room does not exist", "no_room"};
    // differs from upstream (500 "connection closed by media", and validate lets it pass): of all
    // statuses, SDKs show their user the text of a 403 and do not try again (ROOM-06).
    if (room != nullptr && room->sessions().is_full_for(params))
        return JoinRefusal{403,
                           "the room is full (max_participants is " +
                               std::to_string(room->snapshot().max_participants()) + ")",
                           "room_full"};
    return std::nullopt;
}

SessionId RoomManager::start_session(Clock clock, const JoinParams& params) {
    clock_ = clock;
    const SessionId session(ids_.next());
    if (params.reconnect) {
        resume(session, params);
    } else {
        join(session, params);
    }
    return session;
}

void RoomManager::resume(SessionId session, const JoinParams& params) {
    Room* room = find(params.room);
    const Participant* known = room == nullptr ? nullptr : room->find(params.grants.identity);
    const std::string& sid = params.participant_sid;
    // Of one identity only the session itself is resumed, not the one that replaced it.
    if (known == nullptr || (!sid.empty() && sid != known->sid()))
        return Sessions::refuse_resume(out_, session, params);
    enter(*room, session, params,
          [&](Room& entered) { entered.sessions().resume(session, params); });
}

void RoomManager::join(SessionId session, const JoinParams& params) {
    if (auto refusal = admission(params))
        return refuse(session, refusal->status, std::move(refusal->text), refusal->why);
    fail_if_broken(params.room, params.grants.identity);
    livekit::CreateRoomRequest request;
    if (params.grants.room_config) apply_preset(request, *params.grants.room_config);
    request.set_name(params.room);
    request.set_room_preset(params.grants.room_preset);
    const auto room = make_room(request);
    if (!room) {
        const bool preset = room.error().code == ServiceCode::kInvalidArgument;
        return refuse(session, 500, "connection closed by media",
                      preset ? "room_preset" : "room_failed");
    }
    enter(**room, session, params,
          [&](Room& entered) { entered.sessions().join(session, params); });
}

// When the room breaks over it before anything was said, the refusal is the first that is.
template <typename Input>
void RoomManager::enter(Room& room, SessionId session, const JoinParams& params, Input&& input) {
    if (!in_room(room, std::forward<Input>(input)))
        return refuse(session, 500, "connection closed by media", "room_failed");
    sessions_[session] = {params.room, params.grants.identity};
}

void RoomManager::handle_request(Clock clock, SessionId session,
                                 const livekit::SignalRequest& request) {
    clock_ = clock;
    const auto it = sessions_.find(session);
    if (it == sessions_.end()) return;
    const SessionPlace place = it->second;
    if (Room* room = find(place.room))
        in_room(*room, [&](Room& entered) {
            entered.requests().handle(session, place.identity, request);
        });
}

void RoomManager::signal_closed(Clock clock, SessionId session) {
    clock_ = clock;
    const auto it = sessions_.find(session);
    if (it == sessions_.end()) return;
    const SessionPlace place = std::move(it->second);
    sessions_.erase(it);
    if (Room* room = find(place.room))
        in_room(*room,
                [&](Room& entered) { entered.sessions().signal_closed(session, place.identity); });
}

void RoomManager::shut_down(Clock clock) {
    clock_ = clock;
    while (!rooms_.empty()) {
        Room& room = *rooms_.begin()->second;
        if (guarded(room, [](Room& entered) { entered.close(livekit::SERVER_SHUTDOWN); }))
            erase(room);
    }
}

RoomManager::Snapshot RoomManager::snapshot() const {
    Snapshot result;
    result.rooms = rooms_.size();
    for (const auto& [name, room] : rooms_)
        result.participants += room->size();
    result.sessions = sessions_.size();
    result.effects_waiting = out_.size();
    result.effects_dropped = out_.dropped();
    result.counters = counters_;
    return result;
}

}  // namespace confab::room
