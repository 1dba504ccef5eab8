// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/timer_wheel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "base/rng.h"

namespace confab {
namespace {

TEST_CASE("TimerWheel: fires every timer once, never early, at most 1 ms late") {
    Rng rng(17);
    for (int run = 0; run < 20; ++run) {
        Timestamp now = Timestamp::micros(static_cast<std::int64_t>(rng.below(1'000'000'000'000)));
        TimerWheel wheel(now);
        std::vector<std::unique_ptr<TimerNode>> nodes;
        std::size_t live = 0;
        for (int i = 0; i < 500; ++i) {
            nodes.push_back(std::make_unique<TimerNode>());
            // From microseconds to days.
            const std::uint64_t range = std::uint64_t{1} << rng.below(38);
            wheel.schedule(*nodes.back(),
                           now + Duration::micros(static_cast<std::int64_t>(rng.below(range))));
            ++live;
        }
        for (int i = 0; i < 100; ++i) {
            TimerNode& node = *nodes[rng.below(nodes.size())];
            if (node.scheduled()) --live;
            wheel.schedule(node, Timestamp::never());
        }
        CHECK(wheel.size() == live);
        while (live > 0) {
            const Timestamp next = wheel.next_deadline();
            REQUIRE_FALSE(next.is_never());
            const Timestamp before = now;
            now = next < now ? now : next;
            while (TimerNode* node = wheel.pop_due(now)) {
                CHECK(node->deadline() <= now);
                // Woken at the very turn that next_deadline() named, so not later than 1 ms.
                CHECK(now - node->deadline() < Duration::millis(1));
                CHECK(node->deadline() > before - Duration::millis(1));
                --live;
            }
        }
        CHECK(wheel.next_deadline().is_never());
        CHECK(wheel.size() == 0);
        CHECK(wheel.pop_due(now + Duration::seconds(1)) == nullptr);
    }
}

TEST_CASE("TimerWheel: an early timer keeps its time beside a later one that was set later") {
    TimerWheel wheel(Timestamp::micros(0));
    TimerNode early;
    TimerNode late;
    wheel.schedule(early, Timestamp::micros(300'000));
    CHECK(wheel.pop_due(Timestamp::micros(200'000)) == nullptr);
    wheel.schedule(late, Timestamp::micros(400'000));
    CHECK(wheel.next_deadline() <= Timestamp::micros(300'000));
    CHECK(wheel.pop_due(Timestamp::micros(300'000)) == &early);
    CHECK(wheel.pop_due(Timestamp::micros(399'000)) == nullptr);
    CHECK(wheel.pop_due(Timestamp::micros(400'000)) == &late);
}

TEST_CASE("TimerWheel: timers set while others run out are woken in time") {
    Rng rng(23);
    Timestamp now = Timestamp::micros(static_cast<std::int64_t>(rng.below(1'000'000'000)));
    TimerWheel wheel(now);
    std::array<TimerNode, 40> nodes;
    const auto set = [&](TimerNode& node) {
        const std::uint64_t range = std::uint64_t{1} << rng.below(30);
        wheel.schedule(node, now + Duration::micros(static_cast<std::int64_t>(rng.below(range))));
    };
    for (TimerNode& node : nodes)
        set(node);
    for (int i = 0; i < 20'000; ++i) {
        now = std::max(now, wheel.next_deadline());
        while (TimerNode* node = wheel.pop_due(now)) {
            CHECK(node->deadline() <= now);
            CHECK(now - node->deadline() < Duration::millis(1));
            set(*node);
        }
        if (i % 7 == 0) set(nodes[rng.below(nodes.size())]);
    }
}

TEST_CASE("TimerWheel: a node may be moved, cancelled and destroyed at any time") {
    TimerWheel wheel(Timestamp::micros(0));
    TimerNode a;
    {
        TimerNode b;
        wheel.schedule(a, Timestamp::micros(5000));
        wheel.schedule(b, Timestamp::micros(4000));
        wheel.schedule(a, Timestamp::micros(90'000'000));
        CHECK(wheel.size() == 2);
    }
    CHECK(wheel.size() == 1);
    CHECK(wheel.pop_due(Timestamp::micros(80'000'000)) == nullptr);
    CHECK(wheel.pop_due(Timestamp::micros(90'000'000)) == &a);
    CHECK_FALSE(a.scheduled());
    wheel.schedule(a, Timestamp::micros(1));  // in the past: due at once
    CHECK(wheel.pop_due(Timestamp::micros(90'000'000)) == &a);
}

}  // namespace
}  // namespace confab
