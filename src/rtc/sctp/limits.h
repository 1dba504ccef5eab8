// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Every bound of the SCTP machines with its overflow policy (07 SIO-07).
#pragma once

#include <cstddef>
#include <cstdint>

namespace confab::sctp {

// Bookkeeping counted for each stored fragment or message, so that tiny ones can not cost more
// memory than the byte limits say; where they wait for the owner, too.
inline constexpr std::size_t kItemOverhead = 64;

inline constexpr std::size_t kMaxGapRanges = 256;        // more holes: the chunk is not accepted
inline constexpr std::int64_t kMaxTsnAhead = 16384;      // farther ahead: the chunk is not accepted
inline constexpr std::size_t kMaxDuplicateReports = 16;  // per SACK; more are not reported
inline constexpr std::size_t kMaxFragments = 2048;  // per message; more: as a message too large
inline constexpr std::size_t kMaxTrackedStreams = 1024;     // with state; data of others is dropped
inline constexpr std::size_t kMaxEvents = 32768;            // undelivered; more: association fails
inline constexpr std::size_t kMaxQueuedPackets = 8;         // handshake packets; more are not sent
inline constexpr std::size_t kMaxOutstandingChunks = 4096;  // sent, unacknowledged; more wait
inline constexpr std::size_t kMaxResetStreams = 256;        // per request; the others follow later
inline constexpr std::size_t kMaxForwardStreams = 128;  // in one FORWARD-TSN; others follow later
inline constexpr std::int64_t kMaxForwardJump = 65536;  // farther FORWARD-TSN: ignored
inline constexpr std::size_t kMaxReportedChunk = 128;   // longer unknown chunks: no ERROR
inline constexpr std::size_t kMaxHeartbeatInfo = 512;   // longer ones are not answered
inline constexpr std::size_t kMaxCookie = 1024;         // longer cookies are refused
inline constexpr std::size_t kControlReserve = 64 * 1024;  // send queue bytes kept for DCEP
inline constexpr std::size_t kMinMtu = 128;

}  // namespace confab::sctp
