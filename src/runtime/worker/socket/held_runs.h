// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a socket had no room for. It waits for a moment, bounded in time and octets; sound and all
// that keeps a connection go out first, and pictures are given up first (02 DES-06).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/time.h"
#include "sfu/packet/send_batch.h"

namespace confab::worker {

class HeldRuns {
  public:
    // What is older than this helps nobody.
    static constexpr Duration kLongest = Duration::millis(50);
    // Of pictures and, again, of what is worth more. The oldest go when it is not enough.
    static constexpr std::size_t kMaxOctets = 2 * 1024 * 1024;

    struct Run {
        Timestamp since;
        SocketAddress to;
        std::uint16_t segment_size = 0;
        std::uint16_t count = 0;
        Bytes datagrams;
    };

    // A copy of what is in the run: its pictures as one run, the rest of it as another.
    void hold(Timestamp now, const sfu::SendRun& run, BytesView datagrams);
    // The next to be sent; null when nothing waits. What waited too long goes.
    Run* next(Timestamp now);
    // The one that next() told has left.
    void pop();
    bool empty() const { return first_.runs.empty() && pictures_.runs.empty(); }
    // Datagrams that were given up, so far.
    std::uint64_t dropped() const { return dropped_; }

  private:
    struct Line {
        std::deque<Run> runs;
        std::size_t octets = 0;
    };
    void add(Line& line, Run&& run);
    void drop_front(Line& line);
    void drop_old(Timestamp now, Line& line);

    Line first_;
    Line pictures_;
    std::uint64_t dropped_ = 0;
};

}  // namespace confab::worker
