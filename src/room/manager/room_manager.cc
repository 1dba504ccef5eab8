// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/room_manager.h"

#include <utility>

#include "base/machine.h"
#include "base/text.h"
#include "room/scope/join_errors.h"

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
    if (request.agents().empty()) *request.mutable_agents() = preset.agents();  // DSP-20
    if (!request.has_egress() && preset.has_egress()) *request.mutable_egress() = preset.egress();
}

constexpr std::string_view kNotConnected = "egress not connected (redis required)";

// ROOM-09. Why a room that is to be recorded is not made: it would be taken for a recorded one.
std::optional<ServiceError> unrecordable(const Config& config,
                                         const livekit::CreateRoomRequest& request) {
    const livekit::RoomEgress& egress = request.egress();
    if (!egress.has_room() && !egress.has_participant() && !egress.has_tracks())
        return std::nullopt;
    if (!config.egress_listens)
        return ServiceError{ServiceCode::kInternal, std::string(kNotConnected)};
    return std::nullopt;
}

JoinRefusal refusal(const ErrorText& error, std::string_view why, std::string cause = {}) {
    return {error.status, std::string(error.text), why, std::move(cause)};
}

JoinRefusal too_large(std::string_view what, std::size_t size, std::string_view option,
                      std::size_t limit) {
    return refusal(join_errors::kClosedByMedia, "too_large",
                   std::string(what) + " of the token: " + std::to_string(size) + " bytes, " +
                       std::string(option) + " is " + std::to_string(limit));
}

// Why the room of a join could not be made.
JoinRefusal not_made(const livekit::CreateRoomRequest& request, const ServiceError& error) {
    if (error.text == kNotConnected)
        return refusal(join_errors::kNoEgress, "room_egress", error.text);
    if (error.code == ServiceCode::kInvalidArgument)
        return refusal(join_errors::kClosedByMedia, "room_preset",
                       "room.room_configurations has no \"" + request.room_preset() + "\"");
    return refusal(join_errors::kClosedByMedia, "room_failed", error.text);
}

void refuse(const RoomScope& scope, SessionId session, const JoinParams& params,
            JoinRefusal refusal) {
    ++scope.counters.sessions_refused;
    if (scope.config.history_listens && !params.reconnect) {
        RoomNote note{RoomNote::What::kRefused, scope.clock.wall, params.room};
        note.identity = params.grants.identity;
        note.status = refusal.status;
        note.text = refusal.text;
        note.cause = refusal.cause;
        scope.out.note(std::move(note));
    }
    scope.out.observe(OperationDone{Operation::kParticipantJoin, refusal.why});
    scope.out.refuse({session, refusal.status, std::move(refusal.text), std::move(refusal.cause)});
}

}  // namespace

RoomManager::RoomManager(Config config, std::uint64_t seed, SecretSource secrets)
    : config_(std::move(config)),
      placement_(config_.media.workers.size(), config_.participants_per_worker,
                 config_.control_shard),
      ids_(config_.control_shard, seed, std::move(secrets)),
      scope_{config_, clock_, out_, ids_, media_, counters_, placement_, agents_},
      rooms_(scope_,
             [this](const std::string& room) {
                 for (const auto& [session, place] : sessions_)
                     if (place.room == room) out_.close(session, 1000);
             }),
      relocations_(
          rooms_, scope_, worker_moves_,
          [this](const std::string& name) {
              livekit::CreateRoomRequest request;
              request.set_name(name);
              return make_room(request);
          },
          [this](SessionId session, const std::string& room) { sessions_[session].room = room; }) {
    config_.codecs.use(config_.room.enabled_codecs);
}

RoomManager::~RoomManager() = default;

std::optional<Effect> RoomManager::poll_effect() {
    relocations_.follow();
    return out_.poll();
}

