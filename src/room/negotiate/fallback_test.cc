// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/fallback.h"

#include <doctest/doctest.h>

namespace confab::room {
namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000);
constexpr Duration kTick = Duration::millis(1);
constexpr Duration kLong = FailureCount::kShortLife;

}  // namespace

TEST_CASE("tcp_ice_limit: eight round trips within bounds, none where they are long [ICE-17]") {
    const auto limit = [](std::int64_t ms) { return tcp_ice_limit(Duration::millis(ms)); };
    CHECK(limit(1) == Duration::seconds(5));
    CHECK(limit(625) == Duration::seconds(5));
    CHECK(limit(626) == Duration::millis(5'008));
    CHECK(limit(999) == Duration::millis(7'992));
    CHECK(limit(1'000) == std::nullopt);
    CHECK(tcp_ice_limit(std::nullopt) == std::nullopt);
}

TEST_CASE("is_unstable: 20 bad reports, and TCP that is not slower than UDP by 1.3 [ICE-16]") {
    const auto unstable = [](std::uint8_t bad, std::optional<std::int64_t> udp_ms,
                             std::optional<std::int64_t> signal_ms, std::int64_t threshold) {
        sfu::PathQuality path;
        path.bad_reports = bad;
        if (udp_ms) path.rtt = Duration::millis(*udp_ms);
        std::optional<Duration> signal;
        if (signal_ms) signal = Duration::millis(*signal_ms);
        return is_unstable(path, signal, Duration::millis(threshold));
    };
    CHECK(unstable(20, 100, 129, 130));
    CHECK_FALSE(unstable(19, 100, 129, 130));
    CHECK_FALSE(unstable(20, 100, 130, 200));
    CHECK_FALSE(unstable(20, 100, 129, 129));
    CHECK_FALSE(unstable(20, 100, 1, 0));
    CHECK_FALSE(unstable(20, std::nullopt, 1, 130));
    CHECK_FALSE(unstable(20, 100, std::nullopt, 130));
}

TEST_CASE("FailureCount: a short life is enough, a long one is not [SIG-89] [ICE-15]") {
    FailureCount count;
    CHECK(count.failed(kStart, Duration::zero()));
    CHECK(count.failed(kStart, kLong - kTick));
    CHECK_FALSE(count.failed(kStart, kLong));
}

TEST_CASE("FailureCount: the second failure within a minute is enough [SIG-89] [ICE-15]") {
    for (const Duration by : {-kTick, Duration::zero(), kTick}) {
        FailureCount count;
        CHECK_FALSE(count.failed(kStart, kLong));
        const Timestamp next = kStart + FailureCount::kWindow + by;
        CHECK(count.failed(next, kLong) == (by <= Duration::zero()));
        // Either it was enough, and the next one is the first again, or it was the first itself.
        CHECK(count.failed(next + kTick, kLong) == (by > Duration::zero()));
    }
}

TEST_CASE("FailureCount: what a short life was enough for is not counted again [ICE-15]") {
    FailureCount count;
    CHECK_FALSE(count.failed(kStart, kLong));
    CHECK(count.failed(kStart + kTick, Duration::zero()));
    CHECK_FALSE(count.failed(kStart + kTick, kLong));
}

TEST_CASE("ChosenTransports: for five minutes, by identity; any is nothing to keep [SIG-89]") {
    ChosenTransports chosen;
    chosen.keep("alice", IcePreference::kTcp, kStart);
    chosen.keep("bob", IcePreference::kTls, kStart);
    const Timestamp end = kStart + ChosenTransports::kLife;
    CHECK(chosen.find("alice", end - kTick) == IcePreference::kTcp);
    CHECK(chosen.find("alice", end) == IcePreference::kTcp);
    CHECK(chosen.find("alice", end + kTick) == IcePreference::kAny);
    CHECK(chosen.find("bob", end) == IcePreference::kTls);
    CHECK(chosen.find("carol", kStart) == IcePreference::kAny);
    chosen.keep("bob", IcePreference::kAny, kStart);
    CHECK(chosen.find("bob", kStart) == IcePreference::kAny);
}

TEST_CASE("ChosenTransports: 255, 256, 257 identities; what is over makes place [SIG-89]") {
    ChosenTransports chosen;
    for (std::size_t i = 1; i < ChosenTransports::kMax; ++i)
        chosen.keep("p" + std::to_string(i), IcePreference::kTcp, kStart);
    chosen.keep("the last", IcePreference::kTcp, kStart);
    chosen.keep("too many", IcePreference::kTcp, kStart);
    CHECK(chosen.find("p255", kStart) == IcePreference::kTcp);
    CHECK(chosen.find("the last", kStart) == IcePreference::kTcp);
    CHECK(chosen.find("too many", kStart) == IcePreference::kAny);
    chosen.keep("the last", IcePreference::kTls, kStart);  // who is there may change
    CHECK(chosen.find("the last", kStart) == IcePreference::kTls);
    const Timestamp later = kStart + ChosenTransports::kLife + kTick;
    chosen.keep("too many", IcePreference::kTcp, later);
    CHECK(chosen.find("too many", later) == IcePreference::kTcp);
}

}  // namespace confab::room
