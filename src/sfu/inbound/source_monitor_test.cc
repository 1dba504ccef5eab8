// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/source_monitor.h"

#include <doctest/doctest.h>

#include "sfu/congestion/layer_cost.h"
#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;

MediaPacket svc_packet(std::int64_t ms, std::uint8_t spatial) {
    MediaPacket p;
    p.codec = Codec::kVp9;
    p.has_dd = true;
    p.spatial = spatial;
    p.arrival = at_ms(ms);
    return p;
}

// Three spatial layers in one stream, as its structure says.
SourceState svc_state() {
    SourceState state;
    state.mode = LayerMode::kMultipleSpatialLayersPerStream;
    wire::DependencyStructure structure;
    REQUIRE(wire::parse_dependency_descriptor(test::from_hex(test::kL3T3KeyStructure), nullptr,
                                              &structure));
    state.decode_targets = DecodeTargets::of(structure);
    return state;
}

}  // namespace

TEST_CASE(
    "SourceMonitor: the mask of an SVC stream tells its layers, few packets or not "
    "[IN-21] [IN-26]") {
    SourceState state = svc_state();
    SourceMonitor monitor(MediaKind::kVideo, false);
    MediaPacket key = svc_packet(0, 0);
    key.dd.structure_attached = true;
    key.dd.active_targets = 0x1FF;
    CHECK(monitor.packet(key, state));
    CHECK(state.available == 7);
    // Three packets in half a second would end layers 1 and 2 of a simulcast track.
    for (std::int64_t ms = 100; ms < 3000; ms += 100) {
        (void)monitor.packet(svc_packet(ms, static_cast<std::uint8_t>(ms / 100 % 3)), state);
        while (monitor.next_deadline() <= at_ms(ms))
            (void)monitor.handle_timeout(at_ms(ms), state);
        CHECK(state.available == 7);
    }
    // The encoder gives up the top layer, later the stream.
    MediaPacket fewer = svc_packet(3000, 0);
    fewer.dd.has_active_targets = true;
    fewer.dd.active_targets = 0x03F;
    CHECK(monitor.packet(fewer, state));
    CHECK(state.available == 3);
    for (std::int64_t ms = 3000; ms < 4600; ms += 100)
        (void)monitor.handle_timeout(at_ms(ms), state);
    CHECK(state.available == 0);
    monitor.set_muted(true, state);
    monitor.set_muted(false, state);
    CHECK(monitor.packet(svc_packet(5000, 0), state));
    CHECK(state.available == 3);
}

TEST_CASE(
    "SourceMonitor: what the layers of one codec were says nothing of the next [IN-21] [IN-09]") {
    SourceState state = svc_state();
    SourceMonitor monitor(MediaKind::kVideo, false);
    MediaPacket key = svc_packet(0, 0);
    key.dd.structure_attached = true;
    key.dd.active_targets = 0x1FF;
    (void)monitor.packet(key, state);
    (void)monitor.packet(svc_packet(0, 2), state);
    REQUIRE(state.available == 7);
    REQUIRE(state.max_seen.spatial == 2);
    monitor.restart(0, state);
    for (std::int64_t ms = 300; ms < 3000; ms += 30) {
        MediaPacket other = svc_packet(ms, 0);
        other.codec = Codec::kH264;
        other.has_dd = false;
        (void)monitor.packet(other, state);
        while (monitor.next_deadline() <= at_ms(ms))
            (void)monitor.handle_timeout(at_ms(ms), state);
        CHECK(state.available == 1);
        CHECK(state.max_seen.spatial == 0);
    }
    CHECK(monitor.missing_layers(at_ms(9000), state, 0) == 0);
}

namespace {

// A simulcast camera of one packet each 20 ms on every layer that is on.
struct Camera {
    explicit Camera(bool screen_share = false)
        : monitor(MediaKind::kVideo, screen_share), state(test::source_of(Codec::kVp8)) {
        state.available = 0;
    }
    void run(std::int64_t until, std::initializer_list<std::uint8_t> layers) {
        for (; ms < until; ms += 20) {
            for (const std::uint8_t layer : layers)
                (void)monitor.packet(at(layer), state);
            if (monitor.next_deadline() <= at_ms(ms) || ms % 1000 == 0)
                (void)monitor.handle_timeout(at_ms(ms), state);
        }
    }
    MediaPacket at(std::uint8_t spatial, std::uint8_t temporal = 0) const {
        MediaPacket p;
        p.codec = Codec::kVp8;
        p.spatial = spatial;
        p.temporal = temporal;
        p.timestamp = ms * 90;
        p.arrival = at_ms(ms);
        p.payload = payload;
        return p;
    }
    SourceMonitor monitor;
    SourceState state;
    std::int64_t ms = 1000;
    Bytes payload = Bytes(960, 0);  // 1000 octets with header
};

}  // namespace

