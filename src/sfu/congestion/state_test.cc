// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What was found out of a link goes along with its subscriber (02 FWD-18, MC-20).
#include "base/state/state.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "sfu/congestion/allocator_testing.h"
#include "sfu/congestion/send_side/send_side_bandwidth.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::camera;
using test::Tracks;
using test::wish;

Bytes saved(const BandwidthPort& port, std::int64_t ms) {
    return export_state(port, at_ms(ms));
}

// A camera over a link that is told of by REMBs; moves keep what a down-track's state has of it.
template <typename Port>
struct Moving {
    Moving() { tracks.add(wish(source)); }

    bool allocate() {
        const bool changed = port.allocate(tracks.demands, tracks.shares, at_ms(now));
        (void)port.poll_probe(at_ms(now));
        return changed;
    }
    // The client says `bits` each 200 ms.
    void report(std::uint64_t bits) {
        now += 200;
        tracks.demands[0].packets += 20;
        port.handle_remb(bits, at_ms(now));
        (void)allocate();
    }
    void congest(std::uint64_t bits) {
        for (int i = 0; i < 40 && !port.deficient(); ++i, bits = bits * 99 / 100)
            report(bits);
        REQUIRE(port.deficient());
    }
    // To another worker, by a state that may have been changed on the way.
    [[nodiscard]] bool move(const Bytes& state) {
        Port there;
        const bool taken = import_state(static_cast<BandwidthPort&>(there), state, at_ms(now));
        std::swap(port, there);
        for (std::size_t i = 0; i < tracks.shares.size(); ++i) {
            tracks.demands[i].cap = tracks.shares[i].cap;
            tracks.demands[i].deficient = tracks.shares[i].deficient;
            tracks.shares[i] = share_before(tracks.demands[i]);
        }
        return taken;
    }
    [[nodiscard]] bool move() { return move(saved(port, now)); }

    SourceState source = camera();
    Port port;
    Tracks tracks;
    std::int64_t now = 0;
};

}  // namespace

