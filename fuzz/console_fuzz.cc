// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules console token

// What a page of the console, or whoever pretends to be one, sends: the Cookie header, queries,
// bodies. A cookie that nobody signed is never a session; what is asked for stays within bounds.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "console/history_view.h"
#include "console/requests.h"
#include "console/room_rows.h"
#include "console/series.h"
#include "console/sign_in.h"
#include "console/views.h"
#include "token/key_testing.h"

namespace {

using namespace confab;

void require(bool fine) {
    if (!fine) std::abort();
}

void read_cookie(std::string_view text) {
    static const token::KeyMap keys = token::testing::golden_keys();
    static console::SignIn sign_in = [] {
        console::SignIn made(keys, Bytes(32, 1));
        made.set_passwords({"a password that no input has", "nor this one"});
        return made;
    }();
    const UnixTime now = token::testing::kGoldenNow;
    require(!sign_in.read(console::find_cookie(text, console::kCookieName), now));
    require(!sign_in.read(text, now));
    require(!sign_in.by_password(text, now, "id"));
    require(!sign_in.by_key("devkey", text, now, "id") || text == token::testing::kGoldenSecret);
}

void read_query(std::string_view text) {
    const api::QueryParams query = api::QueryParams::parse(text);
    const UnixTime now = token::testing::kGoldenNow;
    const console::RoomsQuery rooms = console::rooms_query(query);
    require(rooms.limit >= 1 && rooms.limit <= console::RoomsQuery::kMost);
    std::vector<console::RoomRow> rows(2);
    rows[0].name = "a";
    (void)console::to_json(console::page_of(rows, rooms));
    const console::HistoryQuery history = console::history_query(query, now);
    require(history.range.from <= history.range.to);
    std::vector<console::Minute> minutes(1);
    minutes[0].at = now;
    const console::Series series = console::to_series(minutes, history);
    require(series.points.size() <= console::HistoryQuery::kMost + 2);
    (void)console::to_json(series);
    const console::SessionsQuery sessions = console::sessions_query(query, now);
    require(sessions.limit >= 1 && sessions.limit <= console::SessionsQuery::kMost);
    require(console::events_query(query, now).limit <= console::EventsQuery::kMost);
    (void)console::webhooks_limit(query);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    read_cookie(text);
    read_query(text);
    (void)console::parse_sign_in(text);
    (void)console::parse_replay(text);
    return 0;
}
