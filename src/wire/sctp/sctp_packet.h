// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The SCTP packet: common header, checksum and the walk over its chunks (RFC 9260 §3).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------------------------------+-------------------------------+
//   |      Source Port Number       |    Destination Port Number    |
//   +-------------------------------+-------------------------------+
//   |                       Verification Tag                        |
//   +---------------------------------------------------------------+
//   |                  Checksum (CRC32c, little-endian)             |
//   +---------------+---------------+-------------------------------+
//   |  Chunk Type   |  Chunk Flags  | Chunk Length (without padding)|
//   +---------------+---------------+-------------------------------+
//   |                 Chunk Value, padded to 4 bytes                |
//   +---------------------------------------------------------------+
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace confab::wire::sctp {

inline constexpr std::size_t kCommonHeaderSize = 12;
inline constexpr std::size_t kChunkHeaderSize = 4;
inline constexpr std::size_t kDataHeaderSize = 16;  // chunk header included

// RFC 9260 §3.2, RFC 3758 (FORWARD-TSN), RFC 6525 (RE-CONFIG), RFC 8260 (I-DATA).
enum class ChunkType : std::uint8_t {
    kData = 0,
    kInit = 1,
    kInitAck = 2,
    kSack = 3,
    kHeartbeat = 4,
    kHeartbeatAck = 5,
    kAbort = 6,
    kShutdown = 7,
    kShutdownAck = 8,
    kError = 9,
    kCookieEcho = 10,
    kCookieAck = 11,
    kShutdownComplete = 14,
    kIData = 64,
    kReConfig = 130,
    kForwardTsn = 192,
    kIForwardTsn = 194,
};

enum class ParseError : std::uint8_t {
    kTooShort,  // shorter than its fixed fields
    kBadChecksum,
    kBadLength,   // a length field disagrees with the bytes
    kBadValue,    // a field outside its range
    kNoUserData,  // DATA without payload (RFC 9260 §6.2)
};

struct CommonHeader {
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint32_t verification_tag = 0;
};

// Lives as long as the packet it was read from.
struct ChunkView {
    ChunkType type = ChunkType::kData;
    std::uint8_t flags = 0;
    BytesView value;  // without header and padding
    BytesView raw;    // with header, without padding
};

struct PacketView {
    CommonHeader header;
    BytesView chunks;
};

// Checks length and checksum, not the chunks.
Result<PacketView, ParseError> parse_packet(BytesView bytes);

// Walks chunks: for (ChunkReader r(p.chunks); auto c = r.next();). ok() is false after a chunk
// whose length does not fit; a missing padding behind the last chunk is accepted.
class ChunkReader {
  public:
    explicit ChunkReader(BytesView chunks) : rest_(chunks) {}
    std::optional<ChunkView> next();
    bool ok() const { return ok_; }
    bool at_end() const { return rest_.empty(); }

  private:
    BytesView rest_;
    bool ok_ = true;
};

// What the two high bits of an unknown chunk or parameter type ask for (RFC 9260 §3.2, §3.2.1).
struct UnknownRule {
    bool skip;    // go on behind it, else stop
    bool report;  // tell the sender
};
constexpr UnknownRule unknown_chunk_rule(ChunkType type) {
    const auto bits = static_cast<std::uint8_t>(type);
    return {(bits & 0x80) != 0, (bits & 0x40) != 0};
}
constexpr UnknownRule unknown_parameter_rule(std::uint16_t type) {
    return {(type & 0x8000) != 0, (type & 0x4000) != 0};
}

constexpr std::size_t padded(std::size_t size) {
    return (size + 3) & ~std::size_t{3};
}

// Builds one packet of at most `mtu` bytes.
class PacketWriter {
  public:
    PacketWriter(const CommonHeader& header, std::size_t mtu);

    // Room for one more chunk value, its header already subtracted.
    std::size_t room() const;
    bool empty() const { return bytes_.size() == kCommonHeaderSize; }
    // Appends a chunk header with zeroed, padded value of exactly `value_size` bytes and gives a
    // writer over the value; nullopt when it does not fit. The writer dies with the next call.
    std::optional<ByteWriter> chunk(ChunkType type, std::uint8_t flags, std::size_t value_size);
    // Writes the checksum and hands the packet out.
    Bytes finish();

  private:
    std::size_t mtu_;
    Bytes bytes_;
};

}  // namespace confab::wire::sctp
