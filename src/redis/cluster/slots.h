// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which node of a Redis Cluster has a key (redis.io/docs/reference/cluster-spec).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "redis/address.h"
#include "redis/port.h"
#include "redis/value.h"

namespace confab::redis {

constexpr std::uint16_t kSlots = 16384;

// CRC16 (XMODEM) of the key, or of what stands in its first {…} if that is not empty.
std::uint16_t slot_of(std::string_view key);
// The slot that a command is about: of its first key, of a publication's channel; none for commands
// without a key.
std::optional<std::uint16_t> slot_of(Words words);

struct SlotRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    Address master;
    bool operator==(const SlotRange&) const = default;
};
// Of a reply to CLUSTER SLOTS, ranges that make no sense left out. A node without a host is the one
// that was asked.
std::vector<SlotRange> read_slots(const Value& reply, const Address& asked);

// "MOVED 3999 127.0.0.1:6381", "ASK …".
struct Redirection {
    bool moved = false;  // for good; else only this once
    std::uint16_t slot = 0;
    Address to;
};
std::optional<Redirection> read_redirection(const Value& reply, const Address& asked);

}  // namespace confab::redis
