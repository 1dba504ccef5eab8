// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rate control, acknowledged bitrate, losses, probes and application-limited regions, each alone.
#include <doctest/doctest.h>

#include <optional>

#include "rtc/bwe/acknowledged_bitrate.h"
#include "rtc/bwe/aimd_rate_control.h"
#include "rtc/bwe/alr_detector.h"
#include "rtc/bwe/link_capacity.h"
#include "rtc/bwe/loss_based.h"
#include "rtc/bwe/probe_bitrate.h"

namespace confab::bwe {
namespace {

Timestamp at(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}
Duration ms(std::int64_t n) {
    return Duration::millis(n);
}

constexpr auto kOver = LinkUse::kOverusing;
constexpr auto kFine = LinkUse::kNormal;

}  // namespace

// ------------------------------------------------------------------ capacity, rate

TEST_CASE("LinkCapacity: samples near it move it by a twentieth, bounds are three deviations") {
    LinkCapacity capacity;
    CHECK_FALSE(capacity.known());
    CHECK(capacity.lower() == 0);
    capacity.handle_overuse(1'000'000);
    CHECK(capacity.estimate() == doctest::Approx(1'000'000));
    // sqrt(0.4 x 1000) = 20 kbit/s.
    CHECK(capacity.upper() == doctest::Approx(1'060'000));
    CHECK(capacity.lower() == doctest::Approx(940'000));
    capacity.handle_overuse(900'000);
    CHECK(capacity.estimate() == doctest::Approx(995'000));
    capacity.handle_probe(2'000'000);
    CHECK(capacity.estimate() == doctest::Approx(1'497'500));
}

TEST_CASE("AimdRateControl: nothing is known for five seconds, then it is what arrives") {
    AimdRateControl aimd;
    aimd.update({kFine, 300'000.0, false}, at(0));
    aimd.update({kFine, 300'000.0, false}, at(5000));
    CHECK_FALSE(aimd.known());
    aimd.update({kFine, 300'000.0, false}, at(5001));
    CHECK(aimd.known());
    CHECK(aimd.rate() >= 300'000);
    CHECK(aimd.rate() < 330'000);
}

TEST_CASE("AimdRateControl: an overuse brings 0.85 of what arrives, however little is known") {
    AimdRateControl aimd;
    aimd.update({kOver, 1'000'000.0, false}, at(100));
    CHECK(aimd.known());
    CHECK(aimd.rate() == doctest::Approx(850'000));
    CHECK(aimd.last_reduction() == at(100));
    SUBCASE("and never more than before") {
        aimd.update({kOver, 3'000'000.0, false}, at(400));
        CHECK(aimd.rate() <= 850'000);
    }
    SUBCASE("again a round trip later, or when half of it arrives") {
        aimd.set_rtt(ms(50));
        CHECK_FALSE(aimd.may_reduce(800'000, at(149)));
        CHECK(aimd.may_reduce(800'000, at(150)));
        CHECK(aimd.may_reduce(400'000, at(101)));
    }
}

TEST_CASE("AimdRateControl: by 8 % per second while nothing is known of the link") {
    AimdRateControl aimd;
    aimd.set_estimate(300'000, at(0));
    aimd.update({kFine, 1'000'000.0, false}, at(0));
    for (int i = 1; i <= 10; ++i)
        aimd.update({kFine, 1'000'000.0, false}, at(1000 * i));
    CHECK(aimd.rate() == doctest::Approx(300'000 * 2.1589).epsilon(0.01));
    // And no more than one and a half of what arrives.
    for (int i = 11; i <= 100; ++i)
        aimd.update({kFine, 1'000'000.0, false}, at(1000 * i));
    CHECK(aimd.rate() == doctest::Approx(1'510'000));
}

TEST_CASE("AimdRateControl: near the capacity by a packet per response time") {
    AimdRateControl aimd;
    aimd.set_rtt(ms(100));
    aimd.update({kOver, 1'000'000.0, false}, at(0));
    // 850 kbit/s: frames of 3542 bytes, three packets of 1181, each 400 ms.
    CHECK(aimd.near_growth() == doctest::Approx(23'611).epsilon(0.01));
    aimd.update({kFine, 850'000.0, false}, at(1000));
    aimd.update({kFine, 850'000.0, false}, at(2000));
    CHECK(aimd.rate() == doctest::Approx(873'611).epsilon(0.001));
    // What arrives is far beyond it: the link has changed.
    aimd.update({kFine, 2'000'000.0, false}, at(3000));
    CHECK_FALSE(aimd.capacity().known());
}

TEST_CASE("AimdRateControl: it waits while the queue empties, and where nobody sends more") {
    AimdRateControl aimd;
    aimd.update({kOver, 1'000'000.0, false}, at(0));
    for (int i = 1; i < 20; ++i)
        aimd.update({LinkUse::kUnderusing, 900'000.0, false}, at(100 * i));
    CHECK(aimd.rate() == doctest::Approx(850'000));
    for (int i = 20; i < 100; ++i)
        aimd.update({kFine, 900'000.0, true}, at(100 * i));
    CHECK(aimd.rate() == doctest::Approx(850'000));
}

TEST_CASE("AcknowledgedBitrate: half a second, then a filter that jumps do not move at once") {
    AcknowledgedBitrate rate;
    int i = 0;
    for (; 10 * i < 500; ++i)
        rate.add(ms(10 * i), 1250, false);
    CHECK_FALSE(rate.bits_per_second());
    for (; 10 * i < 2000; ++i)
        rate.add(ms(10 * i), 1250, false);
    CHECK(*rate.bits_per_second() == doctest::Approx(1'000'000).epsilon(0.02));
    for (; 10 * i < 2200; ++i)
        rate.add(ms(10 * i), 2500, false);
    CHECK(*rate.bits_per_second() < 1'700'000);
    for (; 10 * i < 6000; ++i)
        rate.add(ms(10 * i), 2500, false);
    CHECK(*rate.bits_per_second() == doctest::Approx(2'000'000).epsilon(0.02));
}

TEST_CASE("AcknowledgedBitrate: an application that sends less moves it more slowly") {
    double after[2] = {};
    for (const bool limited : {false, true}) {
        AcknowledgedBitrate rate;
        int i = 0;
        for (; 10 * i < 5000; ++i)
            rate.add(ms(10 * i), 2500, false);
        for (; 10 * i < 5400; ++i)
            rate.add(ms(10 * i), 250, limited);
        after[limited ? 1 : 0] = *rate.bits_per_second();
    }
    CHECK(after[1] > after[0]);
}

TEST_CASE("AcknowledgedBitrate: times that go back begin a window anew") {
    AcknowledgedBitrate rate;
    for (int i = 0; i < 100; ++i)
        rate.add(ms(10 * i), 1250, false);
    const double before = *rate.bits_per_second();
    rate.add(ms(-1'000'000), 1250, false);
    rate.add(ms(1'000'000'000), 1250, false);
    CHECK(*rate.bits_per_second() < 2 * before);
}

TEST_CASE("AlrDetector: less than two thirds of the target for half a second") {
    AlrDetector alr;
    alr.set_target(1'000'000);
    // 90 %: 1125 bytes each 10 ms.
    for (int i = 0; i < 100; ++i)
        alr.handle_sent(1125, at(10 * i));
    CHECK_FALSE(alr.limited());
    int i = 100;
    for (; i < 300 && !alr.limited(); ++i)
        alr.handle_sent(250, at(10 * i));
    CHECK(alr.limited());
    CHECK(i > 130);
    CHECK(i < 250);
    for (; i < 400 && alr.limited(); ++i)
        alr.handle_sent(1125, at(10 * i));
    CHECK_FALSE(alr.limited());
}

// ------------------------------------------------------------------ losses

namespace {

// Sends `kbps` in packets of 1000 bytes over a link that loses one of `each`, or all beyond `most`.
struct Lossy {
    LossBased loss;
    double acknowledged = 0;
    std::optional<double> filter;  // instead of that: it lags behind
    std::int64_t now = 0;
    double credit = 0;
    int sent = 0;
    double dropped = 0;

    void run(std::int64_t until_ms, double kbps, int each, double most_kbps = 1e9) {
        for (; now < until_ms; now += 5) {
            credit += kbps * 5 / 8;
            for (; credit >= 1000; credit -= 1000) {
                bool received = each == 0 || ++sent % each != 0;
                dropped += kbps > most_kbps ? (kbps - most_kbps) / kbps : 0;
                if (dropped >= 1) {
                    dropped -= 1;
                    received = false;
                }
                loss.add({at(now), ms(now), 1000, received});
            }
            acknowledged = std::min(kbps, most_kbps) * 1000 * (each > 0 ? 1 - 1.0 / each : 1);
            if (now % 50 == 0) loss.update(filter.value_or(acknowledged), false);
        }
    }
};

}  // namespace

TEST_CASE("LossBased: without losses there is no limit") {
    Lossy link;
    link.run(5000, 1000, 0);
    CHECK_FALSE(link.loss.limit());
}

TEST_CASE("LossBased: a radio that loses 2 % limits nothing that is sent") {
    Lossy link;
    link.run(20'000, 1000, 50);
    REQUIRE(link.loss.limit());
    CHECK(*link.loss.limit() > 1'000'000);
    CHECK(link.loss.inherent() == doctest::Approx(0.02).epsilon(0.3));
}

TEST_CASE("LossBased: 10 % is beyond what is inherent, but what arrives is not cut far below") {
    Lossy link;
    link.run(20'000, 2000, 10);
    REQUIRE(link.loss.limit());
    // 75 kbit/s / (10 % - 5 %) = 1.5 Mbit/s; 0.85 of 1.8 Mbit/s arrive.
    CHECK(*link.loss.limit() < 1'700'000);
    CHECK(*link.loss.limit() > 1'400'000);
}

TEST_CASE("LossBased: a full link is found by what it does not take") {
    Lossy link;
    link.run(2000, 500, 0);
    link.run(6000, 1000, 0, 600);
    REQUIRE(link.loss.limit());
    CHECK(*link.loss.limit() < 700'000);
    CHECK(*link.loss.limit() >= 0.84 * 600'000);
    // It is over five seconds after the last loss.
    link.run(12'000, 500, 0, 600);
    CHECK_FALSE(link.loss.limit());
}

TEST_CASE("LossBased: what arrived just now is no limit to what was sent [BWE-32]") {
    for (const int each : {200, 100, 50, 25, 20}) {
        CAPTURE(each);
        Lossy link;
        link.run(10'000, 40, each);
        link.filter = link.acknowledged;
        double kbps = 40;
        // More and more, and less again.
        for (const double next : {300, 1700, 5100, 600, 1700}) {
            kbps = next;
            for (int i = 0; i < 12; ++i) {
                link.run(link.now + 250, kbps, each);
                CAPTURE(kbps);
                CAPTURE(i);
                const double arrives = link.loss.last_rate() * (1 - 1.0 / each);
                if (i > 1 && link.loss.limit()) REQUIRE(*link.loss.limit() > 0.95 * arrives);
            }
        }
    }
}

TEST_CASE("LossBased: an outage is no full link") {
    Lossy link;
    link.run(2000, 500, 0);
    link.run(4000, 500, 1);
    link.run(6000, 500, 0);
    CHECK_FALSE(link.loss.limit());
    CHECK(link.loss.loss() == 0);
}

TEST_CASE("LossBased: what came late was no loss, whichever observation it is of [BWE-30]") {
    // A packet each 10 ms; each fifth is told as lost, and as received `late` behind.
    for (const int late : {0, 1, 4, 20}) {
        CAPTURE(late);
        LossBased loss;
        for (int i = 0; i < 400; ++i) {
            loss.add({at(10 * i), ms(10 * i), 1000, i % 5 != 0});
            const int before = i - late;
            if (before >= 0 && before % 5 == 0)
                loss.add({at(10 * before), ms(10 * i), 1000, true, true});
            loss.update(800'000, false);
            if (i % 50 == 49) REQUIRE(loss.loss() < 0.06);
        }
    }
    LossBased loss;
    for (int i = 0; i < 400; ++i) {
        loss.add({at(10 * i), ms(10 * i), 1000, i % 5 != 0});
        loss.update(800'000, false);
    }
    CHECK(loss.loss() == doctest::Approx(0.2).epsilon(0.05));
    // It is not sent twice either.
    CHECK(loss.last_rate() == doctest::Approx(800'000).epsilon(0.05));
}

TEST_CASE("LossBased: late ones of what was forgotten take nothing back [BWE-30]") {
    LossBased loss;
    loss.add({at(0), ms(0), 1000, true});
    for (int i = 1; i < 30; ++i)
        loss.add({at(10 * i), ms(10 * i), 1000, i % 2 == 0});
    loss.update(800'000, false);
    const double before = loss.loss();
    CHECK(before == doctest::Approx(0.5).epsilon(0.1));
    loss.forget();
    loss.add({at(400), ms(400), 1000, true});
    loss.add({at(150), ms(400), 1000, true, true});
    for (int i = 41; i < 70; ++i)
        loss.add({at(10 * i), ms(10 * i), 1000, i % 2 == 0});
    loss.update(800'000, false);
    CHECK(loss.loss() == doctest::Approx(before).epsilon(0.1));
}

// ------------------------------------------------------------------ probes

namespace {

// 15 packets of 1000 bytes at 10 ms, 800 kbit/s, that arrive each `arrival` us.
ProbeBitrate probe_of(std::int64_t arrival_us, int lost = 0) {
    ProbeBitrate probe;
    probe.begin(at(1000));
    for (int i = 0; i < 15; ++i)
        probe.handle_sent(at(1000 + 10 * i), 1000);
    probe.end(at(1140));
    for (int i = 0; i < 15; ++i)
        probe.handle_feedback(
            {at(1000 + 10 * i), Duration::micros(1'100'000 + arrival_us * i), 1000, i >= lost});
    return probe;
}

}  // namespace

TEST_CASE("ProbeBitrate: what was sent if the link has room, else 0.95 of what arrived [BWE-35]") {
    const auto roomy = probe_of(10'000).result();
    REQUIRE(roomy);
    CHECK(roomy->bits_per_second == doctest::Approx(800'000));
    CHECK_FALSE(roomy->saturated);
    const auto full = probe_of(20'000).result();
    REQUIRE(full);
    CHECK(full->bits_per_second == doctest::Approx(0.95 * 400'000));
    CHECK(full->saturated);
    CHECK_FALSE(probe_of(11'000).result()->saturated);
    CHECK(probe_of(11'300).result()->saturated);
}

TEST_CASE("ProbeBitrate: it says nothing of too little, and of what cannot be") {
    CHECK(probe_of(10'000, 4).result());
    CHECK_FALSE(probe_of(10'000, 5).result());  // less than 70 % arrived
    CHECK(probe_of(10'000, 5).lost_much());
    CHECK_FALSE(probe_of(10'000, 4).lost_much());
    CHECK_FALSE(probe_of(4'000).result());  // faster than twice what was sent
    CHECK_FALSE(probe_of(0).result());
    CHECK_FALSE(probe_of(160'000).result());  // longer than two seconds
    CHECK_FALSE(ProbeBitrate().result());
}

TEST_CASE("ProbeBitrate: what came late was not lost [BWE-35]") {
    ProbeBitrate probe = probe_of(10'000, 5);
    CHECK(probe.loss() == doctest::Approx(5.0 / 15));
    for (int i = 0; i < 5; ++i)
        probe.handle_feedback(
            {at(1000 + 10 * i), Duration::micros(1'150'000 + 10'000 * i), 1000, true, true});
    CHECK(probe.loss() == 0);
    CHECK_FALSE(probe.lost_much());
}

TEST_CASE("ProbeBitrate: packets from outside its time are no part of it") {
    ProbeBitrate probe = probe_of(10'000);
    probe.handle_sent(at(990), 5000);
    probe.handle_sent(at(1200), 5000);
    probe.handle_feedback({at(990), ms(1090), 5000, true});
    probe.handle_feedback({at(1200), ms(1300), 5000, true});
    CHECK(probe.result()->bits_per_second == doctest::Approx(800'000));
}

}  // namespace confab::bwe