TEST_CASE("SourceMonitor: announced layers that never come are missing [CQ-02]") {
    Camera c;
    const auto missing = [&](std::int8_t announced) {
        return c.monitor.missing_layers(at_ms(c.ms), c.state, announced);
    };
    c.run(5980, {0});
    CHECK(missing(2) == 0);  // an encoder takes its time
    c.run(6020, {0});
    CHECK(missing(2) == 2);
    CHECK(missing(0) == 0);
    CHECK(missing(-1) == 0);
    c.monitor.want(at_ms(c.ms), 1);
    CHECK(missing(2) == 1);
    c.run(8000, {0, 1});
    CHECK(missing(2) == 0);
    c.monitor.want(at_ms(c.ms), 2);
    c.run(12980, {0, 1});
    CHECK(missing(2) == 0);
    c.run(13020, {0, 1});
    CHECK(missing(2) == 1);
    // As one that starts.
    c.monitor.set_muted(true, c.state);
    c.monitor.set_muted(false, c.state);
    c.run(18000, {0, 1});
    CHECK(missing(2) == 0);
    c.run(18040, {0, 1});
    CHECK(missing(2) == 1);
    c.run(20000, {0, 1, 2});
    CHECK(missing(2) == 0);
    // What came once is missed at once.
    c.run(24000, {0, 1});
    CHECK(missing(-1) == 1);
}

TEST_CASE("SourceMonitor: layers flow with their first packet and stop on their own [IN-21]") {
    Camera few;
    (void)few.monitor.packet(few.at(1), few.state);
    CHECK(few.monitor.handle_timeout(at_ms(1500), few.state));  // too few, and nothing measured
    CHECK(few.state.available == 0);

    Camera c;
    CHECK(c.monitor.next_deadline().is_never());
    CHECK(c.monitor.packet(c.at(0), c.state));
    CHECK_FALSE(c.monitor.packet(c.at(0), c.state));
    CHECK(c.state.codec == Codec::kVp8);
    CHECK(c.state.available == 0b001);
    CHECK(c.monitor.next_deadline() == at_ms(1500));
    CHECK(c.monitor.packet(c.at(9), c.state));  // counts as the highest
    CHECK(c.state.available == 0b101);
    c.run(2000, {0, 1, 2});
    CHECK(c.state.available == 0b111);
    c.run(3000, {0, 2});
    CHECK(c.state.available == 0b101);
    (void)c.monitor.handle_timeout(at_ms(3000), c.state);
    CHECK_FALSE(c.monitor.handle_timeout(at_ms(3000), c.state));  // nothing changed since
    c.run(5000, {2});
    CHECK(c.state.available == 0b100);
}

TEST_CASE("SourceMonitor: the highest layers seen, each for itself, never less [IN-22]") {
    Camera c;
    const auto seen = [&](std::uint8_t spatial, std::uint8_t temporal) {
        (void)c.monitor.packet(c.at(spatial, temporal), c.state);
        return c.state.max_seen;
    };
    CHECK(seen(1, 0) == Layer{1, 0});
    CHECK(c.monitor.packet(c.at(1, 1), c.state));  // a change
    CHECK_FALSE(c.monitor.packet(c.at(1, 1), c.state));
    CHECK(seen(0, 2) == Layer{1, 2});
    CHECK(seen(2, 0) == Layer{2, 2});
    CHECK(seen(0, 0) == Layer{2, 2});
    CHECK(seen(8, 8) == Layer{2, 3});
}

