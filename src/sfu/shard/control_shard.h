// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rooms are spread over control threads, the control shards. Every 64-bit id of the media plane
// carries the control shard of its room in its upper byte, so that a media worker knows whom to
// tell of an event without a table:
//
//    63      56 55                                    0
//   +----------+---------------------------------------+
//   |  shard   |  number, unique within that shard     |
//   +----------+---------------------------------------+
//
// All ids of one command, and of one event, are of one room, hence of one control shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/tagged.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

using ControlShard = std::uint8_t;

inline constexpr unsigned kControlShardBit = 56;
// Few are needed: one control thread serves thousands of sessions.
inline constexpr std::size_t kMaxControlShards = 64;

constexpr ControlShard control_shard_of(std::uint64_t id) {
    return static_cast<ControlShard>(id >> kControlShardBit);
}
template <typename Tag>
constexpr ControlShard control_shard_of(const Tagged<Tag, std::uint64_t>& id) {
    return control_shard_of(id.value());
}
// Whether two ids can stand in one command.
template <typename A, typename B>
constexpr bool same_control_shard(const A& a, const B& b) {
    return control_shard_of(a) == control_shard_of(b);
}

// Of what an event tells.
template <typename E>
std::uint64_t subject_of(const E& event) {
    if constexpr (requires { event.peer; })
        return event.peer.value();
    else if constexpr (requires { event.receiver; })
        return event.receiver.value();
    else if constexpr (requires { event.down_track; })
        return event.down_track.value();
    else
        return event.room.value();
}
inline ControlShard control_shard_of(const Event& event) {
    return std::visit([](const auto& one) { return control_shard_of(subject_of(one)); }, event);
}

}  // namespace confab::sfu
