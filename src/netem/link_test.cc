// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Each property of the link model by itself.

#include "netem/link.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "base/rng.h"
#include "netem/models.h"

namespace confab::netem {
namespace {

Timestamp at_us(std::int64_t us) {
    return Timestamp::micros(1'000'000 + us);
}

// Arrival times of `count` datagrams of `size` bytes, one each `gap`.
std::vector<Timestamp> send(Link& link, int count, std::size_t size, Duration gap) {
    std::vector<Timestamp> out;
    for (int i = 0; i < count; ++i) {
        const Deliveries d = link.offer(at_us(0) + gap * i, size);
        for (std::size_t k = 0; k < d.count; ++k)
            out.push_back(d.at[k]);
    }
    return out;
}

TEST_CASE("Link: propagation alone, nothing else [DES-51]") {
    Link link(perfect_link(), Rng(1));
    const auto times = send(link, 100, 1000, Duration::millis(1));
    REQUIRE(times.size() == 100);
    for (int i = 0; i < 100; ++i)
        CHECK(times[static_cast<std::size_t>(i)] == at_us(1000 * i) + Duration::millis(10));
}

TEST_CASE("Link: the rate spaces packets, the queue drops at its tail [DES-51]") {
    LinkProfile p = perfect_link();
    p.bits_per_second = 8'000'000;  // a byte per microsecond
    p.queue_bytes = 10'000;
    Link link(p, Rng(1));
    const auto times = send(link, 20, 972, Duration::zero());
    REQUIRE(times.size() == 10);
    CHECK(times.front() == at_us(1000) + p.propagation);
    CHECK(times[9] - times[0] == Duration::millis(9));
    CHECK(link.counters().queue_dropped == 10);
    // Later there is room again.
    CHECK(link.offer(at_us(50'000), 972).count == 1);
}

TEST_CASE("Link: what waits stays as much when the rate changes, and goes first [DES-51]") {
    LinkProfile p = perfect_link();
    p.bits_per_second = 80'000;  // 10 bytes a millisecond
    p.queue_bytes = 10'000;
    Link link(p, Rng(1));
    REQUIRE(send(link, 20, 972, Duration::zero()).size() == 10);  // a second of it
    SUBCASE("a faster one") {
        p.bits_per_second = 8'000'000;
        link.set_profile(at_us(0), p);
        CHECK(link.offer(at_us(0), 972).count == 0);
        const Deliveries next = link.offer(at_us(150'000), 972);
        REQUIRE(next.count == 1);
        CHECK(next.at[0] == at_us(1'001'000) + p.propagation);
    }
    SUBCASE("a slower one") {
        p.bits_per_second = 8'000;
        link.set_profile(at_us(0), p);
        CHECK(link.offer(at_us(50'000), 972).count == 0);
        const Deliveries next = link.offer(at_us(150'000), 972);
        REQUIRE(next.count == 1);
        CHECK(next.at[0] == at_us(2'000'000) + p.propagation);
        // Nine of before and the slow one, then two slow ones.
        CHECK(link.offer(at_us(150'000), 972).count == 0);
        for (int i = 0; i < 9; ++i)
            CHECK(link.offer(at_us(1'000'000), 972).count == 1);
        CHECK(link.offer(at_us(1'000'000), 972).count == 0);
    }
    SUBCASE("one without a limit has no queue") {
        p.bits_per_second = 0;
        link.set_profile(at_us(0), p);
        CHECK(link.offer(at_us(0), 972).count == 1);
        p.bits_per_second = 8'000'000;
        link.set_profile(at_us(0), p);
        CHECK(link.offer(at_us(0), 972).count == 1);
    }
}

TEST_CASE("Link: jitter delays but keeps the order, reordering does not [DES-51]") {
    LinkProfile p = perfect_link();
    p.jitter = Duration::millis(30);
    p.jitter_correlation = 0.5;
    Link link(p, Rng(2));
    const auto times = send(link, 1000, 100, Duration::millis(1));
    CHECK(std::is_sorted(times.begin(), times.end()));
    Duration most;
    for (int i = 0; i < 1000; ++i)
        most = std::max(most, times[static_cast<std::size_t>(i)] - at_us(1000 * i) - p.propagation);
    CHECK(most > Duration::millis(10));
    CHECK(most <= Duration::millis(30));

    p.reorder = 0.1;
    Link shuffling(p, Rng(2));
    const auto shuffled = send(shuffling, 1000, 100, Duration::millis(1));
    CHECK_FALSE(std::is_sorted(shuffled.begin(), shuffled.end()));
    CHECK(shuffling.counters().reordered > 60);
    CHECK(shuffling.counters().reordered < 140);
}

TEST_CASE("Link: random loss and Gilbert-Elliott bursts have their shares [DES-51]") {
    LinkProfile p = perfect_link();
    p.loss = 0.1;
    Link random(p, Rng(3));
    (void)send(random, 10'000, 100, Duration::millis(1));
    CHECK(random.counters().lost > 850);
    CHECK(random.counters().lost < 1150);

    // Bad a fifth of the time, in bursts of ten; everything is lost in them.
    p.loss = 0;
    p.burst_begin = 0.025;
    p.burst_end = 0.1;
    p.burst_loss = 1;
    Link bursty(p, Rng(3));
    int bursts = 0;
    bool before = false;
    for (int i = 0; i < 20'000; ++i) {
        const bool lost = bursty.offer(at_us(i * 1000), 100).count == 0;
        if (lost && !before) ++bursts;
        before = lost;
    }
    const double share = static_cast<double>(bursty.counters().lost) / 20'000;
    CHECK(share > 0.16);
    CHECK(share < 0.24);
    const double length = static_cast<double>(bursty.counters().lost) / bursts;
    CHECK(length > 8);
    CHECK(length < 12);
}

TEST_CASE("Link: duplication, MTU and outage [DES-51]") {
    LinkProfile p = perfect_link();
    p.duplicate = 0.5;
    p.mtu = 1280;
    Link link(p, Rng(4));
    CHECK(send(link, 1000, 100, Duration::millis(1)).size() > 1400);
    CHECK(link.offer(at_us(2'000'000), 1280 - Link::kHeaderBytes).count >= 1);
    CHECK(link.offer(at_us(2'000'000), 1281 - Link::kHeaderBytes).count == 0);
    CHECK(link.counters().too_big == 1);
    link.set_outage(at_us(3'000'000));
    CHECK(link.offer(at_us(2'999'999), 100).count == 0);
    CHECK(link.offer(at_us(3'000'000), 100).count >= 1);
    CHECK(link.counters().in_outage == 1);
}

TEST_CASE("Link: a queue of some time takes what waits no longer [DES-51]") {
    LinkProfile p = perfect_link();
    p.bits_per_second = 8'000'000;
    p.queue_time = Duration::millis(5);
    Link link(p, Rng(1));
    // Behind five packets of a millisecond each a sixth waits 5 ms, a seventh 6.
    CHECK(send(link, 20, 972, Duration::zero()).size() == 6);
    CHECK(link.counters().queue_dropped == 14);
    // At a tenth of the rate the wait is what counts, not the octets.
    p.bits_per_second = 800'000;
    Link slow(p, Rng(1));
    CHECK(send(slow, 20, 972, Duration::zero()).size() == 1);
}

TEST_CASE("Link: reordered packets keep their gap [DES-51]") {
    LinkProfile p = perfect_link();
    p.reorder = 1;
    p.reorder_gap = 3;
    Link link(p, Rng(5));
    std::vector<int> late;
    for (int i = 0; i < 12; ++i) {
        const Timestamp now = at_us(100'000 * i);
        if (link.offer(now, 100).at[0] == now + p.propagation + p.reorder_delay) late.push_back(i);
    }
    CHECK(late == std::vector<int>{2, 5, 8, 11});
    CHECK(link.counters().reordered == 4);
}

TEST_CASE("Link: models by name; a seed repeats itself, another does not [DES-51]") {
    for (const auto name : {"perfect", "wifi", "cellular", "satellite", "congested"})
        CHECK(link_profile(name).has_value());
    CHECK_FALSE(link_profile("cable").has_value());
    const auto run = [](std::uint64_t seed) {
        Link link(cellular_link(), Rng(seed));
        return send(link, 2000, 900, Duration::millis(1));
    };
    CHECK(run(7) == run(7));
    CHECK(run(7) != run(8));
}

}  // namespace
}  // namespace confab::netem
