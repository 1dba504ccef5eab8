// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/room_rows.h"

#include <doctest/doctest.h>

#include "json/json.h"

namespace confab::console {
namespace {

std::vector<RoomRow> rooms() {
    return {{"bravo", "", "RM_1", 5, 1, 2, 3000, false, "m"},
            {"Alpha", "", "RM_2", 1, 0, 9, 1000, true, ""},
            {"charlie", "acme", "RM_3", 5, 5, 0, 2000, false, ""}};
}
std::vector<std::string> names(const RoomPage& page) {
    std::vector<std::string> all;
    all.reserve(page.rows.size());
    for (const RoomRow& row : page.rows)
        all.push_back(row.name);
    return all;
}
using Names = std::vector<std::string>;
Names ordered(RoomOrder order, bool descending) {
    RoomsQuery query;
    query.order = order;
    query.descending = descending;
    return names(page_of(rooms(), query));
}

}  // namespace

TEST_CASE("Room rows: in the order that is asked for, equal ones by name") {
    CHECK(ordered(RoomOrder::kName, false) == Names{"Alpha", "bravo", "charlie"});
    CHECK(ordered(RoomOrder::kName, true) == Names{"charlie", "bravo", "Alpha"});
    CHECK(ordered(RoomOrder::kParticipants, true) == Names{"bravo", "charlie", "Alpha"});
    CHECK(ordered(RoomOrder::kParticipants, false) == Names{"Alpha", "bravo", "charlie"});
    CHECK(ordered(RoomOrder::kCreated, false) == Names{"Alpha", "charlie", "bravo"});
    CHECK(ordered(RoomOrder::kTracks, true) == Names{"Alpha", "bravo", "charlie"});
}

TEST_CASE("Room rows: a text is looked for in name, sid and tenant, without regard to case") {
    const auto found = [](const char* text) {
        RoomsQuery query;
        query.search = text;
        return names(page_of(rooms(), query));
    };
    CHECK(found("ALPH") == Names{"Alpha"});
    CHECK(found("rm_1") == Names{"bravo"});
    CHECK(found("Acme") == Names{"charlie"});
    CHECK(found("nobody").empty());
}

TEST_CASE("Room rows: a page is what is asked for, of all that were found") {
    RoomsQuery query;
    query.offset = 1;
    query.limit = 1;
    const RoomPage page = page_of(rooms(), query);
    CHECK(page.total == 3);
    CHECK(names(page) == Names{"bravo"});
    query.offset = 3;
    CHECK(page_of(rooms(), query).rows.empty());
    query.offset = 2;
    query.limit = 100;
    CHECK(names(page_of(rooms(), query)) == Names{"charlie"});
}

TEST_CASE("Room rows: as JSON, with the beginning of long metadata") {
    RoomPage page{7, rooms()};
    page.rows[0].metadata = std::string(255, 'x') + "\xC3\xA4\xC3\xA4";
    const auto value = json::parse(to_json(page));
    REQUIRE(value);
    CHECK(value->find("total")->number == 7);
    const json::Value& first = value->find("rooms")->items[0];
    CHECK(first.find("created_at")->number == 3000);
    CHECK(first.find("participants")->number == 5);
    CHECK(first.find("metadata")->string == std::string(255, 'x'));
    CHECK(first.find("tenant") == nullptr);
    CHECK(value->find("rooms")->items[1].find("recording")->boolean);
    CHECK(value->find("rooms")->items[2].find("tenant")->string == "acme");
}

}  // namespace confab::console
