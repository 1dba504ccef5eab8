// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The receiver's guess of the roll-over counter (RFC 3711 §3.3.1 and appendix A).
#pragma once

#include <cstdint>
#include <optional>

namespace confab::srtp {

class Rollover {
  public:
    // The 48-bit index that a packet with this sequence number most likely has; nullopt if it would
    // lie before the start of the stream or behind its end.
    std::optional<std::uint64_t> guess(std::uint16_t sequence) const {
        if (!started_) return sequence;
        constexpr std::int64_t kCycle = 0x1'0000;
        constexpr std::int64_t kHalf = 0x8000;
        const auto highest = static_cast<std::int64_t>(highest_);
        std::int64_t index = (highest & ~(kCycle - 1)) + sequence;
        if (index - highest > kHalf) index -= kCycle;
        if (highest - index > kHalf) index += kCycle;
        if (index < 0 || index >> 48 != 0) return std::nullopt;
        return static_cast<std::uint64_t>(index);
    }
    // Whether the packet comes after every authenticated one: no repetition of an old one.
    bool is_news(std::uint16_t sequence) const {
        const auto index = guess(sequence);
        return started_ && index && *index > highest_;
    }
    // Takes the index of an authenticated packet into account.
    void commit(std::uint64_t index) {
        if (!started_ || index > highest_) highest_ = index;
        started_ = true;
    }

    // base/state/state.h
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io) {
        io.field(1, self.highest_);
        io.field(2, self.started_);
        if constexpr (Io::kReads) io.require(self.highest_ >> 48 == 0);
    }

  private:
    std::uint64_t highest_ = 0;
    bool started_ = false;
};

}  // namespace confab::srtp
