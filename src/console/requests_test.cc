// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/requests.h"

#include <doctest/doctest.h>

#include "token/room_key.h"

namespace confab::console {
namespace {

constexpr UnixTime kNow = UnixTime::seconds(1'800'000'000);
constexpr Duration kDay = Duration::seconds(86'400);

api::QueryParams query(std::string_view text) {
    return api::QueryParams::parse(text);
}

}  // namespace

TEST_CASE("Requests: a body to sign in with is an object of texts") {
    const auto key = parse_sign_in(R"({"key":"k","secret":"s","other":[1]})");
    REQUIRE(key);
    CHECK(key->key == "k");
    CHECK(key->secret == "s");
    CHECK(key->password.empty());
    CHECK(parse_sign_in(R"({"password":"p"})")->password == "p");
    CHECK(parse_sign_in(R"({"password":5})")->password.empty());
    for (const char* bad : {"", "[]", "null", "{", "password=p"})
        CHECK_FALSE(parse_sign_in(bad));
    const std::string head = R"({"password":")";
    const std::string fits = head + std::string(kMaxBody - head.size() - 2, 'p') + "\"}";
    CHECK(parse_sign_in(fits));
    CHECK_FALSE(parse_sign_in(fits + " "));
}

TEST_CASE("Requests: a replay names its event") {
    CHECK(parse_replay(R"({"id":"EV_1","url":"http://a"})")->url == "http://a");
    CHECK(parse_replay(R"({"id":"EV_1"})")->url.empty());
    CHECK_FALSE(parse_replay(R"({"url":"http://a"})"));
}

TEST_CASE("Requests: a list of rooms has its usual form, and its bounds") {
    const RoomsQuery usual = rooms_query(query(""));
    CHECK(usual.limit == 100);
    CHECK(usual.offset == 0);
    CHECK(usual.order == RoomOrder::kName);
    CHECK_FALSE(usual.descending);
    const RoomsQuery asked =
        rooms_query(query("search=x&sort=participants&order=desc&offset=20&limit=2000"));
    CHECK(asked.search == "x");
    CHECK(asked.order == RoomOrder::kParticipants);
    CHECK(asked.descending);
    CHECK(asked.offset == 20);
    CHECK(asked.limit == 2000);
    CHECK(rooms_query(query("limit=2001")).limit == 2000);
    CHECK(rooms_query(query("limit=0")).limit == 1);
    CHECK(rooms_query(query("limit=-5&offset=x")).limit == 100);
    CHECK(rooms_query(query("sort=created_at")).order == RoomOrder::kCreated);
    CHECK(rooms_query(query("sort=tracks")).order == RoomOrder::kTracks);
    CHECK(rooms_query(query("search=" + std::string(1000, 'a'))).search.size() == kMaxSearch);
}

TEST_CASE("Requests: the past is the last day where nothing else is said") {
    const HistoryQuery usual = history_query(query(""), kNow);
    CHECK(usual.range.to == kNow);
    CHECK(usual.range.from == kNow - kDay);
    CHECK(usual.points == 300);
    const HistoryQuery asked = history_query(query("from=1000&to=2000&points=9999"), kNow);
    CHECK(asked.range.from == UnixTime::millis(1000));
    CHECK(asked.range.to == UnixTime::millis(2000));
    CHECK(asked.points == HistoryQuery::kMost);
    // Backwards in time there is nothing, and no time overflows.
    CHECK(history_query(query("from=3000&to=2000"), kNow).range.from == UnixTime::millis(2000));
    CHECK(history_query(query("to=9223372036854775807&points=0"), kNow).points == 1);
    CHECK(history_query(query("to=9223372036854775807"), kNow).range.to >
          UnixTime::seconds(4'000'000'000));
    CHECK(history_query(query("from=-1"), kNow).range.from == kNow - kDay);
}

TEST_CASE("Requests: sessions and events are bounded, and name rooms by their keys") {
    const SessionsQuery all = sessions_query(query("identity=i"), kNow);
    CHECK(all.room.empty());
    CHECK(all.identity == "i");
    CHECK(all.range.from == UnixTime());
    CHECK(sessions_query(query("room=r"), kNow).room == "r");
    CHECK(sessions_query(query("room=r&tenant=t"), kNow).room == token::room_key("t", "r"));
    CHECK(sessions_query(query("limit=5000"), kNow).limit == SessionsQuery::kMost);
    const EventsQuery events = events_query(query("kind=action&limit=5&before=1000"), kNow);
    CHECK(events.before == UnixTime::millis(1000));
    CHECK(events.kind == "action");
    CHECK(events.limit == 5);
    CHECK(events_query(query(""), kNow).before > kNow);
    CHECK(webhooks_limit(query("limit=5000")) == 1000);
}

}  // namespace confab::console
