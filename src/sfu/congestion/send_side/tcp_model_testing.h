// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A flow that competes as TCP does (RFC 5681): slow start, one packet more per round trip, half of
// the window after a loss. No time-outs, and what was lost is not sent again; for a queue to be
// filled by, that is enough.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>

#include "rtc/bwe/bottleneck_testing.h"
#include "sfu/congestion/allocator_testing.h"

namespace confab::sfu::test {

struct TcpOptions {
    std::int64_t start_ms = 0;
    std::int64_t stop_ms = 1'000'000'000;
    Duration way = Duration::millis(25);
    Duration way_back = Duration::millis(50);
    // Short transfers: bytes of one, and what lies between them on average; 0: one without an end.
    std::uint64_t transfer = 0;
    std::int64_t pause_ms = 0;
};

class TcpModel {
  public:
    static constexpr std::uint32_t kSegment = 1500;

    TcpModel(bwe::test::Bottleneck& link, TcpOptions options, std::uint64_t seed)
        : link_(link), options_(options), rng_(seed) {
        begin(options.start_ms);
    }

    std::uint64_t bytes() const { return bytes_; }
    void step(std::int64_t ms) {
        const Timestamp now = at_ms(ms);
        for (; !flying_.empty() && flying_.front().told <= now; flying_.pop_front())
            handle_ack(flying_.front(), now);
        if (ms < next_ || ms >= options_.stop_ms) return;
        while (static_cast<double>(flying_.size()) < window_ && !done()) {
            sent_ += kSegment;
            const Duration waits = link_.waiting(now);
            const auto out = link_.send(now, kSegment);
            const Timestamp arrives = out ? *out : now + waits + link_.profile().delay;
            flying_.push_back({now, arrives + options_.way + options_.way_back, out.has_value()});
        }
        if (done() && flying_.empty()) begin(ms + pause());
    }

  private:
    struct Segment {
        Timestamp sent;
        Timestamp told;
        bool arrived;
    };
    bool done() const { return options_.transfer > 0 && sent_ >= options_.transfer; }
    void begin(std::int64_t ms) {
        next_ = ms;
        sent_ = 0;
        window_ = 10;
        threshold_ = 1000;
    }
    // Exponentially distributed.
    std::int64_t pause() {
        const double u = static_cast<double>(1 + rng_.below(999'999)) / 1e6;
        return static_cast<std::int64_t>(-std::log(u) * static_cast<double>(options_.pause_ms));
    }
    void handle_ack(const Segment& segment, Timestamp now) {
        if (segment.arrived) {
            bytes_ += kSegment;
            window_ += window_ < threshold_ ? 1 : 1 / window_;
        } else if (segment.sent > halved_) {
            window_ = threshold_ = std::max(window_ / 2, 2.0);
            halved_ = now;
        }
    }

    bwe::test::Bottleneck& link_;
    TcpOptions options_;
    Rng rng_;
    std::deque<Segment> flying_;
    std::int64_t next_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t bytes_ = 0;
    double window_ = 10;
    double threshold_ = 1000;
    Timestamp halved_;
};

}  // namespace confab::sfu::test
