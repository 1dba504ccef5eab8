// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The allocator of one subscriber, driven by reports and time (02 §5.1). The low-bandwidth cases
// repeat recorded runs of the reference server: one simulcast camera with a REMB each 200 ms.
#include "sfu/congestion/bandwidth.h"

#include <doctest/doctest.h>

#include <vector>

#include "sfu/congestion/allocator_testing.h"
#include "sfu/layers/layer_allocation.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::camera;
using test::Tracks;
using test::wish;

// A subscriber in virtual time: fetches probes and notes what happens.
struct Watcher {
    explicit Watcher(BandwidthOptions options = {}) : bandwidth(options) {}

    RembBandwidth bandwidth;
    Tracks tracks;
    std::int64_t now = 0;
    std::vector<std::int64_t> probes;  // when each began
    std::size_t probe_bytes = 0;
    int changes = 0;
    bool content = true;  // there is something to probe with

    void allocate() {
        const bool before = bandwidth.probing();
        changes += bandwidth.allocate(tracks.demands, tracks.shares, at_ms(now));
        if (!before && bandwidth.probing()) probes.push_back(now);
        if (const std::size_t bytes = bandwidth.poll_probe(at_ms(now)); bytes > 0) {
            bandwidth.probe_sent(content ? bytes : 0, at_ms(now));
            probe_bytes += bytes;
        }
    }
    void report(std::uint64_t bits) {
        for (VideoDemand& d : tracks.demands)
            d.packets += 20;
        bandwidth.handle_remb(bits, at_ms(now));
        allocate();
    }
    // Lets time pass, deadline by deadline.
    void run_until(std::int64_t ms) {
        while (bandwidth.next_deadline() <= at_ms(ms)) {
            now = std::max(now, (bandwidth.next_deadline().us() + 999) / 1000);
            const Timestamp before = bandwidth.next_deadline();
            allocate();
            REQUIRE(bandwidth.next_deadline() != before);
        }
        now = ms;
    }
    // Falls by 1 % each 200 ms until a layer is taken away.
    void congest(std::uint64_t bits) {
        const int before = changes;
        for (int i = 0; i < 40 && changes == before; ++i, bits = bits * 99 / 100) {
            run_until(now + 200);
            report(bits);
        }
        REQUIRE(changes > before);
    }
    // Reports of one value until the trend of the fall is over; a fresh probe may have begun then.
    void calm(std::uint64_t bits) {
        for (int i = 0; i < 60 && bandwidth.congested(); ++i) {
            run_until(now + 200);
            report(bits);
        }
        REQUIRE_FALSE(bandwidth.congested());
    }
};

BandwidthOptions pausing() {
    BandwidthOptions out;
    out.allow_pause = true;
    return out;
}

