// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/series.h"

#include <doctest/doctest.h>

#include "console/history_view.h"
#include "json/json.h"
#include "token/room_key.h"

namespace confab::console {
namespace {

constexpr Duration kMinute = Duration::seconds(60);
constexpr UnixTime kHour = UnixTime::seconds(1'800'000'000);  // a whole one

Minute minute(int number, std::int64_t participants) {
    Minute one;
    one.at = kHour + kMinute * number + Duration::seconds(59);
    one.participants = participants;
    one.rooms = 1;
    one.joins = 2;
    one.refused = 1;
    one.bytes_in = 100.0 * number;
    one.cpu = 0.5;
    return one;
}
HistoryQuery query(int minutes, std::size_t points) {
    return {{kHour, kHour + kMinute * minutes}, points};
}

}  // namespace

TEST_CASE("Series: a point a minute where there are points enough, nothing where none was kept") {
    const Series series = to_series({minute(0, 3), minute(2, 5)}, query(4, 10));
    CHECK(series.step == kMinute);
    CHECK(series.from == kHour);
    REQUIRE(series.points.size() == 5);
    CHECK(series.points[0]->participants == 3);
    CHECK_FALSE(series.points[1]);
    CHECK(series.points[2]->participants == 5);
    CHECK_FALSE(series.points[4]);
}

TEST_CASE("Series: fewer points sum up, take the most, or average") {
    Minute rated = minute(1, 4);
    rated.quality = 4;
    Minute other = minute(2, 9);
    other.quality = 2;
    const Series series = to_series({minute(0, 3), rated, other, minute(5, 1)}, query(6, 2));
    CHECK(series.step == kMinute * 3);
    REQUIRE(series.points.size() == 3);
    const Minute& first = *series.points[0];
    CHECK(first.participants == 9);
    CHECK(first.joins == 6);
    CHECK(first.refused == 3);
    CHECK(first.bytes_in == 100);
    CHECK(first.cpu == 0.5);
    CHECK(first.quality == 3);
    CHECK(series.points[1]->participants == 1);
    CHECK_FALSE(series.points[1]->quality);
}

TEST_CASE("Series: 30 days are no more points than a page asks for, and times begin at steps") {
    std::vector<Minute> month;
    month.reserve(30 * 24 * 60);
    for (int i = 0; i < 30 * 24 * 60; ++i)
        month.push_back(minute(i, i));
    HistoryQuery all = query(30 * 24 * 60, 300);
    all.range.from = all.range.from + Duration::seconds(61);
    const Series series = to_series(month, all);
    CHECK(series.points.size() <= 302);
    CHECK(series.from.us() % series.step.us() == 0);
    CHECK(series.from <= all.range.from);
    CHECK(series.points.front());
    CHECK(series.points[300]->participants <= 30 * 24 * 60);
}

TEST_CASE("Series: an empty range, and minutes beside it, do no harm") {
    CHECK(to_series({}, query(0, 300)).points.size() == 1);
    const Series series = to_series({minute(-5, 1), minute(7, 1)}, query(2, 300));
    for (const auto& point : series.points)
        CHECK_FALSE(point);
}

TEST_CASE("History view: series have null where there is nothing") {
    const auto value = json::parse(to_json(to_series({minute(1, 3)}, query(1, 10))));
    REQUIRE(value);
    CHECK(value->find("from")->number == static_cast<double>(kHour.ms()));
    CHECK(value->find("step_ms")->number == 60'000);
    CHECK(value->find("to")->number == static_cast<double>((kHour + kMinute * 2).ms()));
    const json::Value& series = *value->find("series");
    for (const char* name :
         {"participants", "rooms", "joins", "refused", "bytes_in", "bytes_out", "cpu", "quality"}) {
        INFO(name);
        REQUIRE(series.find(name) != nullptr);
        REQUIRE(series.find(name)->items.size() == 2);
        CHECK(series.find(name)->items[0].is_null());
    }
    CHECK(series.find("participants")->items[1].number == 3);
    CHECK(series.find("quality")->items[1].is_null());
}

TEST_CASE("History view: sessions and events name rooms and tenants") {
    SessionPage page;
    page.total = 2;
    page.rows.push_back(
        {{token::room_key("acme", "r"), "RM_1", "alice", "PA_1", UnixTime::millis(5), "js", "2.0",
          "Linux", "Firefox 1"},
         SessionEnd{"PA_1", "RM_1", UnixTime::millis(9), "CLIENT_INITIATED", "udp", 4.25}});
    page.rows.push_back({{"s", "RM_2", "bob", "PA_2", UnixTime::millis(6), "", "", "", ""}, {}});
    const auto value = json::parse(to_json(page));
    REQUIRE(value);
    CHECK(value->find("total")->number == 2);
    const json::Value& ended = value->find("sessions")->items[0];
    CHECK(ended.find("room")->string == "r");
    CHECK(ended.find("tenant")->string == "acme");
    CHECK(ended.find("joined_at")->number == 5);
    CHECK(ended.find("left_at")->number == 9);
    CHECK(ended.find("quality")->number == 4.25);
    CHECK(ended.find("path")->string == "udp");
    const json::Value& open = value->find("sessions")->items[1];
    CHECK(open.find("left_at")->is_null());
    CHECK(open.find("quality")->is_null());
    CHECK(open.find("tenant") == nullptr);

    const auto events = json::parse(
        to_json(std::vector<Event>{{UnixTime::millis(3), "action", "t", "r", "i", "op"}}));
    REQUIRE(events);
    CHECK(events->find("events")->items[0].find("who")->string == "op");
    CHECK(events->find("kinds")->items.size() == std::size(kEventKinds));
}

}  // namespace confab::console
