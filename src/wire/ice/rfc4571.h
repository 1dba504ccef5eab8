// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Packets on a stream (RFC 4571 §2, used by ICE-TCP, RFC 6544 §10): each is preceded by its size.
//    0                   1
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 ...
//   +-------------------------------+----------
//   |  LENGTH                       |  packet
//   +-------------------------------+----------
// The reader is a stream parser: it may be given the stream in any cuts. Larger frames than the
// limit end the connection (02 ICE-08); the driver also caps the time and the unread packets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace confab::wire {

inline constexpr std::size_t kRfc4571HeaderSize = 2;
inline constexpr std::size_t kMaxRfc4571Frame = 8192;  // 02 ICE-08

enum class Rfc4571Error : std::uint8_t { kFrameTooLarge };

class Rfc4571Reader {
  public:
    struct Step {
        std::size_t used = 0;  // bytes of the input taken; the caller goes on with the rest
        // One whole packet (may be empty), valid until the next consume() and as long as the input.
        std::optional<BytesView> frame;
    };

    explicit Rfc4571Reader(std::size_t max_frame = kMaxRfc4571Frame) : max_frame_(max_frame) {}

    // Takes bytes up to the end of at most one packet. Without a frame all input has been used.
    // After an error the reader stays in error: close the connection.
    Result<Step, Rfc4571Error> consume(BytesView input);

    // Memory of a packet whose rest has not come yet; below 2 * (max_frame + 2).
    std::size_t bytes_held() const { return buffer_.capacity(); }

  private:
    std::size_t max_frame_;
    Bytes buffer_;  // header and the beginning of the packet being received
    bool frame_given_ = false;
    bool failed_ = false;
};

// Writes header and packet into `out`; empty when the packet exceeds 65,535 bytes or `out`.
BytesView write_rfc4571(BytesView packet, BytesSpan out);
// The two bytes to send before a packet of this size (65,535 at most).
std::array<std::uint8_t, kRfc4571HeaderSize> rfc4571_header(std::uint16_t size);

}  // namespace confab::wire