TEST_CASE("SharedLink: a narrow link is not flooded by who takes it over [FWD-18] [BWE-08]") {
    Moving<RembBandwidth> s;
    (void)s.allocate();
    s.congest(600'000);
    const std::uint64_t capacity = s.port.capacity();
    const Layer cut = s.tracks.sent(0);
    REQUIRE_FALSE(cut == Layer{2, 2});
    REQUIRE(s.move());
    CHECK(s.port.capacity() == capacity);
    CHECK(s.port.deficient());
    // The first look there changes nothing, and no probe begins before the client was heard.
    CHECK_FALSE(s.allocate());
    CHECK(s.tracks.sent(0) == cut);
    CHECK_FALSE(s.port.probing());
    CHECK(s.port.next_deadline() == at_ms(s.now) + SharedLink::kRetry);
    // With room again it comes back by probes, as if nobody had moved.
    for (int i = 0; i < 200 && s.port.deficient(); ++i)
        s.report(20'000'000);
    CHECK_FALSE(s.port.deficient());
    CHECK(s.tracks.sent(0) == Layer{2, 2});
}

TEST_CASE("SharedLink: a track that begins while its subscriber moves gets what is left [FWD-18]") {
    Moving<RembBandwidth> s;
    (void)s.allocate();
    s.congest(900'000);
    REQUIRE(s.move());
    s.tracks.add(wish(s.source));
    (void)s.allocate();
    CHECK(s.tracks.usage() <= s.port.capacity());
}

TEST_CASE("SharedLink: of an older owner's state nothing is narrow, and cuts end [FWD-18]") {
    Moving<RembBandwidth> s;
    (void)s.allocate();
    s.congest(600'000);
    REQUIRE(s.move({}));
    for (int i = 0; i < 100 && s.tracks.shares[0].deficient; ++i)
        s.report(20'000'000);
    CHECK(s.tracks.shares[0].cap == kTopLayer);
}

TEST_CASE("SharedLink: waits of probes that failed go along [FWD-18] [BWE-11]") {
    Moving<RembBandwidth> s;
    (void)s.allocate();
    s.congest(600'000);
    // Whenever a probe runs the estimate falls.
    std::uint64_t bits = 700'000;
    while (s.port.regulator().interval() < Duration::seconds(9)) {
        bits = s.port.probing() ? bits - 10'000 : 700'000;
        s.report(bits);
        REQUIRE(s.now < 120'000);
    }
    const Timestamp next = s.port.regulator().next();
    REQUIRE(next > at_ms(s.now) + Duration::seconds(2));
    REQUIRE(s.move());
    CHECK(s.port.regulator().next() == next);
    CHECK(s.port.regulator().interval() == Duration::seconds(9));
    CHECK(s.port.next_deadline() == next);
}

TEST_CASE("SharedLink: a limit from outside goes along [FWD-18] [BWE-10]") {
    Moving<RembBandwidth> s;
    s.port.set_limit(600'000);
    (void)s.allocate();
    REQUIRE(s.tracks.sent(0) == Layer{1, 2});
    REQUIRE(s.move());
    s.tracks.add(wish(s.source));
    (void)s.allocate();
    CHECK(s.tracks.usage() <= 600'000);
    s.port.set_limit(0);
    (void)s.allocate();
    CHECK(s.tracks.sent(0) == Layer{2, 2});
}

TEST_CASE("SendSideBandwidth: who was heard packet by packet is heard so on [FWD-18] [BWE-20]") {
    Moving<SendSideBandwidth> s;
    (void)s.allocate();
    // 1.7 Mbit/s into 600 kbit/s, with a queue of 400 ms.
    double arrives_at = 0;
    std::uint16_t number = 0;
    std::vector<PacketResult> results;
    for (; s.now < 3000; ++s.now) {
        if (s.now % 5 == 0) {
            const SentPacket packet{at_ms(s.now), number++, 1060, 0};
            s.port.packets_sent(std::span(&packet, 1));
            arrives_at = std::max(arrives_at, static_cast<double>(s.now)) + 14;
            results.push_back(
                {packet, true, Duration::micros(static_cast<std::int64_t>(arrives_at * 1000))});
        }
        if (s.now % 100 == 99) {
            s.port.handle_transport_feedback(std::exchange(results, {}), at_ms(s.now));
            (void)s.allocate();
        }
    }
    REQUIRE(s.port.deficient());
    const std::uint64_t target = s.port.capacity();
    REQUIRE(target < 700'000);
    REQUIRE(s.move());
    CHECK(s.port.capacity() == target);
    CHECK(s.port.pacing_rate() < 3 * target);
    CHECK(s.port.send_side().capacity() == target);
    CHECK(s.port.regulator().plan().doubles);
    CHECK_FALSE(s.allocate());
    // Its REMBs still say nothing.
    const Layer cut = s.tracks.sent(0);
    for (int i = 0; i < 30; ++i) {
        s.now += 20;
        s.port.handle_remb(static_cast<std::uint64_t>(100'000 - 3000 * i), at_ms(s.now));
        (void)s.allocate();
    }
    CHECK(s.port.capacity() == target);
    CHECK(s.tracks.sent(0) == cut);
}

TEST_CASE("SharedLink: what would never end or never be is refused [FWD-18] [SIO-11]") {
    RembBandwidth port;
    REQUIRE(import_state(static_cast<BandwidthPort&>(port), saved(port, 5), at_ms(5)));
    const auto taken = [](auto&& body) {
        StateWriter out(at_ms(1000));
        body(out);
        RembBandwidth fresh;
        return import_state(static_cast<BandwidthPort&>(fresh), out.view(), at_ms(1000));
    };
    const auto regulator = [&](std::uint8_t tag, auto value) {
        return taken([&](StateWriter& out) {
            out.record(7, [&](StateWriter& inner) { inner.field(tag, value); });
        });
    };
    CHECK(regulator(5, at_ms(100'000)));
    CHECK_FALSE(regulator(5, Timestamp::never()));
    CHECK_FALSE(regulator(7, at_ms(200'000)));
    CHECK_FALSE(regulator(2, Duration::millis(1)));
    CHECK_FALSE(regulator(3, Duration::seconds(100)));
    CHECK_FALSE(regulator(1, 60U));
    CHECK(taken([](StateWriter& out) { out.field(3, kUnlimitedCapacity); }));
    CHECK_FALSE(taken([](StateWriter& out) { out.field(3, kUnlimitedCapacity + 1); }));
    CHECK_FALSE(taken([](StateWriter& out) { out.field(2, kUnlimitedCapacity + 1); }));
    CHECK_FALSE(taken([](StateWriter& out) { out.field(5, Duration::micros(-1)); }));
}

}  // namespace confab::sfu