TEST_CASE("SourceMonitor: bits and frames a second, once they are measured [IN-21] [IN-23]") {
    Camera c;
    c.run(1020, {0, 1});
    CHECK(c.state.bitrate[0][0] == 0);
    c.run(3020, {0, 1});  // 50 packets of 1000 octets a second
    CHECK(c.state.bitrate[0][0] == 400'000);
    CHECK(c.state.bitrate[1][0] == 400'000);
    CHECK(c.state.bitrate[2][0] == 0);
    CHECK(c.state.fps[1][0] == doctest::Approx(50));
    CHECK(c.state.fps[2][0] == 0);
    // Repaired packets are no frames more.
    MediaPacket late = c.at(0);
    late.late = true;
    for (int i = 0; i < 100; ++i) {
        late.timestamp += 90;
        (void)c.monitor.packet(late, c.state);
    }
    c.run(5020, {0});
    CHECK(c.state.fps[0][0] == doctest::Approx(50));
    CHECK(c.state.bitrate[1][0] == 0);
    // A microphone is not measured.
    SourceMonitor sound;
    SourceState state = test::source_of(Codec::kOpus);
    for (std::int64_t ms = 0; ms < 5000; ms += 20) {
        MediaPacket p = c.at(0);
        p.arrival = at_ms(ms);
        p.timestamp = ms * 48;
        (void)sound.packet(p, state);
        (void)sound.handle_timeout(at_ms(ms), state);
    }
    CHECK(state.bitrate[0][0] == 0);
    CHECK(state.fps[0][0] == 0);
}

TEST_CASE("SourceMonitor: the most that a layer took fades with time, and goes with it [IN-21]") {
    Camera c;
    c.run(4020, {0, 0, 1});
    CHECK(c.state.bitrate[0][0] == 800'000);
    CHECK(c.state.peak[0][0] == 800'000);
    c.run(8020, {0, 1});
    CHECK(c.state.bitrate[0][0] == 400'000);
    CHECK(c.state.peak[0][0] > 650'000);
    CHECK(c.state.peak[0][0] < 790'000);
    CHECK(c.state.peak[1][0] == 400'000);
    c.run(60'020, {0});
    CHECK(c.state.peak[0][0] == 400'000);
    CHECK(c.state.peak[1][0] == 0);
}

TEST_CASE("SourceMonitor: an SVC layer costs what is below it too, a stream itself [IN-21]") {
    for (const bool svc : {false, true}) {
        CAPTURE(svc);
        Camera c;
        if (svc) c.state.mode = LayerMode::kMultipleSpatialLayersPerStream;
        (void)c.monitor.handle_timeout(at_ms(1000), c.state);
        for (const auto& [spatial, temporal, packets] :
             {std::array{0, 0, 1}, std::array{0, 2, 2}, std::array{1, 0, 4}, std::array{1, 1, 8},
              std::array{2, 2, 16}})
            for (int i = 0; i < packets; ++i)
                (void)c.monitor.packet(
                    c.at(static_cast<std::uint8_t>(spatial), static_cast<std::uint8_t>(temporal)),
                    c.state);
        CHECK(c.monitor.handle_timeout(at_ms(2000), c.state));
        using Rates = BitrateMeter::Rates;
        constexpr std::uint64_t k = 8000;
        CHECK(c.state.bitrate[0] == Rates{k, 0, 3 * k, 0});
        CHECK(c.state.bitrate[1] ==
              (svc ? Rates{5 * k, 13 * k, 0, 0} : Rates{4 * k, 12 * k, 0, 0}));
        CHECK(c.state.bitrate[2] == (svc ? Rates{0, 0, 29 * k, 0} : Rates{0, 0, 16 * k, 0}));
    }
}

TEST_CASE("SourceMonitor: a mute stops all at once, an unmute waits for packets [IN-21]") {
    Camera c;
    c.run(3020, {0, 1, 2});
    c.monitor.set_muted(true, c.state);
    CHECK(c.state.muted);
    CHECK(c.state.available == 0);
    CHECK(c.monitor.next_deadline().is_never());
    (void)c.monitor.packet(c.at(1), c.state);  // was under way
    CHECK(c.state.available == 0);
    c.run(5000, {});
    c.monitor.set_muted(false, c.state);
    CHECK_FALSE(c.state.muted);
    CHECK(c.state.available == 0);
    CHECK(c.monitor.packet(c.at(1), c.state));
    CHECK(c.state.available == 0b010);
    // What came before the mute is in no rate.
    c.run(6020, {1});
    CHECK(c.state.bitrate[0][0] == 0);
}

// Of a layer without a rate a short link could not be given any but the lowest, for a second more.
TEST_CASE(
    "SourceMonitor: after a short mute the rates of before hold until others are known [IN-21]") {
    Camera c;
    c.run(3020, {0, 1, 2});
    const auto before = c.state.bitrate;
    REQUIRE(before[2][0] > 0);
    c.monitor.set_muted(true, c.state);
    c.monitor.set_muted(false, c.state);
    for (std::uint8_t layer = 0; layer < 3; ++layer)
        CHECK(c.monitor.packet(c.at(layer), c.state));
    CHECK(c.state.available == 0b111);
    CHECK(c.state.bitrate == before);
    VideoDemand demand;
    demand.source = &c.state;
    demand.max = kTopLayer;
    CHECK(can_choose(demand, 2));
    // They end with the first measurement of what comes now, a second later.
    c.run(5020, {0});
    CHECK(c.state.bitrate[0][0] > 100'000);
    CHECK(c.state.bitrate[2][0] == 8'000);  // its one packet
}

TEST_CASE("SourceMonitor: a layer wanted again flows with its next packet [IN-21] [DYN-05]") {
    struct Row {
        std::int8_t before;
        std::int8_t after;
        std::uint8_t at_once;
    };
    // All layers had stopped; they come again, those wanted anew at once.
    for (const Row& row : {Row{0, 2, 0b110}, Row{1, 2, 0b100}, Row{-1, 1, 0b011}, Row{2, 2, 0b000},
                           Row{2, 1, 0b000}, Row{-1, 2, 0b111}}) {
        CAPTURE(static_cast<int>(row.before));
        CAPTURE(static_cast<int>(row.after));
        Camera c;
        c.run(2000, {0, 1, 2});
        c.monitor.want(at_ms(c.ms), row.before);
        c.run(3500, {2});
        c.run(4500, {0});  // the lowest layer is not back so soon
        REQUIRE(c.state.available == 0);
        c.monitor.want(at_ms(c.ms), row.after);
        c.run(4520, {0, 1, 2});
        CHECK(c.state.available == row.at_once);
    }
    // One that flows is not interrupted.
    Camera c;
    c.run(2000, {0, 1, 2});
    c.monitor.want(at_ms(c.ms), 0);
    c.monitor.want(at_ms(c.ms), 2);
    CHECK(c.state.available == 0b111);
    CHECK_FALSE(c.monitor.packet(c.at(2), c.state));
}

TEST_CASE(
    "SourceMonitor: a layer that keeps up with the lowest one flows, slow as both are [IN-21]") {
    // Eight frames a second of one packet each: fewer than five in half a second.
    Camera slow;
    const auto film = [&slow](std::int64_t until, std::initializer_list<std::uint8_t> layers) {
        while (slow.ms < until) {
            for (const std::uint8_t layer : layers)
                (void)slow.monitor.packet(slow.at(layer), slow.state);
            slow.ms += 125;
            (void)slow.monitor.handle_timeout(at_ms(slow.ms), slow.state);
        }
    };
    film(20'000, {0, 1, 2});
    CHECK(slow.state.available == 0b111);
    // One layer alone is given up, and comes back after ten seconds.
    film(22'000, {0, 1});
    CHECK(slow.state.available == 0b011);
    film(31'000, {0, 1, 2});
    CHECK(slow.state.available == 0b011);
    film(33'000, {0, 1, 2});
    CHECK(slow.state.available == 0b111);
}

TEST_CASE("SourceMonitor: a frame between the cycles of two layers costs none of them [IN-21]") {
    Camera c;
    (void)c.monitor.packet(c.at(0), c.state);
    (void)c.monitor.packet(c.at(1), c.state);
    const auto arrive = [&c](std::int64_t at, std::uint8_t layer) {
        c.ms = at;
        (void)c.monitor.handle_timeout(at_ms(at), c.state);
        (void)c.monitor.packet(c.at(layer), c.state);
    };
    // Four frames in each cycle of layer 0, of which layer 1 sees three and then five.
    for (int cycle = 0; cycle < 40; ++cycle) {
        const std::int64_t begin = 1000 + cycle * 500;
        for (const std::int64_t at : {100, 220, 340}) {
            arrive(begin + at, 0);
            arrive(begin + at, 1);
        }
        arrive(begin + 490, 0);
        arrive(begin + (cycle % 2 == 0 ? 505 : 495), 1);
        CHECK(c.state.available == 0b011);
    }
}

TEST_CASE(
    "SourceMonitor: what fell silent with all the others is back with its next packet [IN-21]") {
    Camera c;
    c.run(2000, {0, 1, 2});
    c.run(6000, {});
    REQUIRE(c.state.available == 0);
    c.run(6020, {0, 1, 2});
    CHECK(c.state.available == 0b111);
    // Not so what was given up before.
    c.run(8000, {0, 1});
    c.run(12'000, {});
    c.run(12'020, {0, 1, 2});
    CHECK(c.state.available == 0b011);
}

TEST_CASE("SourceMonitor: an SVC stream wanted again flows with its next packet [IN-21]") {
    SourceState state = svc_state();
    SourceMonitor monitor(MediaKind::kVideo, false);
    MediaPacket key = svc_packet(0, 0);
    key.dd.structure_attached = true;
    key.dd.active_targets = 0x1FF;
    CHECK(monitor.packet(key, state));
    for (const bool wanted : {false, true}) {
        monitor.want(at_ms(5000), 0);
        for (std::int64_t ms = 0; ms < 3000; ms += 100)
            (void)monitor.handle_timeout(at_ms(ms), state);
        REQUIRE(state.available == 0);
        monitor.want(at_ms(5000), wanted ? 2 : 0);  // the same as before is no wish
        (void)monitor.packet(svc_packet(3000, 1), state);
        CHECK(state.available == (wanted ? 7 : 0));
    }
    // A mask that was repaired is older than what is in force.
    MediaPacket late = svc_packet(3100, 0);
    late.late = true;
    late.dd.has_active_targets = true;
    late.dd.active_targets = 0x007;
    (void)monitor.packet(late, state);
    CHECK(state.available == 7);
}

}  // namespace confab::sfu
