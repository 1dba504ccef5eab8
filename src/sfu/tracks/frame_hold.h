// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How long the packets of a video frame wait for the rest of it (02 DES-10): a sender writes them
// one by one, and each turn that takes but a few of them costs every subscriber a trip through the
// network stack of its own. The rest is certain to follow, soon or, behind a pacer, in a while.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "sfu/packet/media_packet.h"

namespace confab::sfu {

struct FrameHoldLimits {
    Duration gap;   // behind the last packet; zero: nothing waits
    Duration most;  // behind the first one
};
// A client that encrypts and sends packet by packet needs 10 to 60 us for each; a pacer sends the
// next ones after 5 ms.
inline constexpr FrameHoldLimits kFrameHold{Duration::micros(150), Duration::millis(1)};

// Of one track: its packets that are not decided yet.
class FrameHold {
  public:
    // Before the first packet.
    void begin(Timestamp now) {
        first_ = last_ = now;
        open_ = 0;
    }
    // `stream`: of the layers of simulcast, below 8.
    void add(Timestamp now, std::size_t stream, const MediaPacket& media) {
        last_ = now;
        if (media.late || media.padding_only) return;
        const auto bit = static_cast<std::uint8_t>(1U << stream);
        open_ = media.marker ? open_ & ~bit : open_ | bit;
    }
    Timestamp first() const { return first_; }
    // They go on then; not later than the last add() once all frames are whole.
    Timestamp until(const FrameHoldLimits& limits) const {
        if (open_ == 0 || limits.gap == Duration::zero()) return first_;
        return earlier(last_ + limits.gap, first_ + limits.most);
    }

  private:
    Timestamp first_;
    Timestamp last_;
    std::uint8_t open_ = 0;  // bit s: a frame of stream s is not at its end
};

}  // namespace confab::sfu
