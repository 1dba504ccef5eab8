// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a node measures of itself, as others read it in its record (03 NODE-03).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace confab::cluster::nodes {

// All count from the start of the process and never fall.
enum class Counter : std::uint8_t {
    kBytesIn,
    kBytesOut,
    kPacketsIn,
    kPacketsOut,
    kNacks,
    kRetransmitBytesOut,
    kRetransmitPacketsOut,
    kSystemPacketsOut,      // of the whole machine
    kSystemPacketsDropped,  // by its queues
    kPublishAttempts,
    kPublishSuccesses,
    kPublishCancels,
    kSubscribeAttempts,
    kSubscribeSuccesses,
    kSubscribeCancels,
    kSignalConnected,
    kSignalFailed,
    kSignalValidationFailed,
    kRtcConnected,
    kRtcInit,
    kRtcCanceled,
    kRtcActive,
};
inline constexpr std::size_t kCounters = 22;
constexpr std::size_t index_of(Counter counter) {
    return static_cast<std::size_t>(counter);
}

struct NodeFigures {
    std::int32_t num_rooms = 0;
    std::int32_t num_clients = 0;
    std::int32_t num_tracks_in = 0;
    std::int32_t num_tracks_out = 0;
    std::array<std::uint64_t, kCounters> counters{};

    std::uint32_t num_cpus = 0;
    float load_avg_1min = 0;
    float load_avg_5min = 0;
    float load_avg_15min = 0;
    float cpu_load = 0;              // 0 … 1 of what the process may use (its cgroup)
    std::uint64_t memory_total = 0;  // bytes
    std::uint64_t memory_used = 0;
    std::uint32_t forward_latency_ns = 0;  // averages
    std::uint32_t forward_jitter_ns = 0;

    std::uint64_t& operator[](Counter counter) { return counters[index_of(counter)]; }
    std::uint64_t operator[](Counter counter) const { return counters[index_of(counter)]; }
    bool operator==(const NodeFigures&) const = default;
};

// What happened per second in one window of time.
struct RateFigures {
    UnixTime started;
    UnixTime ended;
    Duration duration;
    std::array<float, kCounters> per_second{};
    // Averages over the window, by time.
    float cpu_load = 0;
    float memory_load = 0;  // used / total
    float memory_used = 0;
    float memory_total = 0;

    float& operator[](Counter counter) { return per_second[index_of(counter)]; }
    float operator[](Counter counter) const { return per_second[index_of(counter)]; }
    bool operator==(const RateFigures&) const = default;
};

}  // namespace confab::cluster::nodes
