// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The whole loop in virtual time with our own estimate: allocator, bottleneck, feedback (02 §5.1,
// §5.3, MC-13). A camera of 1.7 Mbit/s in three layers and a microphone.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sfu/congestion/send_side/loop_testing.h"

namespace confab::sfu {
namespace {

using bwe::test::BottleneckProfile;
using test::at_ms;
using test::camera;
using test::FlowModel;
using test::FlowOptions;
using test::Loop;
using test::wish;

constexpr std::int64_t kNarrow = 5000;
constexpr std::int64_t kWide = 65'000;

}  // namespace

TEST_CASE(
    "send-side loop: 600 kbit/s takes layers within 4 s, no pause, and gives them back in 30 s "
    "[BWE-04] [BWE-06] [BWE-22] [BWE-23] [MC-13]") {
    const SourceState source = camera();
    for (const std::int64_t queue_ms : {50, 100, 200, 500, 1000, 2000}) {
        CAPTURE(queue_ms);
        Loop loop;
        loop.flow.tracks().add(wish(source));
        loop.run(kNarrow);
        CHECK(loop.flow.changes().back().sent == Layer{2, 2});
        CHECK(loop.flow.port().pacing_rate() == kUnlimitedCapacity);
        loop.narrow(600'000, queue_ms);
        loop.run(kWide);
        const auto cuts = loop.changes(kNarrow, kWide);
        REQUIRE_FALSE(cuts.empty());
        CHECK(cuts.front().ms <= kNarrow + 1000);
        CHECK(cuts.size() <= 3);
        CHECK(cuts.back().sent.spatial == 1);
        for (const FlowModel::Change& cut : cuts)
            CHECK(cut.sent.valid());
        CHECK(loop.flow.port().pacing_rate() < 2'000'000);
        CHECK(loop.flow.port().pacing_rate() > 600'000);
        loop.narrow(100e6, 300);
        loop.run(kWide + 30'000);
        CHECK(loop.flow.changes().back().sent == Layer{2, 2});
        CHECK_FALSE(loop.flow.port().deficient());
    }
}

TEST_CASE("send-side loop: a link that becomes a little wider is used [BWE-11] [BWE-23] [MC-13]") {
    const SourceState source = camera();
    Loop loop;
    loop.flow.tracks().add(wish(source));
    loop.run(kNarrow);
    loop.narrow(200'000, 200);
    loop.run(25'000);
    REQUIRE(loop.flow.changes().back().sent.spatial == 0);
    // No probe for all that is missing fits into it.
    loop.narrow(900'000, 200);
    loop.run(45'000);
    CHECK(loop.flow.changes().back().sent == Layer{1, 2});
    CHECK(loop.flow.port().target_bitrate() < 900'000);
}

TEST_CASE(
    "send-side loop: pictures that outgrow a link are cut, whatever it took before [BWE-04]") {
    SourceState source = camera();
    Loop loop;
    loop.flow.tracks().add(wish(source));
    loop.run(kNarrow);
    loop.narrow(400'000, 300);
    loop.run(20'000);
    REQUIRE(loop.flow.changes().back().sent == Layer{1, 0});
    // More than was found of the link, which nobody has tried yet.
    loop.narrow(650'000, 300);
    for (auto& layer : source.bitrate)
        for (std::uint64_t& rate : layer)
            rate = rate * 5 / 2;
    loop.run(22'000);
    const std::size_t settled = loop.flow.waits_ms().size();
    loop.run(40'000);
    const auto& waits = loop.flow.waits_ms();
    const auto late = std::count_if(waits.begin() + static_cast<std::ptrdiff_t>(settled),
                                    waits.end(), [](float ms) { return ms > 150; });
    CHECK(static_cast<std::size_t>(late) < (waits.size() - settled) / 5);
}

TEST_CASE("send-side loop: pictures that come and go in size leave sound alone [BWE-04] [BWE-06]") {
    const SourceState whole = camera();
    for (const double link : {400e3, 600e3, 1000e3}) {
        CAPTURE(link);
        SourceState source = whole;
        Loop loop;
        loop.flow.tracks().add(wish(source));
        loop.run(kNarrow);
        loop.narrow(link, 300);
        // 10 s of little, 10 s of all that it has; measured rates follow within half a second.
        double share = 1;
        for (std::int64_t ms = kNarrow; ms < kNarrow + 120'000; ms += 100) {
            share += 0.2 * ((ms / 10'000 % 2 == 1 ? 0.3 : 1.0) - share);
            for (std::size_t s = 0; s < 3; ++s)
                for (std::size_t t = 0; t < 3; ++t)
                    source.bitrate[s][t] = static_cast<std::uint64_t>(
                        share * static_cast<double>(whole.bitrate[s][t]));
            loop.run(ms + 100);
        }
        const FlowModel::Totals& totals = loop.flow.totals();
        CHECK(totals.audio_lost * 1000 < totals.audio_sent);
        CHECK(totals.lost * 100 < totals.sent * 7);
        // Half of the time there is less than the link takes.
        CHECK(static_cast<double>(totals.bytes) * 8 / 125 > 0.5 * link);
    }
}

TEST_CASE("send-side loop: a cut is made between probes where the way is long [BWE-04] [BWE-11]") {
    const SourceState source = camera();
    FlowOptions options;
    options.way = Duration::millis(275);
    options.way_back = Duration::millis(300);
    Loop loop(options);
    loop.flow.tracks().add(wish(source));
    const auto run = [&](std::int64_t until) {
        while (loop.now < until) {
            loop.run(loop.now + 1000);
            const Duration waits = loop.link.waiting(at_ms(loop.now));
            loop.flow.port().update_rtt(Duration::millis(600) + waits, at_ms(loop.now));
        }
    };
    run(kNarrow);
    loop.narrow(1e6, 400);
    while (loop.flow.port().probe_rate() == 0 && loop.now < 30'000)
        loop.run(loop.now + 1);
    REQUIRE(loop.now < 30'000);
    // It becomes narrower in the middle of a probe, which hides that.
    loop.narrow(400e3, 400);
    run(loop.now + 10'000);
    const FlowModel::Totals before = loop.flow.totals();
    run(loop.now + 50'000);
    const FlowModel::Totals& after = loop.flow.totals();
    CHECK((after.lost - before.lost) * 10 < after.sent - before.sent);
    CHECK((after.audio_lost - before.audio_lost) * 50 < after.audio_sent - before.audio_sent);
}

TEST_CASE(
    "send-side loop: a probe that fills a short queue has found the limit [BWE-11] [BWE-23]") {
    SourceState source = camera();
    for (auto& layer : source.bitrate)
        layer = {layer[2], 0, 0, 0};  // one temporal layer
    source.max_seen.temporal = 0;
    Loop loop;
    loop.flow.tracks().add(wish(source));
    loop.run(kNarrow);
    loop.narrow(300e3, 200);
    loop.run(15'000);
    loop.narrow(1.4e6, 30);
    loop.run(30'000);
    REQUIRE(loop.flow.changes().back().sent.spatial == 1);
    const FlowModel::Totals before = loop.flow.totals();
    loop.run(90'000);
    CHECK(loop.flow.changes().back().sent.spatial == 1);
    CHECK((loop.flow.totals().lost - before.lost) * 50 < loop.flow.totals().sent - before.sent);
}

TEST_CASE("send-side loop: what is known to fit is sent, whatever others want [BWE-05] [BWE-11]") {
    SourceState screen = camera();
    screen.bitrate[0] = {150'000, 0, 0, 0};
    screen.bitrate[1] = {3'000'000, 0, 0, 0};
    screen.bitrate[2] = {};
    screen.max_seen = {1, 0};
    screen.available = 3;
    SourceState source = camera();
    const auto scale = [&source](std::uint64_t percent) {
        for (auto& layer : source.bitrate)
            for (std::uint64_t& rate : layer)
                rate = rate * percent / 100;
    };
    scale(300);
    Loop loop;
    loop.flow.tracks().add(wish(screen, kTopLayer, 255));
    loop.flow.tracks().add(wish(source));
    loop.run(kNarrow);
    loop.narrow(1e6, 300);
    loop.run(25'000);
    REQUIRE(loop.flow.tracks().sent(0) == Layer{0, 0});
    REQUIRE(loop.flow.tracks().sent(1).spatial == 0);
    scale(34);  // its pictures become small
    loop.run(60'000);
    CHECK(loop.flow.tracks().sent(0) == Layer{0, 0});
    CHECK(loop.flow.tracks().sent(1).spatial == 1);
}

TEST_CASE("send-side loop: jitter and losses of the link itself take nothing [BWE-32]") {
    const SourceState source = camera();
    BottleneckProfile profile = Loop::wide();
    SUBCASE("N1: 2 % at random") {
        profile.loss = 0.02;
    }
    SUBCASE("N3: 30 ms of jitter") {
        profile.delay = Duration::millis(150);
        profile.jitter = Duration::millis(30);
    }
    Loop loop(profile);
    loop.flow.tracks().add(wish(source));
    loop.run(60'000);
    CHECK(loop.changes(1000, 60'000).empty());
    CHECK_FALSE(loop.flow.port().deficient());
}

TEST_CASE("send-side loop: the first probe shows the layer that it was for [BWE-11] [BWE-35]") {
    const SourceState source = camera();
    for (const std::int64_t later : {0, 500, 1000, 2000}) {
        CAPTURE(later);
        Loop loop;
        loop.flow.tracks().add(wish(source));
        loop.run(kNarrow);
        loop.narrow(600'000, 200);
        loop.run(30'000 + later);
        REQUIRE(loop.flow.changes().back().sent == Layer{1, 2});
        const auto before = loop.flow.totals().probe_bytes;
        loop.narrow(100e6, 300);
        loop.run(60'000);
        CHECK(loop.flow.changes().back().sent == Layer{2, 2});
        // One of 200 ms for the lowest frame rate, one of 300 ms for the rest.
        CHECK(loop.flow.totals().probe_bytes - before < 60'000);
    }
}

TEST_CASE("send-side loop: probes that are lost raise nothing and cut nothing [BWE-23] [BWE-35]") {
    const SourceState source = camera();
    for (const double share : {0.6, 1.0}) {
        CAPTURE(share);
        FlowOptions options;
        options.lose_probes = share;
        Loop loop(options);
        loop.flow.tracks().add(wish(source));
        loop.run(kNarrow);
        loop.narrow(600'000, 200);
        loop.run(20'000);
        REQUIRE(loop.flow.changes().back().sent.spatial == 1);
        const double before = loop.flow.estimate();
        const auto probed = loop.flow.totals().probe_bytes;
        // Whatever the link takes by now: nothing shows it.
        loop.narrow(100e6, 300);
        loop.run(60'000);
        CHECK(loop.flow.totals().probe_bytes > probed);
        CHECK(loop.flow.estimate() < 1.3 * before);
        for (const auto& change : loop.changes(20'000, 60'000))
            CHECK(change.sent.spatial == 1);
        loop.flow.options().lose_probes = 0;
        loop.run(260'000);
        CHECK(loop.flow.changes().back().sent == Layer{2, 2});
    }
}

TEST_CASE("send-side loop: packets that come late, told as lost before, take nothing [BWE-30]") {
    const SourceState source = camera();
    BottleneckProfile late;
    late.bits_per_second = 20e6;
    late.loss = 0.02;
    late.reorder = 0.1;
    late.reorder_by = Duration::millis(150);
    FlowOptions options;
    options.reports_again = true;
    Loop loop(late, options);
    loop.flow.tracks().add(wish(source));
    loop.run(120'000);
    CHECK(loop.changes(5000, 120'000).empty());
    CHECK(loop.flow.changes().back().sent == Layer{2, 2});
    CHECK_FALSE(loop.flow.port().deficient());
}

TEST_CASE("send-side loop: too narrow for anything [BWE-04] [BWE-08] [BWE-09]") {
    const SourceState source = camera();
    FlowOptions options;
    SUBCASE("without pauses the lowest layer stays") {
        Loop loop(Loop::wide(), options);
        loop.flow.tracks().add(wish(source));
        loop.run(kNarrow);
        loop.narrow(60'000, 300);
        loop.run(kWide);
        CHECK(loop.flow.changes().back().sent == Layer{0, 0});
        for (const auto& change : loop.changes(kNarrow, kWide))
            CHECK(change.sent.valid());
        loop.narrow(100e6, 300);
        loop.run(kWide + 60'000);
        CHECK_FALSE(loop.flow.port().deficient());
    }
    SUBCASE("N5: 150 kbit/s with pauses leaves the audio whole") {
        options.bandwidth.allow_pause = true;
        Loop loop(Loop::wide(), options);
        loop.flow.tracks().add(wish(source));
        loop.run(kNarrow);
        loop.narrow(100'000, 200);
        loop.run(15'000);
        const auto before = loop.flow.totals();
        loop.run(kWide);
        CHECK_FALSE(loop.flow.changes().back().sent.valid());
        const auto after = loop.flow.totals();
        const auto lost = static_cast<double>(after.audio_lost - before.audio_lost);
        CHECK(lost / static_cast<double>(after.audio_sent - before.audio_sent) < 0.02);
        loop.narrow(100e6, 300);
        loop.run(kWide + 60'000);
        CHECK_FALSE(loop.flow.port().deficient());
    }
}

TEST_CASE("send-side loop: many tracks on one link stay within it [BWE-03] [BWE-04]") {
    const std::vector<SourceState> sources(9, camera());
    Loop loop;
    for (const SourceState& source : sources)
        loop.flow.tracks().add(wish(source, {1, 3}));
    loop.run(kNarrow);
    CHECK(loop.flow.tracks().usage() == 9 * 500'000);
    loop.narrow(2'000'000, 300);
    loop.run(30'000);
    CHECK(loop.flow.tracks().usage() <= 2'000'000);
    CHECK(loop.flow.tracks().usage() >= 9 * 150'000);
    loop.narrow(100e6, 300);
    loop.run(120'000);
    CHECK_FALSE(loop.flow.port().deficient());
}

TEST_CASE("send-side loop: the same run gives the same decisions [SIO-06]") {
    const SourceState source = camera();
    std::vector<std::vector<std::int64_t>> runs;
    for (int i = 0; i < 2; ++i) {
        Loop loop;
        loop.flow.tracks().add(wish(source));
        loop.run(kNarrow);
        loop.narrow(700'000, 200);
        loop.run(40'000);
        runs.emplace_back();
        for (const FlowModel::Change& change : loop.flow.changes())
            runs.back().push_back(change.ms * 16 + change.sent.spatial * 4 + change.sent.temporal);
    }
    CHECK(runs[0] == runs[1]);
}

}  // namespace confab::sfu
