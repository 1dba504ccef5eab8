// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A node that tells itself something through the bus, to see that the way there and back is open
// (03 NODE-02, RPC-22 Keepalive.Ping).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/nodes/clock.h"
#include "rpc/bus.h"

namespace confab::cluster::nodes {

class Heartbeat {
  public:
    Heartbeat(rpc::Bus& bus, std::string node, Duration interval)
        : bus_(bus), node_(std::move(node)), interval_(interval) {}

    // Where a node hears its pings, livekit-server too (03 PSR-05). Not of ids that have to be
    // escaped.
    static std::optional<std::string> channel(std::string_view node);

    // The first ping is one interval later.
    void begin(Timestamp now);
    void end();
    void handle_timeout(const Clock& clock);
    // In the past when a ping has come back.
    Timestamp next_deadline() const { return heard_ ? Timestamp() : due_; }

    // Whether a ping came back since the last call, not later than an interval after it was sent.
    bool take_receipt(Timestamp now);
    // Receipts that were too late, or of what was not sent from here.
    std::uint64_t late() const { return late_; }

  private:
    void hear(const std::string& payload);

    rpc::Bus& bus_;
    std::string node_;
    Duration interval_;
    Timestamp due_ = Timestamp::never();
    Timestamp sent_;
    std::int64_t said_ = -1;  // unix seconds
    bool heard_ = false;
    std::uint64_t late_ = 0;
    rpc::Registration subscription_;
};

}  // namespace confab::cluster::nodes
