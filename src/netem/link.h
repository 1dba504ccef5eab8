// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One direction of a network path (02 DES-51): a queue in front of a wire of some rate, then
// propagation with correlated jitter, loss, reordering and duplication. Knows sizes and times only;
// who carries the bytes asks it when, and whether, they arrive.
//
//   offer ─▶ MTU, outage ─▶ queue (tail drop) ─▶ wire (rate) ─▶ loss ─▶ delay ─▶ 0, 1, 2
//   times
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/rng.h"
#include "base/time.h"

namespace confab::netem {

struct LinkProfile {
    std::uint64_t bits_per_second = 0;  // 0: no limit
    std::size_t queue_bytes = 128 * 1024;
    Duration propagation = Duration::millis(10);
    Duration jitter;                // largest extra delay
    double jitter_correlation = 0;  // with the delay before, 0 to 1
    double loss = 0;                // of each packet, independent
    // Gilbert–Elliott: the chances per packet to enter and to leave the bad state, and of loss in
    // it.
    double burst_begin = 0;
    double burst_end = 1;
    double burst_loss = 0;
    double reorder = 0;  // such packets are overtaken by those behind them
    Duration reorder_delay = Duration::millis(20);
    double duplicate = 0;
    std::size_t mtu = 1500;    // of the UDP payload and 28 bytes of headers
    Duration queue_time;       // the longest wait for the wire, in place of queue_bytes; zero: not
    unsigned reorder_gap = 0;  // a reordered packet comes at least so many behind the one before
};

struct Deliveries {
    std::array<Timestamp, 2> at{};
    std::size_t count = 0;
};

struct LinkCounters {
    std::uint64_t offered = 0;
    std::uint64_t lost = 0;
    std::uint64_t queue_dropped = 0;
    std::uint64_t too_big = 0;
    std::uint64_t in_outage = 0;
    std::uint64_t reordered = 0;
    std::uint64_t duplicated = 0;
};

class Link {
  public:
    static constexpr std::size_t kHeaderBytes = 28;  // IPv4 and UDP

    Link(const LinkProfile& profile, Rng rng) : profile_(profile), rng_(rng) {}

    // What waits for the wire then still goes at the old rate.
    void set_profile(Timestamp now, const LinkProfile& profile);
    // Nothing passes before `until`.
    void set_outage(Timestamp until) { outage_until_ = std::max(outage_until_, until); }
    // A datagram of `size` bytes enters at `now`, not before the one offered last.
    Deliveries offer(Timestamp now, std::size_t size);
    const LinkCounters& counters() const { return counters_; }

  private:
    bool is_lost();
    bool is_reordered();
    Duration extra_delay();
    double queued_bytes(Timestamp now) const;
    // When the wire has sent it; nothing if the queue in front of it is full.
    std::optional<Timestamp> send_over_wire(Timestamp now, std::size_t on_wire);

    LinkProfile profile_;
    Rng rng_;
    Timestamp outage_until_;
    Timestamp wire_free_;  // when the wire has sent what is queued
    Timestamp old_until_;  // so much of it goes at a rate of before
    std::uint64_t old_rate_ = 0;
    Timestamp last_delivery_;  // jitter alone does not reorder
    double last_jitter_ = 0;   // 0 to 1
    bool in_burst_ = false;
    unsigned since_reordered_ = 0;
    LinkCounters counters_;
};

}  // namespace confab::netem
