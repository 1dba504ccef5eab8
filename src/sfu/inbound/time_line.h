// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The RTP time of one incoming stream on a 64-bit line (02 IN-01): of the cycles it may be in, the
// one nearest to where the clock has gone since the last packet. Half a cycle is 6.6 h at 90 kHz,
// and a layer that nobody watched overnight comes back later than that.
#pragma once

#include <cstdint>

#include "base/state/state.h"
#include "base/time.h"

namespace confab::sfu {

class TimeLine {
  public:
    explicit TimeLine(std::uint32_t clock_rate) : clock_rate_(clock_rate) {}

    // The position of `time`; moves the reference forward when it is the newest.
    std::int64_t unwrap(Timestamp now, std::uint32_t time);
    // The same without moving the reference.
    std::int64_t peek(Timestamp now, std::uint32_t time) const;
    std::int64_t highest() const { return highest_; }

    // base/state/state.h.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    std::uint32_t clock_rate_;
    bool started_ = false;
    std::int64_t highest_ = 0;
    Timestamp heard_;  // the last packet
};

}  // namespace confab::sfu
