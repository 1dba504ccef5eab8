// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The metrics of a room, from here and from elsewhere, as one report now and then to those here who
// may hear them (01 SIG-124).
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "sfu/metrics/metrics_packer.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

class MetricsReports {
  public:
    static constexpr Duration kMinInterval = Duration::millis(100);

    // Zero: there are none, each packet is to be told as it comes.
    explicit MetricsReports(Duration interval);
    bool enabled() const { return interval_ > Duration::zero(); }

    // A packet of metrics for the next report; gives reports that are full.
    std::vector<Bytes> add(Timestamp now, RoomId room, BytesView packet, UnixTime wall);
    struct Report {
        RoomId room;
        Bytes packet;
    };
    std::vector<Report> take_due(Timestamp now, UnixTime wall);
    Timestamp next_deadline() const {
        return deadlines_.empty() ? Timestamp::never() : deadlines_.begin()->first;
    }
    void forget(RoomId room);
    // Metrics that fit into no packet.
    std::uint64_t dropped() const { return dropped_; }

  private:
    struct Room {
        MetricsPacker packer;
        Timestamp due;
    };
    Duration interval_;
    std::map<RoomId, Room> rooms_;  // with something to report
    std::set<std::pair<Timestamp, RoomId>> deadlines_;
    std::uint64_t dropped_ = 0;
};

}  // namespace confab::sfu
