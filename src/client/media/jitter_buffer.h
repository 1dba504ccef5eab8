// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Puts the packets of one RTP stream in order: what is missing is waited for, until a packet behind
// it has waited for kPatience or the buffer is full; then it is given up. Repairs come in by their
// original's number (RFC 4588). Pure.
//
//   add(5) add(7)  ─▶  5        … add(6) ─▶ 6 7        or, 700 ms later, ─▶ 7 (not contiguous)
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"

namespace confab::client {

class JitterBuffer {
  public:
    static constexpr Duration kPatience = Duration::millis(700);
    static constexpr std::size_t kMaxHeld = 1500;

    struct Packet {
        std::int64_t sequence = 0;  // unwrapped
        std::uint32_t timestamp = 0;
        bool marker = false;
        bool contiguous = true;  // nothing was given up before it
        Timestamp arrival;
        Bytes payload;
    };
    enum class Added : std::uint8_t {
        kNew,
        kLate,       // handed on, or given up, before
        kDuplicate,  // the same again
        kConflict,   // the number is held with other contents
        kFull,       // nobody takes what is held: dropped
    };

    // The stream begins here; without it nothing is handed on.
    void start(std::int64_t first) {
        next_ = first;
        held_.erase(held_.begin(), held_.lower_bound(first));
    }
    bool started() const { return next_.has_value(); }
    Added add(Packet packet);
    // The next one in order, if it is there or what is before it has been given up.
    std::optional<Packet> pop(Timestamp now);
    Timestamp next_deadline() const {
        return held_.empty() ? Timestamp::never() : held_.begin()->second.arrival + kPatience;
    }
    std::uint64_t given_up() const { return given_up_; }
    std::size_t held() const { return held_.size(); }

  private:
    std::map<std::int64_t, Packet> held_;
    std::optional<std::int64_t> next_;
    std::uint64_t given_up_ = 0;
};

}  // namespace confab::client
