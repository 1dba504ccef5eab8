// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which messages come compressed. Beast holds 13 KB for each connection with permessage-deflate,
// also for the silent ones; so it is told of none, and this takes the mark of compression from the
// frames before it sees them (RFC 6455 §5.2, RFC 7692 §6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace confab::net {

class FrameMarks {
  public:
    // More than the shortest frames that one read of the stream brings.
    static constexpr std::size_t kMaxBegun = 64 * 1024;
    struct Message {
        bool text = false;
        bool compressed = false;
    };

    // From now on messages may come compressed.
    void allow_compression() { allowed_ = true; }
    // The next bytes of the peer. A compressed message becomes a plain one of octets, since what
    // is compressed is no UTF-8; anything else stays, faults included.
    void pass(BytesSpan bytes);
    // The oldest message that has begun and was not taken; call it once for each that ends.
    Message take();
    std::size_t begun() const { return begun_.size(); }

  private:
    void take_first(std::uint8_t& octet);
    void take_header(std::uint8_t octet);

    bool allowed_ = false;
    std::size_t header_ = 0;       // bytes of this frame's header that are here
    std::size_t header_size_ = 2;  // as far as is known
    std::size_t length_size_ = 0;
    std::uint64_t payload_ = 0;  // still to come
    // Those that were received at once and not read yet, up to kMaxBegun: beyond, nobody reads.
    std::vector<Message> begun_;
};

}  // namespace confab::net
