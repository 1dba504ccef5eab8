// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How many nodes there should be, as one of them sees it (03 OPS-04). Every node looks, so that the
// hold before there are fewer outlives each of them, and figures stay while Redis is away. Which
// node may go only one says, so that never two go for one: who leads, by the lock in Redis that
// NodeReconciler has. It is lost with Redis: then nobody is named. The smallest id among the living
// would do without a lock, but two that see different nodes would both lead, and it may be the id
// of another implementation, which does not look.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/time.h"
#include "cluster/nodes/node_table.h"
#include "cluster/nodes/scale_history.h"
#include "cluster/nodes/select/autoscale.h"

namespace confab::cluster::nodes {

class NodeScaler {
  public:
    static constexpr Duration kRound = Duration::seconds(5);

    using Leads = std::function<bool(Timestamp now)>;

    // Both must outlive it.
    NodeScaler(const NodeTable& table, Leads leads, ScaleOptions options)
        : table_(table), leads_(std::move(leads)), scaler_(options) {}

    // With ScaleOptions::ahead: what it expects by. The history outlives it.
    using Wall = std::function<UnixTime(Timestamp)>;
    void set_history(ScaleHistory& history, Wall wall) {
        history_ = &history;
        wall_ = std::move(wall);
    }

    void start(Timestamp now) { due_ = now; }
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return due_; }

    struct Snapshot {
        std::size_t desired = 0;  // 0: not known yet
        std::size_t serving = 0;
        bool leads = false;
        std::optional<std::string> drain;  // only of who leads
        std::size_t expected = 0;  // of the desired, because of past weeks; 0: nothing is known
    };
    const Snapshot& snapshot() const { return last_; }
    // What the leader says has changed: the number that is desired, or who should go.
    std::optional<Snapshot> poll_event() { return std::exchange(news_, std::nullopt); }

  private:
    // How many are expected soon.
    std::size_t look_ahead(Timestamp now, std::span<const NodeView> views);

    const NodeTable& table_;
    Leads leads_;
    ScaleHistory* history_ = nullptr;
    Wall wall_;
    Autoscaler scaler_;
    Timestamp due_ = Timestamp::never();
    Snapshot last_;
    Snapshot told_;
    std::optional<Snapshot> news_;
};

}  // namespace confab::cluster::nodes
