// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The packets of one frame as they are built and encrypted for one subscriber, one behind the
// other: what is alike in them is looked at once (02 DES-44). Only where encryption reads a body
// from its slot (AEAD, 02 DES-22).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "rtc/srtp/send_context.h"
#include "sfu/forward/forwarded_packet.h"
#include "sfu/peer/send/run_levels.h"
#include "sfu/peer/send/send_queue.h"

namespace confab::sfu {

class FrameRun {
  public:
    static constexpr std::size_t kMaxPadding = kPictureLevels.padding;

    // `pending` is a frame, of which the packets from its next one on are to be built in order.
    FrameRun(const PendingPacket& pending, std::uint32_t abs_send_time, srtp::SendContext& srtp);

    // False: each packet has to be built by itself.
    bool possible() const;
    // Octets of the next packet's body, behind the subscriber's own descriptor.
    std::size_t body_size() const { return packet().payload.size() - skip_; }
    // The next packet, with up to kMaxPadding octets of padding, into `out`, where the longest
    // datagram has room. Its size; 0 if it can't be encrypted.
    std::size_t build(std::uint8_t padding, std::uint16_t transport_sequence, BytesSpan out);

  private:
    const SharedFrame::Packet& packet() const { return frame_.packets[next_]; }

    FrameHeader header_;
    srtp::SendContext& srtp_;
    const SharedFrame& frame_;
    std::size_t next_;  // in the frame
    std::int64_t sequence_;
    std::size_t prefix_size_;
    std::size_t skip_;      // octets of each payload that the prefix takes the place of
    std::uint64_t prefix_;  // as load_be64() tells it, without its first octet
};

}  // namespace confab::sfu
