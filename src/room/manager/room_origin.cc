// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/room_origin.h"

#include <algorithm>
#include <utility>

#include "livekit_internal.pb.h"
#include "token/ids.h"
#include "token/room_key.h"

namespace confab::room {
namespace {

std::uint32_t or_default(std::uint32_t value, std::uint32_t fallback) {
    return value != 0 ? value : fallback;
}

sfu::PlayoutDelayLimits limits_of(std::uint32_t min_ms, std::uint32_t max_ms) {
    return {Duration::millis(min_ms), Duration::millis(max_ms)};
}

std::string internal_of(const livekit::CreateRoomRequest& settings) {
    livekit::RoomInternal internal;
    livekit::PlayoutDelay& delay = *internal.mutable_playout_delay();
    delay.set_enabled(settings.min_playout_delay() != 0 || settings.max_playout_delay() != 0);
    delay.set_min(settings.min_playout_delay());
    delay.set_max(settings.max_playout_delay());
    internal.set_sync_streams(settings.sync_streams());
    internal.set_replay_enabled(settings.replay_enabled());
    *internal.mutable_tags() = settings.tags();
    *internal.mutable_agent_dispatches() = settings.agents();
    if (settings.egress().has_tracks())
        *internal.mutable_track_egress() = settings.egress().tracks();
    if (settings.egress().has_participant())
        *internal.mutable_participant_egress() = settings.egress().participant();
    return internal.SerializeAsString();
}

livekit::RoomEgress egress_of(const livekit::RoomInternal& stored) {
    livekit::RoomEgress egress;
    if (stored.has_participant_egress())
        *egress.mutable_participant() = stored.participant_egress();
    if (stored.has_track_egress()) *egress.mutable_tracks() = stored.track_egress();
    return egress;
}

tl::unexpected<ServiceError> nonsense(std::string what) {
    return service_error(ServiceCode::kInvalidArgument,
                         "the stored room can not be adopted: " + std::move(what));
}

}  // namespace

RoomOrigin new_room(const RoomScope& scope, const livekit::CreateRoomRequest& settings) {
    const RoomDefaults& defaults = scope.config.room;
    RoomOrigin origin;
    livekit::Room& info = origin.info;
    info.set_sid(token::make_id(token::kRoomPrefix, scope.ids.rng()));
    origin.key = settings.name();
    info.set_name(std::string(token::split_room_key(settings.name()).name));
    info.set_empty_timeout(or_default(settings.empty_timeout(), defaults.empty_timeout));
    info.set_departure_timeout(
        or_default(settings.departure_timeout(), defaults.departure_timeout));
    info.set_max_participants(or_default(settings.max_participants(), defaults.max_participants));
    info.set_creation_time(scope.clock.wall.s());
    info.set_creation_time_ms(scope.clock.wall.ms());
    info.set_turn_password(scope.ids.secret(43));
    info.set_metadata(settings.metadata());
    origin.internal = internal_of(settings);
    origin.agents = settings.agents();
    origin.egress = settings.egress();
    origin.sync_streams = settings.sync_streams() || defaults.sync_streams;
    // What the room's own request says wins over the configuration.
    origin.playout_delay = defaults.playout_delay;
    if (settings.min_playout_delay() != 0 || settings.max_playout_delay() != 0)
        origin.playout_delay =
            limits_of(settings.min_playout_delay(), settings.max_playout_delay());
    return origin;
}

ServiceResult<RoomOrigin> stored_room(const RoomScope& scope, livekit::Room room,
                                      std::string internal) {
    constexpr std::int64_t kMaxSeconds =
        100'000'000'000;  // the year 5138: what is shown stays sane
    const std::string key = room.name();
    room.set_name(std::string(token::split_room_key(key).name));
    if (room.name().empty()) return nonsense("it has no name");
    if (token::exceeds(room.name().size(), scope.config.limits.room_name))
        return nonsense("its name exceeds length limit " +
                        std::to_string(scope.config.limits.room_name));
    if (!room.sid().starts_with(token::kRoomPrefix) || !token::is_valid_id(room.sid()))
        return nonsense("its sid is none of a room");
    if (room.creation_time() < 0 || room.creation_time() > kMaxSeconds)
        return nonsense("its creation time is none");
    livekit::RoomInternal parsed;
    if (!parsed.ParseFromString(internal)) return nonsense("its internal part does not decode");

    RoomOrigin origin;
    // Older versions stored seconds alone.
    if (room.creation_time_ms() / 1'000 != room.creation_time())
        room.set_creation_time_ms(room.creation_time() * 1'000);
    origin.age = std::max(Duration::zero(),
                          Duration::millis(scope.clock.wall.ms() - room.creation_time_ms()));
    if (room.turn_password().empty()) room.set_turn_password(scope.ids.secret(43));
    room.clear_num_participants();
    room.clear_num_publishers();
    room.clear_active_recording();
    origin.key = key;
    origin.info = std::move(room);
    origin.sync_streams = parsed.sync_streams() || scope.config.room.sync_streams;
    origin.playout_delay = scope.config.room.playout_delay;
    if (parsed.playout_delay().enabled())
        origin.playout_delay =
            limits_of(parsed.playout_delay().min(), parsed.playout_delay().max());
    origin.agents = parsed.agent_dispatches();
    origin.egress = egress_of(parsed);
    // As it came: what this version does not know of it is kept (03 RDS-25).
    origin.internal = std::move(internal);
    return origin;
}

}  // namespace confab::room
