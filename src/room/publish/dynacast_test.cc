// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/publish/dynacast.h"

#include <doctest/doctest.h>

#include "base/machine.h"

namespace confab::room {

static_assert(SansIoMachine<Dynacast>);

namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

}  // namespace

TEST_CASE("Dynacast: up at once, down after the delay, silent while muted [SIG-115] [DYN-01]") {
    Dynacast dynacast(Duration::seconds(5));
    dynacast.published(at_ms(0), 0);
    CHECK(dynacast.next_deadline() == at_ms(10'000));
    dynacast.want(at_ms(1'000), 0, 1, std::uint8_t{0});
    auto report = dynacast.poll_report();
    REQUIRE(report);
    CHECK((*report)[0].quality == WantedQuality(0));
    dynacast.want(at_ms(1'100), 0, 2, std::uint8_t{2});
    CHECK((*dynacast.poll_report())[0].quality == WantedQuality(2));
    dynacast.remove(at_ms(2'000), 2);
    CHECK_FALSE(dynacast.poll_report());
    // An increase in between does not cancel the timer: the unchanged state is told once more.
    dynacast.want(at_ms(3'000), 0, 3, std::uint8_t{2});
    CHECK_FALSE(dynacast.poll_report());
    CHECK(dynacast.next_deadline() == at_ms(7'000));
    dynacast.handle_timeout(at_ms(7'000));
    CHECK((*dynacast.poll_report())[0].quality == WantedQuality(2));
    dynacast.set_muted(true);
    dynacast.remove(at_ms(8'000), 3);
    dynacast.handle_timeout(at_ms(13'000));
    CHECK_FALSE(dynacast.poll_report());
    dynacast.set_muted(false);
    CHECK((*dynacast.poll_report())[0].quality == WantedQuality(0));
}

TEST_CASE("Dynacast: an increase beyond what was told begins the delay anew [DYN-01]") {
    Dynacast dynacast(Duration::seconds(5));
    dynacast.want(at_ms(0), 0, 1, std::uint8_t{1});
    REQUIRE(dynacast.poll_report());
    dynacast.want(at_ms(1'000), 0, 1, std::uint8_t{0});
    CHECK(dynacast.next_deadline() == at_ms(6'000));
    dynacast.want(at_ms(2'000), 0, 2, std::uint8_t{2});
    CHECK((*dynacast.poll_report())[0].quality == WantedQuality(2));
    CHECK(dynacast.next_deadline().is_never());
    dynacast.remove(at_ms(5'500), 2);
    CHECK_FALSE(dynacast.poll_report());
    dynacast.handle_timeout(at_ms(10'499));
    CHECK_FALSE(dynacast.poll_report());
    dynacast.handle_timeout(at_ms(10'500));
    CHECK((*dynacast.poll_report())[0].quality == WantedQuality(0));
}

TEST_CASE("Dynacast: nobody ever subscribed is told after ten seconds [DYN-01]") {
    Dynacast dynacast(Duration::seconds(5));
    dynacast.published(at_ms(0), 0);
    dynacast.handle_timeout(at_ms(9'999));
    CHECK_FALSE(dynacast.poll_report());
    dynacast.handle_timeout(at_ms(10'000));
    const auto report = dynacast.poll_report();
    REQUIRE(report);
    CHECK_FALSE((*report)[0].quality);
    CHECK(dynacast.next_deadline().is_never());
}

TEST_CASE("Dynacast: a codec that nobody wants goes off, whatever is wanted of others [DYN-01]") {
    Dynacast dynacast(Duration::seconds(5));
    dynacast.published(at_ms(0), 0);
    dynacast.want(at_ms(1'000), 1, 7, std::uint8_t{2});
    REQUIRE(dynacast.poll_report());
    dynacast.published(at_ms(2'000), 1);  // it is sent now: that is no news
    CHECK(dynacast.next_deadline() == at_ms(10'000));
    dynacast.handle_timeout(at_ms(10'000));
    const auto report = dynacast.poll_report();
    REQUIRE(report);
    REQUIRE(report->size() == 2);
    CHECK_FALSE((*report)[0].quality);
    CHECK((*report)[1].quality == WantedQuality(2));
    CHECK(dynacast.next_deadline().is_never());
}

TEST_CASE(
    "Dynacast: a codec that all have left goes off at once, the others after the delay [DYN-05]") {
    Dynacast dynacast(Duration::seconds(5));
    for (const std::size_t codec : {0U, 1U})
        for (const std::uint64_t subscriber : {7U, 8U})
            dynacast.want(at_ms(1'000), codec, subscriber, std::uint8_t{2});
    REQUIRE(dynacast.poll_report());
    dynacast.left(at_ms(1'000), 0);
    CHECK_FALSE(dynacast.poll_report());
    dynacast.want(at_ms(2'000), 0, 7, std::nullopt);
    dynacast.want(at_ms(2'000), 1, 7, std::nullopt);
    CHECK_FALSE(dynacast.poll_report());
    dynacast.want(at_ms(2'000), 0, 8, std::uint8_t{1});  // somebody cannot take another
    CHECK_FALSE(dynacast.poll_report());
    dynacast.want(at_ms(3'000), 1, 8, std::nullopt);
    dynacast.remove(at_ms(3'000), 8);
    const auto report = dynacast.poll_report();
    REQUIRE(report);
    CHECK_FALSE((*report)[0].quality);
    CHECK((*report)[1].quality == WantedQuality(2));
    CHECK(dynacast.next_deadline() == at_ms(8'000));
    dynacast.handle_timeout(at_ms(8'000));
    CHECK_FALSE((*dynacast.poll_report())[1].quality);
    dynacast.left(at_ms(9'000), 2);  // none of which anything is known
    CHECK_FALSE(dynacast.poll_report());
}

}  // namespace confab::room