ServiceResult<Room*> RoomManager::make_room(const livekit::CreateRoomRequest& wanted) {
    if (Room* existing = rooms_.find(wanted.name())) {
        const auto ask = [&](Room& room) { ask_to_record(room, wanted.egress()); };
        if (wanted.egress().has_room() && !rooms_.guarded(*existing, ask))
            return service_error(ServiceCode::kInternal, "the room failed and was ended");
        return existing;
    }
    livekit::CreateRoomRequest request = wanted;
    if (!request.room_preset().empty()) {
        const auto preset = config_.room.presets.find(request.room_preset());
        if (preset == config_.room.presets.end())
            return service_error(ServiceCode::kInvalidArgument,
                                 "unknown room configuration in create room request");
        apply_preset(request, preset->second);
    }
    if (auto error = unrecordable(config_, request))
        return tl::unexpected<ServiceError>(*std::move(error));
    return rooms_.make(request.name(), [&] { return new_room(scope_, request); });
}

ServiceResult<livekit::Room> RoomManager::adopt(Clock clock, livekit::Room stored,
                                                std::string internal, StoredAgents agents) {
    clock_ = clock;
    if (const Room* existing = rooms_.find(stored.name())) return existing->snapshot();
    auto origin = stored_room(scope_, std::move(stored), std::move(internal));
    if (!origin) return tl::unexpected<ServiceError>(origin.error());
    origin->adopted = true;
    origin->stored_agents = std::move(agents);
    const std::string key = origin->key;  // which goes into the room
    const auto room = rooms_.make(key, [&] { return std::move(*origin); });
    if (!room) return tl::unexpected<ServiceError>(room.error());
    livekit::Room made;
    if (rooms_.in_room(**room, [&](const Room& entered) { made = entered.snapshot(); }))
        return made;
    return service_error(ServiceCode::kInternal, "the room failed and was ended");
}

void RoomManager::handle_media_event(Clock clock, sfu::WorkerIndex, const sfu::Event& event) {
    clock_ = clock;
    media_events_.handle(event);
    if (const auto* levels = std::get_if<sfu::SpeakerLevels>(&event))
        relocations_.handle_levels(*levels);
}

void RoomManager::set_agents(Clock clock, AgentKinds kinds) {
    clock_ = clock;
    agents_ = std::move(kinds);
    std::vector<std::string> keys;
    for (const auto& [key, room] : rooms_.all())
        keys.push_back(key);
    for (const std::string& key : keys)
        if (Room* room = rooms_.find(key))
            rooms_.in_room(*room, [](Room& entered) { entered.dispatches().agents_changed(); });
}

void RoomManager::job_changed(Clock clock, const std::string& room_key, const livekit::Job& job,
                              bool lost) {
    clock_ = clock;
    Room* room = rooms_.find(room_key);
    if (room == nullptr) {  // it ended meanwhile
        if (job.state().status() == livekit::JS_RUNNING)
            out_.end_job({job.id(), EndAgentJob::Why::kUnwanted});
        return;
    }
    rooms_.in_room(*room, [&](Room& entered) { entered.dispatches().job_changed(job, lost); });
}

void RoomManager::handle_timeout(Clock clock) {
    clock_ = clock;
    rooms_.handle_timeout();
    worker_moves_.handle_timeout();
}

// What is left of a room that failed.
// CON-33: all of these end the session start, at once.
std::optional<JoinRefusal> RoomManager::admission(const JoinParams& params) const {
    const Limits& limits = config_.limits;
    const std::size_t metadata = params.grants.metadata.size();
    if (token::exceeds(metadata, limits.metadata))
        return too_large("metadata", metadata, "limit.max_metadata_size", limits.metadata);
    const std::size_t attributes = token::attributes_size(params.grants.attributes);
    if (token::exceeds(attributes, limits.attributes))
        return too_large("attributes", attributes, "limit.max_attributes_size", limits.attributes);
    const bool may_create = params.grants.video && params.grants.video->room_create;
    const Room* room = rooms_.find(params.room);
    if (room == nullptr && !config_.room.auto_create && !may_create)
        return refusal(join_errors::kRoomMissing, "no_room");
    // differs from upstream (500 "connection closed by media", and validate lets it pass): of all
    // statuses, SDKs show their user the text of a 403 and do not try again (ROOM-06).
    if (room != nullptr && room->sessions().is_full_for(params))
        return JoinRefusal{join_errors::kRoomFull.status,
                           std::string(join_errors::kRoomFull.text) +
                               std::to_string(room->snapshot().max_participants()) + ")",
                           "room_full"};
    return std::nullopt;
}

