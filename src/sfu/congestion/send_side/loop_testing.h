// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A subscriber behind a bottleneck that changes, in virtual time.
#pragma once

#include <cstdint>
#include <vector>

#include "sfu/congestion/send_side/flow_model_testing.h"

namespace confab::sfu::test {

struct Loop {
    explicit Loop(FlowOptions options = {}) : Loop(wide(), options) {}
    explicit Loop(bwe::test::BottleneckProfile profile, FlowOptions options = {})
        : link(profile), flow(link, options) {}

    static bwe::test::BottleneckProfile wide() {
        bwe::test::BottleneckProfile out;
        out.bits_per_second = 100e6;
        return out;
    }
    void run(std::int64_t until) {
        for (; now < until; ++now)
            flow.step(now);
    }
    void narrow(double bits_per_second, std::int64_t queue_ms) {
        link.set_rate(bits_per_second, at_ms(now));
        link.profile().queue = Duration::millis(queue_ms);
    }
    std::vector<FlowModel::Change> changes(std::int64_t from, std::int64_t until) const {
        std::vector<FlowModel::Change> out;
        for (const FlowModel::Change& change : flow.changes())
            if (change.ms >= from && change.ms < until) out.push_back(change);
        return out;
    }
    bwe::test::Bottleneck link;
    FlowModel flow;
    std::int64_t now = 0;
};

}  // namespace confab::sfu::test
