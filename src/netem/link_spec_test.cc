// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/link_spec.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/rng.h"

namespace confab::netem {
namespace {

LinkSpec parsed(std::string_view text, const LinkSpec& base = {}) {
    const auto spec = parse_link_spec(text, base);
    CAPTURE(text);
    REQUIRE(spec);
    return *spec;
}

std::string error_of(std::string_view text) {
    const auto spec = parse_link_spec(text);
    CAPTURE(text);
    REQUIRE_FALSE(spec);
    return spec.error();
}

TEST_CASE("LinkSpec: every key is read, blanks and order do not matter [DES-51]") {
    const LinkSpec s = parsed(
        "rate=600kbit, queue=200ms,delay=150ms,jitter=30ms,correlation=25%,loss=2%,burst=10%/4,"
        "reorder=5%,gap=3,late=1.5s,duplicate=0.01,mtu=1280");
    CHECK(s.bits_per_second == 600'000);
    CHECK(s.queue_time == Duration::millis(200));
    CHECK(s.delay == Duration::millis(150));
    CHECK(s.jitter == Duration::millis(30));
    CHECK(s.correlation == doctest::Approx(0.25));
    CHECK(s.loss == doctest::Approx(0.02));
    CHECK(s.burst_share == doctest::Approx(0.1));
    CHECK(s.burst_length == 4);
    CHECK(s.reorder == doctest::Approx(0.05));
    CHECK(s.gap == 3);
    CHECK(s.late == Duration::millis(1500));
    CHECK(s.duplicate == doctest::Approx(0.01));
    CHECK(s.mtu == 1280);
    CHECK(parsed("rate=1.5mbit").bits_per_second == 1'500'000);
    CHECK(parsed("queue=64KiB").queue_bytes == 65'536);
    CHECK(parsed("queue=64kB,queue=100ms").queue_bytes == 0);
    CHECK(parsed("delay=250us").delay == Duration::micros(250));
}

TEST_CASE("LinkSpec: a text alters what it names, clear begins anew") {
    const LinkSpec base = parsed("loss=2%,delay=10ms");
    const LinkSpec both = parsed("loss=5%", base);
    CHECK(both.delay == Duration::millis(10));
    CHECK(both.loss == doctest::Approx(0.05));
    CHECK(parsed("clear,mtu=1280", base) == parsed("mtu=1280"));
    CHECK(parsed("clear", base) == LinkSpec{});
}

TEST_CASE("LinkSpec: errors name the part and a right one") {
    CHECK(error_of("rate=600") ==
          "\"rate=600\" is not understood; write for example rate=600kbit (bit, kbit, mbit, gbit; "
          "1kbit at least, 0bit for no limit)");
    CHECK(error_of("loss=2%,dealy=10ms") ==
          "\"dealy\" is none of what a link has; write rate, queue, delay, jitter, correlation, "
          "loss, burst, reorder, gap, late, duplicate, mtu, clear");
    for (const auto text : {"loss",         "loss=",         "loss=2",      "loss=101%",
                            "loss=-1%",     "loss=nan",      "delay=10",    "delay=61s",
                            "delay=1e3ms",  "delay=.ms",     "jitter=ms",   "rate=999bit",
                            "rate=101gbit", "queue=0ms",     "queue=0B",    "queue=1001MB",
                            "burst=10%",    "burst=10%/0.5", "burst=91%/4", "burst=60%/1",
                            "gap=-1",       "gap=1000001",   "mtu=67",      "mtu=2049",
                            "mtu=1280x",    "loss=2%,",      ",",           "=",
                            "clear=1"})
        (void)error_of(text);
    CHECK(error_of("").find("loss=2%") != std::string::npos);
    CHECK(parse_link_spec(std::string(kMaxSpecText - 8, ' ') + "loss=0.1"));
    CHECK_FALSE(parse_link_spec(std::string(kMaxSpecText - 7, ' ') + "loss=0.1"));
    for (const auto text :
         {"mtu=68", "mtu=2048", "rate=1kbit", "rate=0bit", "rate=100gbit", "delay=60s", "loss=100%",
          "burst=90%/10", "loss=0", "loss=1.0", "gap=1000000"})
        (void)parsed(text);
}

TEST_CASE("LinkSpec: what is written is read as the same") {
    for (const auto text :
         {"clear", "rate=600kbit,queue=64kB", "queue=1s", "queue=3s,queue=7B", "loss=33.3%",
          "loss=100%", "burst=12.34%/4.56", "burst=0%/7", "delay=1us,jitter=59s,late=0s",
          "loss=0.0000000001", "reorder=5%,gap=3,duplicate=1%,correlation=99.999%,mtu=68"}) {
        const LinkSpec spec = parsed(text);
        CHECK(parsed(to_text(spec)) == spec);
        CHECK(to_text(parsed(to_text(spec))) == to_text(spec));
    }
    CHECK(to_text(LinkSpec{}) == "clear");
    CHECK(to_text(parsed("rate=600kbit,delay=20ms")) == "rate=600000bit,delay=20000us");
}

TEST_CASE("LinkSpec: jitter goes to both sides of the delay, never below zero [DES-51]") {
    const auto extremes = [](std::string_view text) {
        Link link(to_profile(parsed(text)), Rng(1));
        Duration least = Duration::max();
        Duration most;
        for (std::int64_t i = 0; i < 5000; ++i) {
            const Timestamp now = Timestamp::micros(i * 1'000'000);
            const Duration took = link.offer(now, 100).at[0] - now;
            least = std::min(least, took);
            most = std::max(most, took);
        }
        return std::pair(least.ms(), most.ms());
    };
    const auto [least, most] = extremes("delay=150ms,jitter=30ms");
    CHECK(least == 120);
    CHECK(most == 179);
    CHECK(extremes("delay=10ms,jitter=30ms") == std::pair<std::int64_t, std::int64_t>(0, 39));
    CHECK(extremes("delay=10ms") == std::pair<std::int64_t, std::int64_t>(10, 10));
}

TEST_CASE("LinkSpec: bursts have their share and length [DES-51]") {
    Link link(to_profile(parsed("burst=10%/4")), Rng(9));
    int bursts = 0;
    bool before = false;
    constexpr int kCount = 100'000;
    for (int i = 0; i < kCount; ++i) {
        const bool lost = link.offer(Timestamp::micros(i * 1000), 100).count == 0;
        if (lost && !before) ++bursts;
        before = lost;
    }
    const auto lost = static_cast<double>(link.counters().lost);
    CHECK(lost / kCount > 0.096);
    CHECK(lost / kCount < 0.104);
    CHECK(lost / bursts > 3.8);
    CHECK(lost / bursts < 4.2);
}

}  // namespace
}  // namespace confab::netem