void RoomManager::reconfigure(Limits limits, RoomDefaults defaults, IceServers ice_servers) {
    config_.limits = limits;
    config_.room = std::move(defaults);
    config_.codecs.use(config_.room.enabled_codecs);
    config_.ice_servers = std::move(ice_servers);
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
    Room* room = rooms_.find(params.room);
    const Participant* known = room == nullptr ? nullptr : room->find(params.grants.identity);
    const std::string& sid = params.participant_sid;
    // Of one identity only the session itself is resumed, not the one that replaced it.
    if (known != nullptr && !known->forwarded() && (sid.empty() || known->answers_to(sid)))
        return enter(*room, session, params,
                     [&](Room& entered) { entered.sessions().resume(session, params); });
    Room* const moved = relocations_.moved_to(params);
    if (moved == nullptr) return Sessions::refuse_resume(out_, session, params);
    JoinParams there = params;
    there.room = moved->key();
    enter(*moved, session, there,
          [&](Room& entered) { entered.sessions().resume(session, there, true); });
}

void RoomManager::join(SessionId session, const JoinParams& params) {
    if (auto refusal = admission(params))
        return refuse(scope_, session, params, std::move(*refusal));
    rooms_.fail_if_broken(params.room, params.grants.identity);
    livekit::CreateRoomRequest request;
    if (params.grants.room_config) apply_preset(request, *params.grants.room_config);
    request.set_name(params.room);
    request.set_room_preset(params.grants.room_preset);
    const auto room = make_room(request);
    if (!room) return refuse(scope_, session, params, not_made(request, room.error()));
    enter(**room, session, params,
          [&](Room& entered) { entered.sessions().join(session, params); });
}

// When the room breaks over it before anything was said, the refusal is the first that is.
template <typename Input>
void RoomManager::enter(Room& room, SessionId session, const JoinParams& params, Input&& input) {
    if (!rooms_.in_room(room, std::forward<Input>(input)))
        return refuse(
            scope_, session, params,
            refusal(join_errors::kClosedByMedia, "room_failed", "the room failed and was ended"));
    sessions_[session] = {params.room, params.grants.identity};
}

void RoomManager::handle_request(Clock clock, SessionId session,
                                 const livekit::SignalRequest& request) {
    clock_ = clock;
    const auto it = sessions_.find(session);
    if (it == sessions_.end()) return;
    const SessionPlace place = it->second;
    if (Room* room = rooms_.find(place.room))
        rooms_.in_room(*room, [&](Room& entered) {
            entered.requests().handle(session, place.identity, request);
        });
}

void RoomManager::signal_closed(Clock clock, SessionId session) {
    clock_ = clock;
    const auto it = sessions_.find(session);
    if (it == sessions_.end()) return;
    const SessionPlace place = std::move(it->second);
    sessions_.erase(it);
    if (Room* room = rooms_.find(place.room))
        rooms_.in_room(*room, [&](Room& entered) {
            entered.sessions().signal_closed(session, place.identity);
        });
}

void RoomManager::shut_down(Clock clock) {
    clock_ = clock;
    while (!rooms_.all().empty()) {
        Room& room = *rooms_.all().begin()->second;
        if (rooms_.guarded(room, [](Room& entered) { entered.close(livekit::SERVER_SHUTDOWN); }))
            rooms_.erase(room);
    }
}

bool hand_over(RoomManager& rooms, Clock clock, const std::string& key, RoomEnd end) {
    rooms.clock_ = clock;
    Room* const room = rooms.rooms_.find(key);
    if (room == nullptr) return false;
    const auto close = [end](Room& entered) { entered.close(livekit::SERVER_SHUTDOWN, end); };
    if (rooms.rooms_.guarded(*room, close)) rooms.rooms_.erase(*room);
    return true;
}

RoomManager::Snapshot RoomManager::snapshot() const {
    Snapshot result;
    result.rooms = rooms_.all().size();
    for (const auto& [name, room] : rooms_.all())
        result.participants += room->size();
    result.sessions = sessions_.size();
    result.effects_waiting = out_.size();
    result.effects_dropped = out_.dropped();
    result.moved = worker_moves_.moved();
    result.counters = counters_;
    return result;
}

}  // namespace confab::room
