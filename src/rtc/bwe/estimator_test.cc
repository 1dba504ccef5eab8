// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The whole estimator over a bottleneck, with a sender that sends what it is told or less.
#include "rtc/bwe/estimator.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "rtc/bwe/bottleneck_testing.h"

namespace confab::bwe {
namespace {

// An encoder that follows the estimate up to `most`, in packets of up to 1200 bytes each 10 ms;
// feedback each 50 ms, as far behind as the packets.
struct Call {
    explicit Call(test::BottleneckProfile profile, std::uint64_t seed = 1) : link(profile, seed) {}

    Estimator estimator;
    test::Bottleneck link;
    double most = 10e6;
    double first = 300'000;  // while nothing is known
    Timestamp now;
    std::uint64_t arrived_bytes = 0;

    struct Sent {
        PacketFeedback packet;
        Timestamp told;  // when its feedback may come
    };
    std::deque<Sent> sent;
    double credit = 0;

    double sending() const { return std::min(estimator.rate().value_or(first), most); }
    void run(std::int64_t until_ms) {
        while (now.ms() < until_ms) {
            now = now + Duration::millis(10);
            credit = std::min(credit + sending() / 800, 20'000.0);
            while (credit >= 200) {
                const auto bytes = static_cast<std::uint32_t>(std::min(credit, 1200.0));
                credit -= bytes;
                send(bytes);
            }
            if (now.ms() % 50 == 0) tell();
        }
    }
    void send(std::uint32_t bytes) {
        const auto arrival = link.send(now, bytes);
        Sent s{{now, Duration::zero(), bytes, arrival.has_value()},
               now + link.profile().delay + link.waiting(now)};
        if (arrival) {
            s.packet.arrival = *arrival - Timestamp();
            s.told = *arrival;
            arrived_bytes += bytes;
        }
        s.told = s.told + link.profile().delay;
        sent.push_back(s);
        estimator.handle_sent(now, bytes);
    }
    void tell() {
        std::vector<PacketFeedback> packets;
        for (; !sent.empty() && sent.front().told <= now; sent.pop_front())
            packets.push_back(sent.front().packet);
        if (!packets.empty()) estimator.handle_feedback(packets, now);
    }
    // Mbit/s that arrived in the time.
    double run_and_measure(std::int64_t until_ms) {
        const std::uint64_t before = arrived_bytes;
        const std::int64_t from = now.ms();
        run(until_ms);
        return static_cast<double>(arrived_bytes - before) * 8 / 1000 /
               static_cast<double>(until_ms - from);
    }
};

}  // namespace

TEST_CASE("Estimator: nothing speaks against any rate on a link with room") {
    Call call({});
    call.run(4000);
    CHECK_FALSE(call.estimator.rate());
    CHECK(call.estimator.use() == LinkUse::kNormal);
}

TEST_CASE("Estimator: it finds a link's capacity and stays near it without a queue [BWE-34]") {
    Call call({.bits_per_second = 1e6});
    call.first = 2e6;
    call.run(3000);
    REQUIRE(call.estimator.rate());
    CHECK(*call.estimator.rate() < 1.1e6);
    CHECK(call.run_and_measure(60'000) > 0.85);
    CHECK(call.link.waiting(call.now) < Duration::millis(120));
}

TEST_CASE("Estimator: a drop to 600 kbit/s is followed within a second") {
    Call call({.bits_per_second = 3e6});
    call.most = 1.7e6;
    call.first = 1.7e6;
    call.run(10'000);
    CHECK(call.sending() > 1.5e6);
    call.link.set_rate(600'000, call.now);
    call.run(11'000);
    REQUIRE(call.estimator.rate());
    CHECK(*call.estimator.rate() < 700'000);
    CHECK(call.estimator.last_overuse() > Timestamp::micros(10'000'000));
    CHECK(call.run_and_measure(40'000) > 0.48);
}

TEST_CASE("Estimator: jitter of 30 ms is no overuse") {
    Call call({.bits_per_second = 5e6, .jitter = Duration::millis(30)});
    call.first = call.most = 1e6;
    call.run(30'000);
    CHECK(call.sending() == doctest::Approx(1e6));
    CHECK(call.estimator.standing_delay() < Duration::millis(20));
}

TEST_CASE("Estimator: 2 % of losses at random take nothing away") {
    Call call({.bits_per_second = 5e6, .loss = 0.02});
    call.first = call.most = 1e6;
    call.run(30'000);
    CHECK(call.sending() == doctest::Approx(1e6));
}

TEST_CASE("Estimator: the estimate of an application that sends little does not rise") {
    Call call({.bits_per_second = 5e6});
    call.most = 100'000;
    call.estimator.set_rate(1e6, call.now);
    call.run(30'000);
    CHECK(call.estimator.application_limited());
    CHECK(*call.estimator.rate() <= 1'100'000);
}

TEST_CASE("Estimator: feedback without sense leaves it within its limits") {
    Rng rng(7);
    Estimator estimator;
    Timestamp now;
    for (int round = 0; round < 2000; ++round) {
        now = now + Duration::millis(static_cast<std::int64_t>(rng.below(200)));
        std::vector<PacketFeedback> packets;
        for (int i = 0; i < 20; ++i) {
            const auto sent = Timestamp::micros(static_cast<std::int64_t>(rng.below(400'000'000)));
            const auto arrival = static_cast<std::int64_t>(rng.below(std::uint64_t{1} << 40)) -
                                 (std::int64_t{1} << 39);
            packets.push_back({sent, Duration::micros(arrival),
                               static_cast<std::uint32_t>(rng.below(1500)), rng.below(4) > 0});
            estimator.handle_sent(sent, packets.back().bytes);
        }
        estimator.handle_feedback(packets, now);
        if (const auto rate = estimator.rate()) {
            CHECK(*rate >= 0);
            CHECK(*rate <= AimdRateControl::kMax);
        }
    }
}

}  // namespace confab::bwe
