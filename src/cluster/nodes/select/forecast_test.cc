// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/select/forecast.h"

#include <doctest/doctest.h>

#include <cmath>

namespace confab::cluster::nodes {
namespace {

constexpr Duration kHour = Duration::seconds(3600);
constexpr Duration kWeek = kHour * 168;
const UnixTime kMonday = UnixTime::seconds(1'700'438'400);  // 20 November 2023, midnight

}  // namespace

TEST_CASE("WeekForecast: hours of the week, from a Thursday on [OPS-04]") {
    CHECK(WeekForecast::hour_of(UnixTime::seconds(0)) == 0);
    CHECK(WeekForecast::hour_of(UnixTime::seconds(3599)) == 0);
    CHECK(WeekForecast::hour_of(UnixTime::seconds(3600)) == 1);
    CHECK(WeekForecast::hour_of(kMonday) == 4 * 24);
    CHECK(WeekForecast::hour_of(kMonday + kWeek - Duration::seconds(1)) == 4 * 24 - 1);
    CHECK(WeekForecast::hour_of(UnixTime::seconds(-5)) == 0);
}

TEST_CASE("WeekForecast: the most of an hour, of older weeks half as much [OPS-04]") {
    WeekForecast forecast;
    CHECK(forecast.of(kMonday) == 0);
    for (const std::size_t needed : {2U, 8U, 3U})
        forecast.note(kMonday, needed);
    CHECK(forecast.of(kMonday) == 0);  // it goes on
    CHECK_FALSE(forecast.poll_ended());
    forecast.note(kMonday + kHour, 1);
    const auto ended = forecast.poll_ended();
    REQUIRE(ended);
    CHECK(ended->index == 96);
    CHECK(ended->needed == 8);
    CHECK_FALSE(forecast.poll_ended());
    CHECK(forecast.of(kMonday) == 8);
    CHECK(forecast.of(kMonday + kHour) == 0);
    forecast.note(kMonday + kWeek, 4);
    CHECK(forecast.of(kMonday + kHour) == 1);
    forecast.note(kMonday + kWeek + kHour, 1);
    CHECK(forecast.of(kMonday) == 6);
    CHECK(forecast.of(kMonday + kWeek * 5) == 6);
}

TEST_CASE(
    "WeekForecast: what was kept is taken where nothing newer is known, nonsense is not [OPS-04]") {
    WeekForecast forecast;
    CHECK(forecast.load({96, 5}));
    CHECK(forecast.of(kMonday) == 5);
    CHECK(forecast.load({96, 7}));
    CHECK(forecast.of(kMonday) == 5);
    CHECK_FALSE(forecast.load({WeekForecast::kHours, 1}));
    CHECK(forecast.load({WeekForecast::kHours - 1, 1'000'000}));
    for (const double none : {-1.0, 1'000'001.0, std::nan(""), HUGE_VAL})
        CHECK_FALSE(forecast.load({1, none}));
}

}  // namespace confab::cluster::nodes
