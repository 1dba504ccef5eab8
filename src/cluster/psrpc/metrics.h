// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a bus counts for each method, for the livekit_psrpc_* metrics (03 §6.1). Names are literals
// of methods, so that there are as many series as methods.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>

#include "base/time.h"
#include "rpc/bus.h"

namespace confab::cluster::psrpc {

enum class Role : std::uint8_t { kClient, kServer };

// Of lengths of time: counts[i] of those up to kBounds[i] milliseconds, the last one of all longer.
struct Histogram {
    static constexpr std::array<std::int64_t, 10> kBounds{10,   50,   100,  300,  500,
                                                          1000, 1500, 2000, 5000, 10000};
    std::array<std::uint64_t, kBounds.size() + 1> counts{};
    std::uint64_t count = 0;
    std::int64_t sum_ms = 0;

    void add(Duration time);
};

struct MethodKey {
    Role role = Role::kClient;
    std::string_view kind;  // "rpc", "multirpc", "stream"
    std::string_view service;
    std::string_view method;
    auto operator<=>(const MethodKey&) const = default;
};
MethodKey key_of(Role role, const rpc::Method& method);

struct MethodCounts {
    Histogram request_time;                     // psrpc_request_time_ms
    std::map<rpc::Code, std::uint64_t> errors;  // psrpc_error_total
    std::uint64_t bytes_rx = 0;                 // psrpc_bytes_total: what users send and get
    std::uint64_t bytes_tx = 0;
    std::uint64_t received = 0;  // psrpc_requests_received_total, servers
    std::uint64_t expired = 0;   // psrpc_requests_expired_total, servers
    Histogram claim_chosen;      // psrpc_claim_wait_time_ms, clients, by outcome
    Histogram claim_failed;
    Histogram send_time;                // psrpc_stream_send_time_ms
    std::uint64_t stream_received = 0;  // psrpc_stream_receive_total: messages
    std::int64_t streams = 0;           // psrpc_stream_count: open now
};

using Metrics = std::map<MethodKey, MethodCounts>;

}  // namespace confab::cluster::psrpc
