// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/send/frame_run.h"

#include <algorithm>

#include "sfu/peer/send/lent_octets.h"

namespace confab::sfu {

FrameRun::FrameRun(const PendingPacket& pending, std::uint32_t abs_send_time,
                   srtp::SendContext& srtp)
    : header_(pending.packet, *pending.extensions, {abs_send_time, 0}),
      srtp_(srtp),
      frame_(*pending.frame),
      next_(pending.frame_next),
      sequence_(pending.next_sequence()),
      prefix_size_(pending.packet.prefix_size),
      skip_(pending.packet.payload_offset),
      prefix_(load_be64(pending.packet.prefix.data()) & ~std::uint64_t{0} >> 8) {}

bool FrameRun::possible() const {
    return header_.size() > 0 && frame_.shortest > skip_ && frame_.before >= LentOctets::kRoom &&
           frame_.behind >= kMaxPadding;
}

std::size_t FrameRun::build(std::uint8_t padding, std::uint16_t transport_sequence, BytesSpan out) {
    const BytesSpan slot = packet().ref.buffer();
    std::uint8_t* const body = slot.data() + (packet().payload.data() - slot.data()) + skip_;
    std::size_t size = body_size();
    if (padding > 0) {
        // Behind it are the octets that were the publisher's tag or padding: nobody's now.
        std::fill_n(body + size, padding - 1, std::uint8_t{0});
        size += padding;
        body[size - 1] = padding;
    }
    const std::int64_t sequence = sequence_++;
    const std::uint64_t octet = frame_.octet(next_);
    header_.write(out.data(), sequence, frame_.is_marked(next_++), padding > 0, transport_sequence);
    const auto protect = [&](BytesView text) {
        return srtp_.protect_rtp({out, header_.size(), text, static_cast<std::uint64_t>(sequence)});
    };
    if (prefix_size_ == 0) return protect({body, size});
    const LentOctets lent(body, prefix_ | octet << 56, prefix_size_);
    return protect({body - prefix_size_, prefix_size_ + size});
}

}  // namespace confab::sfu
