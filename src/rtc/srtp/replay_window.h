// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The sliding replay list of RFC 3711 §3.3.2, for SRTCP (08 IMM-10).
#pragma once

#include <cstdint>

namespace confab::srtp {

inline constexpr std::uint32_t kReplayWindow = 128;  // RFC 3711 §3.3.2 demands at least 64

class ReplayWindow {
  public:
    // True for an index not seen before and not older than the window.
    bool fresh(std::uint32_t index) const {
        if (!started_ || index > highest_) return true;
        const std::uint32_t age = highest_ - index;
        return age < kReplayWindow && (bits_[age / 64] >> (age % 64) & 1U) == 0;
    }
    // Marks the index of an authenticated packet.
    void commit(std::uint32_t index) {
        if (!started_ || index > highest_) {
            shift(started_ ? index - highest_ : kReplayWindow);
            highest_ = index;
            started_ = true;
        }
        const std::uint32_t age = highest_ - index;
        if (age < kReplayWindow) bits_[age / 64] |= std::uint64_t{1} << (age % 64);
    }

    // base/state/state.h
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io) {
        io.field(1, self.highest_);
        io.field(2, self.started_);
        io.field(3, self.bits_[0]);
        io.field(4, self.bits_[1]);
    }

  private:
    void shift(std::uint32_t by) {
        if (by >= kReplayWindow) {
            bits_[0] = bits_[1] = 0;
        } else if (by >= 64) {
            bits_[1] = bits_[0] << (by - 64);
            bits_[0] = 0;
        } else if (by > 0) {
            bits_[1] = bits_[1] << by | bits_[0] >> (64 - by);
            bits_[0] <<= by;
        }
    }

    std::uint64_t bits_[kReplayWindow / 64] = {};
    std::uint32_t highest_ = 0;
    bool started_ = false;
};

}  // namespace confab::srtp
