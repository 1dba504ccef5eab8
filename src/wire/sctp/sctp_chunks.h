// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Codecs of the SCTP chunks that carry data and acknowledgements: DATA, SACK (RFC 9260 §3.3.1,
// §3.3.4), FORWARD-TSN (RFC 3758 §3.2), SHUTDOWN, ABORT and ERROR (RFC 9260 §3.3.7 to §3.3.10).
// HEARTBEAT, COOKIE-ECHO and the chunks without value need no codec: their value is opaque.
// All parsed structs are views into the packet.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/sctp/sctp_packet.h"

namespace confab::wire::sctp {

//   |   Type = 0    |  Res  |I|U|B|E|            Length             |
//   |                              TSN                              |
//   |      Stream Identifier        |   Stream Sequence Number      |
//   |                  Payload Protocol Identifier                  |
//   |                          User Data …                          |
struct DataChunk {
    std::uint32_t tsn = 0;
    std::uint16_t stream = 0;
    std::uint16_t ssn = 0;  // without meaning when unordered
    std::uint32_t ppid = 0;
    bool unordered = false;
    bool begin = true;
    bool end = true;
    bool immediate = false;  // I bit: answer with SACK at once (RFC 9260 §3.3.1)
    BytesView payload;
};
Result<DataChunk, ParseError> parse_data(const ChunkView& chunk);
// False when it does not fit.
bool write_data(PacketWriter& packet, const DataChunk& data);

// Offsets from the cumulative TSN, both inclusive.
struct GapBlock {
    std::uint16_t start = 0;
    std::uint16_t end = 0;
    bool operator==(const GapBlock&) const = default;
};

//   |   Type = 3    |  Chunk Flags  |         Chunk Length          |
//   |                      Cumulative TSN Ack                       |
//   |          Advertised Receiver Window Credit (a_rwnd)           |
//   | Number of Gap Ack Blocks = N  |  Number of Duplicate TSNs = M |
//   |    Gap Ack Block #1 Start     |     Gap Ack Block #1 End      | × N
//   |                        Duplicate TSN 1                        | × M
struct SackView {
    std::uint32_t cumulative_tsn = 0;
    std::uint32_t a_rwnd = 0;
    BytesView gaps;        // 4 bytes each
    BytesView duplicates;  // 4 bytes each

    std::size_t gap_count() const { return gaps.size() / 4; }
    GapBlock gap(std::size_t i) const {
        return {load_be16(&gaps[i * 4]), load_be16(&gaps[i * 4 + 2])};
    }
    std::size_t duplicate_count() const { return duplicates.size() / 4; }
    std::uint32_t duplicate(std::size_t i) const { return load_be32(&duplicates[i * 4]); }
};
Result<SackView, ParseError> parse_sack(const ChunkView& chunk);
// Leaves out trailing gap blocks and then duplicates that do not fit; false when not even the
// fixed part fits.
bool write_sack(PacketWriter& packet, std::uint32_t cumulative_tsn, std::uint32_t a_rwnd,
                std::span<const GapBlock> gaps, std::span<const std::uint32_t> duplicates);

// The highest stream sequence number that is skipped on an ordered stream.
struct SkippedStream {
    std::uint16_t stream = 0;
    std::uint16_t ssn = 0;
    bool operator==(const SkippedStream&) const = default;
};

//   |   Type = 192  |  Flags = 0x00 |        Length = Variable      |
//   |                      New Cumulative TSN                       |
//   |         Stream-1              |       Stream Sequence-1       | × N
struct ForwardTsnView {
    std::uint32_t new_cumulative_tsn = 0;
    BytesView skipped;  // 4 bytes each

    std::size_t skipped_count() const { return skipped.size() / 4; }
    SkippedStream skipped_stream(std::size_t i) const {
        return {load_be16(&skipped[i * 4]), load_be16(&skipped[i * 4 + 2])};
    }
};
Result<ForwardTsnView, ParseError> parse_forward_tsn(const ChunkView& chunk);
bool write_forward_tsn(PacketWriter& packet, std::uint32_t new_cumulative_tsn,
                       std::span<const SkippedStream> skipped);

// SHUTDOWN carries the cumulative TSN acknowledged (RFC 9260 §3.3.8).
Result<std::uint32_t, ParseError> parse_shutdown(const ChunkView& chunk);
bool write_shutdown(PacketWriter& packet, std::uint32_t cumulative_tsn);

// Error causes (RFC 9260 §3.3.10, RFC 6525 has none of its own).
enum class Cause : std::uint16_t {
    kNone = 0,
    kInvalidStream = 1,
    kMissingParameter = 2,
    kStaleCookie = 3,
    kOutOfResource = 4,
    kUnresolvableAddress = 5,
    kUnrecognizedChunk = 6,
    kInvalidParameter = 7,
    kUnrecognizedParameters = 8,
    kNoUserData = 9,
    kCookieWhileShuttingDown = 10,
    kRestartWithNewAddresses = 11,
    kUserInitiatedAbort = 12,
    kProtocolViolation = 13,
};
// The first cause of an ABORT or ERROR chunk; kNone when there is none.
Cause first_cause(const ChunkView& chunk);
// One ABORT (T bit in `flags`) or ERROR chunk with one cause; kNone writes no cause.
bool write_with_cause(PacketWriter& packet, ChunkType type, std::uint8_t flags, Cause cause,
                      BytesView info);
inline constexpr std::uint8_t kFlagTagReflected = 0x01;  // T bit (RFC 9260 §3.3.7, §8.5.1)

}  // namespace confab::wire::sctp
