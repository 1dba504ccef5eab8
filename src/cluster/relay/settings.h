// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The timings of the signal relay (03 NODE-20) and the limits of what it keeps.
#pragma once

#include <cstddef>

#include "base/tagged.h"
#include "base/time.h"
#include "rpc/bus.h"

namespace confab::cluster::relay {

using SessionId = Tagged<struct RelaySessionTag, std::uint64_t>;

inline constexpr rpc::Method kRelaySignal{"Signal", "RelaySignal", rpc::Flow::kStream, true};

struct Settings {
    // `signal_relay` of the configuration.
    Duration retry_timeout = Duration::millis(7500);  // unacknowledged so long: given up
    Duration min_retry_interval = Duration::millis(500);
    Duration max_retry_interval = Duration::seconds(4);
    std::size_t stream_buffer_size = 1000;  // messages that wait to be sent, per session
    unsigned connect_attempts = 3;
    // No settings there, but of the same row.
    Duration first_response = Duration::seconds(3);  // and a second more each attempt
    // For the node of a room, which may wait for Redis to be there again. It does not count as time
    // without a response.
    Duration place_wait = Duration::seconds(10);
    // After the first attempt: later, no further one begins. The clients give up after 15 s.
    Duration attempts_within = Duration::seconds(8);
    Duration start_wait = Duration::millis(7500);  // of the node with the room, for the start
    Duration open_timeout = Duration::seconds(3);  // RPC-01
    // Of relayed sessions of one end; a further one is refused. A session at rest takes about 3 KiB
    // of an end (measured, with its stream), one whose peer takes nothing up to kMaxQueuedBytes
    // each way.
    std::size_t max_sessions = 65'536;
};

// A message longer than that ends its session.
inline constexpr std::size_t kMaxMessageBytes = std::size_t{8} << 20;
// What waits to be sent in one session, and what was received and not taken; beyond either the
// session ends (sending node of responses: the queue is dropped, which ends it too).
inline constexpr std::size_t kMaxQueuedBytes = std::size_t{8} << 20;
// Received and not taken (NODE-21). Beyond it the session ends.
inline constexpr std::size_t kMaxReceived = 200;
// A batch that is sent does not grow further: a receiver that is slow has a place for it.
inline constexpr std::size_t kMaxBatchMessages = 100;
inline constexpr std::size_t kMaxBatchBytes = std::size_t{1} << 20;
// Of any stream message that is read: one message of full length, or a start of a session.
inline constexpr std::size_t kMaxStreamMessage = kMaxMessageBytes + 64 * 1024;

}  // namespace confab::cluster::relay
