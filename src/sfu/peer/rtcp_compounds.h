// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RTCP of one connection on its way into datagrams (RFC 3550 §6.1, RFC 5506).
#pragma once

#include <array>

#include "base/bytes.h"
#include "rtc/peer/transport.h"
#include "sfu/packet/send_batch.h"

namespace confab::sfu {

// What fits one datagram beside SRTCP's tag and index (NET-01).
inline constexpr std::size_t kMaxCompound = 1200 - 24;

// One compound; dropped when the peer is not connected.
void send_rtcp(peer::Transport& transport, BytesView compound, SendBatch& batch);

// Packets that follow one another: one that does not fit any more begins the next datagram.
class RtcpCompounds {
  public:
    RtcpCompounds(peer::Transport& transport, SendBatch& batch)
        : transport_(transport), batch_(batch), out_(buffer_) {}

    // Whether the batch takes what is collected and two more: the caller writes one thing only
    // while this is so.
    bool has_room() const { return batch_.has_room_for(3); }
    // Where the next `size` octets at most may be written.
    ByteWriter& next(std::size_t size) {
        if (out_.size() + size > buffer_.size()) send();
        return out_;
    }
    void send() {
        if (out_.size() > 0 && out_.ok()) send_rtcp(transport_, out_.written(), batch_);
        out_ = ByteWriter(buffer_);
    }

  private:
    peer::Transport& transport_;
    SendBatch& batch_;
    std::array<std::uint8_t, kMaxCompound> buffer_{};
    ByteWriter out_;
};

}  // namespace confab::sfu