// The recorded camera: 42 k, 132 k and 291 k, the last with three temporal layers.
SourceState recorded_camera() {
    SourceState out = test::source_of(Codec::kVp8);
    out.bitrate[0] = {42'048, 0, 0, 0};
    out.bitrate[1] = {132'096, 0, 0, 0};
    out.bitrate[2] = {72'832, 145'664, 291'328, 0};
    out.max_seen = {2, 2};
    return out;
}

// 5 M from 400 ms, from 3.6 s 300 k falling by 10 % per report to 15 k, 3 M from 12 s.
std::uint64_t recorded_remb(std::int64_t ms) {
    if (ms < 3600) return 5'000'000;
    if (ms >= 12'000) return 3'000'000;
    double bits = 300'000;
    for (std::int64_t t = 3600; t < ms; t += 200)
        bits *= 0.9;
    return std::max<std::uint64_t>(static_cast<std::uint64_t>(bits), 15'000);
}

}  // namespace

TEST_CASE("allocate_layer: highest available layer within the wish [BWE-01] [BWE-02]") {
    SourceState source = camera();
    AllocationInput in;
    Allocation out = allocate_layer(source, in);
    CHECK(out.target.spatial == 2);
    CHECK(out.request == 2);
    source.available = 3;  // the top layer stopped
    out = allocate_layer(source, in);
    CHECK(out.target.spatial == 2);  // not forwarding yet: take what comes
    CHECK(out.request == 1);
    in.current = {1, 2};
    out = allocate_layer(source, in);
    CHECK(out.target.spatial == 1);
    in.max = {0, 3};
    CHECK(allocate_layer(source, in).target.spatial == 0);
    source.available = 4;  // only the top layer flows
    CHECK(allocate_layer(source, in).request == 2);
    source.mode = LayerMode::kMultipleSpatialLayersPerStream;
    CHECK(allocate_layer(source, in).request == -1);
}

TEST_CASE("allocate_layer: a dry feed keeps its target, mutes and pauses have none [BWE-01]") {
    SourceState source = camera();
    source.available = 0;
    AllocationInput in;
    in.current = in.target = {1, 3};
    in.request = 1;
    CHECK(allocate_layer(source, in).target == Layer{1, 3});
    CHECK(allocate_layer(source, in).request == 1);
    in.muted = true;
    CHECK(allocate_layer(source, in).pause == PauseReason::kMuted);
    in.muted = false;
    source.muted = true;
    CHECK(allocate_layer(source, in).pause == PauseReason::kPublisherMuted);
    source.muted = false;
    in.cap = kNoLayer;
    const Allocation out = allocate_layer(source, in);
    CHECK(out.pause == PauseReason::kBandwidth);
    CHECK_FALSE(out.target.valid());
}

TEST_CASE("allocate_layer: H264 has temporal layer 0 only [BWE-02]") {
    SourceState source = camera();
    source.codec = Codec::kH264;
    CHECK(allocate_layer(source, {}).target == Layer{2, 0});
}

TEST_CASE("distance_to_desired: in spatial steps [BWE-02]") {
    const SourceState source = camera();  // seen up to temporal 2
    CHECK(distance_to_desired(source, kTopLayer, {2, 3}) == 0);
    CHECK(distance_to_desired(source, kTopLayer, {1, 2}) == 1);
    CHECK(distance_to_desired(source, kTopLayer, {0, 0}) == doctest::Approx(2 + 2.0 / 3));
    CHECK(distance_to_desired(source, kTopLayer, kNoLayer) == doctest::Approx(3 + 2.0 / 3));
}

TEST_CASE("RembBandwidth: everything whole while nothing congests [BWE-01]") {
    const SourceState source = camera();
    Watcher s;
    for (int i = 0; i < 5; ++i)
        s.tracks.add(wish(source));
    for (int i = 0; i < 50; ++i) {
        s.run_until(s.now + 200);
        s.report(i % 2 == 0 ? 1'100'000 : 1'300'000);  // less than is sent, but it does not fall
    }
    CHECK_FALSE(s.bandwidth.deficient());
    CHECK(s.changes == 0);
    CHECK(s.bandwidth.next_deadline().is_never());
}

TEST_CASE("RembBandwidth: the recorded run without pauses [BWE-04] [BWE-06] [BWE-07] [BWE-08]") {
    const SourceState source = recorded_camera();
    Watcher s;
    s.tracks.add(wish(source));
    struct Step {
        std::int64_t ms;
        Layer sent;
    };
    std::vector<Step> steps;
    s.now = 400;
    s.allocate();
    steps.push_back({s.now, s.tracks.sent(0)});
    const auto note = [&] {
        if (steps.back().sent != s.tracks.sent(0)) steps.push_back({s.now, s.tracks.sent(0)});
    };
    for (std::int64_t ms = 400; ms <= 16'000; ms += 20) {
        s.run_until(ms);
        note();
        if (ms % 200 == 0) s.report(recorded_remb(ms));
        note();
    }
    REQUIRE(steps.size() == 4);
    CHECK(steps[0].sent == Layer{2, 2});
    CHECK(steps[1].ms == 5600);  // the twelfth sample; the top layer's lowest frame rate fits
    CHECK(steps[1].sent == Layer{2, 0});
    CHECK(steps[2].ms == 6400);
    CHECK(steps[2].sent == Layer{0, 0});
    // The trend is over with the second sample of the new level; the probe begins at once.
    REQUIRE_FALSE(s.probes.empty());
    CHECK(s.probes[0] == 12'600);
    CHECK(s.probes.size() == 1);
    CHECK(s.probe_bytes >= 5000);
    CHECK(steps[3].sent == Layer{2, 2});
    CHECK(steps[3].ms >= 13'000);
    CHECK(steps[3].ms <= 13'200);  // recorded: 13 102
    CHECK_FALSE(s.bandwidth.deficient());
    CHECK(s.bandwidth.capacity() == RembBandwidth::kUnlimited);
}

TEST_CASE("RembBandwidth: the recorded run with pauses [BWE-04] [BWE-08] [BWE-09]") {
    SourceState source = recorded_camera();
    Watcher s(pausing());
    s.tracks.add(wish(source));
    std::int64_t paused = 0;
    std::int64_t resumed = 0;
    s.now = 400;
    s.allocate();
    for (std::int64_t ms = 400; ms <= 16'000; ms += 20) {
        // The second with the key frame of the lowest layer.
        source.bitrate[0][0] = ms >= 7000 && ms < 8000 ? 48'752 : 42'048;
        s.run_until(ms);
        if (ms % 200 == 0) s.report(recorded_remb(ms));
        const bool none = s.tracks.shares[0].cap == kNoLayer;
        if (none && paused == 0) paused = s.now;
        if (!none && paused != 0 && resumed == 0) resumed = s.now;
    }
    CHECK(paused == 7200);
    REQUIRE(s.probes.size() == 1);
    CHECK(s.probes[0] == 12'200);  // five seconds later
    CHECK(s.probe_bytes >= 5000);
    CHECK(resumed >= 12'650);
    CHECK(resumed <= 12'850);  // recorded: 12 802
    CHECK_FALSE(s.bandwidth.deficient());
}

TEST_CASE(
    "RembBandwidth: where there is nothing to probe with the smallest layer itself is sent "
    "[BWE-06] [BWE-08]") {
    const SourceState source = camera();
    for (const bool content : {false, true}) {
        CAPTURE(content);
        Watcher s(pausing());
        s.content = content;
        s.tracks.add(wish(source));
        s.allocate();
        s.congest(700'000);
        for (std::uint64_t bits = 500'000; s.tracks.sent(0).valid() && bits > 10'000;) {
            s.run_until(s.now + 200);
            s.report(bits = bits * 9 / 10);
        }
        REQUIRE_FALSE(s.tracks.sent(0).valid());
        // What is left was never sent, and what is told does not grow: nothing comes any more.
        for (int i = 0; i < 100 && !s.tracks.sent(0).valid(); ++i) {
            s.run_until(s.now + 200);
            s.report(10'000);
        }
        CHECK(s.tracks.sent(0).valid() != content);
        if (!content) CHECK(s.tracks.sent(0) == Layer{0, 0});
    }
}

TEST_CASE("RembBandwidth: a receiver that reports seldom recovers too [BWE-11] [BWE-23]") {
    const SourceState source = recorded_camera();
    Watcher s;
    s.tracks.add(wish(source));
    s.now = 1000;
    s.allocate();
    std::int64_t first_cut = 0;
    std::uint64_t bits = 300'000;
    for (std::int64_t ms = 2000; ms <= 13'000; ms += 1000) {
        s.run_until(ms);
        s.report(ms < 4000 ? 5'000'000 : bits);
        if (ms >= 4000) bits = bits * 9 / 10;
        if (first_cut == 0 && s.bandwidth.deficient()) first_cut = ms;
    }
    CHECK(first_cut == 10'000);  // seven seconds after the fall began
    std::int64_t recovered = 0;
    for (std::int64_t ms = 14'000; ms <= 60'000 && recovered == 0; ms += 1000) {
        s.run_until(ms);
        s.report(3'000'000);
        if (!s.bandwidth.deficient()) recovered = ms;
    }
    REQUIRE(s.probes.size() > 3);
    for (std::size_t i = 1; i < 4; ++i)
        CHECK(s.probes[i] - s.probes[i - 1] == 3000);
    CHECK(recovered > 0);
    CHECK(recovered < 45'000);
}

TEST_CASE("RembBandwidth: pauses only when allowed [BWE-04]") {
    const SourceState source = camera();
    for (const bool allow : {false, true}) {
        BandwidthOptions options;
        options.allow_pause = allow;
        Watcher s(options);
        s.tracks.add(wish(source));
        s.allocate();
        s.congest(60'000);
        CHECK(s.tracks.shares[0].cap == (allow ? kNoLayer : Layer{0, 0}));
        CHECK(s.bandwidth.deficient());
    }
}

TEST_CASE("RembBandwidth: the committed capacity has a floor [BWE-04]") {
    const SourceState source = camera();
    BandwidthOptions options;
    options.min_capacity = 520'000;
    Watcher s(options);
    s.tracks.add(wish(source));
    s.allocate();
    s.congest(60'000);
    CHECK(s.tracks.sent(0) == Layer{1, 2});
}

TEST_CASE("RembBandwidth: failed probes wait 3, 4, 6, 9 s [BWE-06] [BWE-07] [BWE-11]") {
    const SourceState source = camera();
    Watcher s;
    s.tracks.add(wish(source));
    s.allocate();
    s.congest(600'000);
    const Layer cut = s.tracks.sent(0);
    s.calm(700'000);
    // Whenever a probe runs the estimate falls.
    std::uint64_t bits = 700'000;
    for (int i = 0; i < 400; ++i) {
        s.run_until(s.now + 100);
        bits = s.bandwidth.probing() ? bits - 10'000 : 700'000;
        s.report(bits);
        CHECK_FALSE(s.bandwidth.congested());
    }
    REQUIRE(s.probes.size() >= 5);
    const std::int64_t expected[] = {4000, 6000, 9000, 13'000};
    for (std::size_t i = 0; i < 4; ++i)
        CHECK(s.probes[i + 1] - s.probes[i] == expected[i]);
    CHECK(s.tracks.sent(0) == cut);
    CHECK(s.bandwidth.regulator().duration() == Duration::millis(200));
}

TEST_CASE(
    "RembBandwidth: a probe asks for a fifth more than the next step adds, and sends no more than "
    "half of the estimate above it [BWE-06] [BWE-11]") {
    // From 500 k to 1.02 M is 624 k, for 200 ms.
    struct Case {
        std::uint64_t estimate = 0;
        std::size_t least = 0, most = 0;
    };
    for (const Case c : {Case{800'000, 15'500, 15'700}, Case{510'000, 6'600, 7'700}}) {
        CAPTURE(c.estimate);
        const SourceState source = camera();
        Watcher s;
        s.tracks.add(wish(source));
        s.allocate();
        s.congest(700'000);
        REQUIRE(s.tracks.sent(0) == Layer{1, 2});
        s.calm(c.estimate);
        if (s.probes.empty()) s.run_until(s.now + 3000);
        REQUIRE(s.probes.size() == 1);
        s.run_until(s.probes[0] + 230);
        CHECK(s.probe_bytes >= c.least);
        CHECK(s.probe_bytes <= c.most);
    }
}

TEST_CASE("RembBandwidth: in mode media the next layer itself is the probe [BWE-06]") {
    const SourceState source = camera();
    BandwidthOptions options;
    options.probe_mode = ProbeMode::kMedia;
    Watcher s(options);
    s.tracks.add(wish(source));
    s.allocate();
    s.congest(700'000);
    REQUIRE(s.tracks.sent(0) == Layer{1, 2});
    s.calm(510'000);
    CHECK(s.tracks.sent(0) == Layer{2, 0});
    CHECK(s.probe_bytes == 0);
    s.run_until(s.now + 3000);
    CHECK(s.tracks.sent(0) == Layer{2, 1});
}

TEST_CASE(
    "RembBandwidth: after a gain that did not hold the next try waits longer [BWE-11] [MC-13]") {
    const SourceState source = camera();
    for (const bool soon : {true, false}) {
        CAPTURE(soon);
        BandwidthOptions options;
        options.probe_mode = ProbeMode::kMedia;
        Watcher s(options);
        s.tracks.add(wish(source));
        s.allocate();
        s.congest(700'000);
        const Layer cut = s.tracks.sent(0);
        s.calm(700'000);
        for (int i = 0; i < 50 && s.tracks.sent(0) == cut; ++i) {
            s.run_until(s.now + 100);
            s.report(700'000);
        }
        REQUIRE(s.tracks.sent(0) != cut);
        // Steady, for shorter or longer than a gain has to hold; each step up is one.
        const std::int64_t end = s.now + (soon ? 2'000 : 2 * RembBandwidth::kHolds.ms());
        while (s.now < end) {
            s.run_until(s.now + 200);
            s.report(700'000);
        }
        std::uint64_t bits = 700'000;
        for (int i = 0; i < 60 && !s.bandwidth.congested(); ++i, bits = bits * 99 / 100) {
            s.run_until(s.now + 200);
            s.report(bits);
        }
        REQUIRE(s.bandwidth.congested());
        CHECK((s.bandwidth.regulator().next() == at_ms(s.now + 4'000)) == soon);
    }
}

TEST_CASE("RembBandwidth: a track that changes stops the probe [BWE-03]") {
    const SourceState source = camera();
    Watcher s;
    s.tracks.add(wish(source));
    s.tracks.add(wish(source));
    s.allocate();
    s.congest(900'000);
    s.calm(800'000);
    if (s.probes.empty()) s.run_until(s.now + 3000);
    REQUIRE(s.bandwidth.probing());
    s.run_until(s.now + 50);
    s.tracks.demands[1].max = {0, 3};
    s.allocate();
    CHECK_FALSE(s.bandwidth.probing());
    CHECK(s.bandwidth.poll_probe(at_ms(s.now + 100)) == 0);
    CHECK(s.bandwidth.next_deadline() == at_ms(s.probes[0] + 3000));
}

TEST_CASE("RembBandwidth: tracks come, unmute and go while the link is short [BWE-03] [BWE-05]") {
    const SourceState source = camera();
    Watcher s;
    s.tracks.add(wish(source));
    s.allocate();
    s.congest(1'000'000);
    const std::uint64_t capacity = s.bandwidth.capacity();
    REQUIRE(s.tracks.sent(0) == Layer{1, 2});
    s.tracks.add(wish(source));
    s.allocate();
    CHECK(s.tracks.usage() <= capacity);
    CHECK(s.tracks.sent(1).valid());
    s.tracks.demands[1].muted = true;
    s.allocate();
    CHECK(s.tracks.shares[1].cap == kTopLayer);  // a mute is no pause
    CHECK_FALSE(s.tracks.shares[1].deficient);
    s.tracks.demands[1].muted = false;
    s.allocate();
    CHECK(s.tracks.sent(1).valid());
    CHECK(s.tracks.usage() <= capacity);
    s.tracks.remove(1);
    s.allocate();
    CHECK(s.tracks.sent(0) == Layer{1, 2});
    s.tracks.remove(0);
    s.allocate();
    CHECK_FALSE(s.bandwidth.deficient());
    CHECK(s.bandwidth.next_deadline().is_never());
    CHECK(s.bandwidth.capacity() == RembBandwidth::kUnlimited);
}

TEST_CASE("RembBandwidth: what one who goes leaves is given to the others at once [BWE-05]") {
    const SourceState source = camera();
    Watcher s;
    s.tracks.add(wish(source));
    s.tracks.add(wish(source));
    s.allocate();
    s.congest(700'000);
    REQUIRE_FALSE(s.tracks.sent(0) == Layer{1, 2});
    s.tracks.remove(1);
    s.allocate();
    CHECK(s.tracks.sent(0) == Layer{1, 2});
}

TEST_CASE("RembBandwidth: the waits of one shortage are not those of the next [BWE-08] [BWE-11]") {
    SourceState source = camera();
    Watcher s;
    s.tracks.add(wish(source));
    s.allocate();
    s.congest(600'000);
    std::uint64_t bits = 700'000;
    for (int i = 0; i < 300 && s.bandwidth.regulator().interval() < Duration::seconds(6); ++i) {
        s.run_until(s.now + 200);
        bits = s.bandwidth.probing() ? bits - 20'000 : 700'000;
        s.report(bits);
    }
    REQUIRE(s.bandwidth.regulator().interval() >= Duration::seconds(6));
    source.available = 1;  // one layer only: nothing is missing
    s.allocate();
    REQUIRE_FALSE(s.bandwidth.deficient());
    CHECK(s.bandwidth.regulator().interval() == ProbeRegulator::kInterval);
}

TEST_CASE("RembBandwidth: a publisher that drops its top layer ends the shortage [BWE-08]") {
    SourceState source = camera();
    Watcher s;
    s.tracks.add(wish(source));
    s.allocate();
    s.congest(700'000);
    REQUIRE(s.tracks.sent(0) == Layer{1, 2});
    source.available = 3;
    s.allocate();
    CHECK_FALSE(s.bandwidth.deficient());
    CHECK(s.tracks.shares[0].cap == kTopLayer);
    CHECK_FALSE(s.bandwidth.congested());
}

TEST_CASE("RembBandwidth: repeated requests count from the first report on [BWE-20] [BWE-22]") {
    const SourceState source = camera();
    Watcher s;
    s.tracks.add(wish(source));
    s.tracks.demands[0].nack_repeats = 5000;  // of before
    s.allocate();
    for (int i = 0; i < 20; ++i) {
        s.run_until(s.now + 200);
        s.report(5'000'000);
    }
    CHECK_FALSE(s.bandwidth.congested());
    for (int i = 0; i < 13; ++i) {
        s.run_until(s.now + 200);
        s.tracks.demands[0].nack_repeats += 10;
        s.report(5'000'000);
    }
    CHECK(s.bandwidth.congested());
    CHECK(s.bandwidth.capacity() == 1'360'000);  // 1.7 M less 0.4 of one half
    CHECK(s.tracks.sent(0) == Layer{2, 1});
}

TEST_CASE("RembBandwidth: an outer limit holds without any report, nothing is probed [BWE-10]") {
    const SourceState source = camera();
    Watcher s;
    s.bandwidth.set_limit(600'000);
    s.tracks.add(wish(source));
    s.allocate();
    CHECK(s.tracks.sent(0) == Layer{1, 2});
    CHECK(s.bandwidth.next_deadline().is_never());
    s.run_until(20'000);
    CHECK(s.probes.empty());
    s.tracks.add(wish(source));
    s.allocate();
    CHECK(s.tracks.usage() <= 600'000);
    s.bandwidth.set_limit(0);
    s.allocate();
    CHECK(s.tracks.shares[0].cap == kTopLayer);
    CHECK(s.tracks.shares[1].cap == kTopLayer);
    CHECK_FALSE(s.bandwidth.deficient());
}

TEST_CASE("RembBandwidth: switched off it leaves everything whole [BWE-01]") {
    const SourceState source = camera();
    BandwidthOptions options;
    options.enabled = false;
    Watcher s(options);
    s.tracks.add(wish(source));
    s.allocate();
    for (std::uint64_t bits = 2'000'000; bits > 10'000; bits = bits * 9 / 10) {
        s.run_until(s.now + 200);
        s.report(bits);
    }
    CHECK(s.changes == 0);
    CHECK(s.tracks.shares[0].cap == kTopLayer);
}

TEST_CASE("RembBandwidth: an exempt track stays whole when others are cut [BWE-04]") {
    const SourceState source = camera();
    Watcher s;
    s.tracks.add(wish(source));
    s.tracks.add(wish(source));
    s.tracks.demands[0].exempt = true;
    s.allocate();
    s.congest(2'100'000);
    CHECK(s.tracks.shares[0].cap == kTopLayer);
    CHECK(s.tracks.sent(1).spatial == 0);
}

}  // namespace confab::sfu
