// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "token/room_key.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace confab::token {

TEST_CASE("room_key: without tenants it is the name [TEN-01]") {
    CHECK(room_key("", "room") == "room");
    CHECK(room_key("", "").empty());
    CHECK(split_room_key("room") == RoomName{"", "room"});
    CHECK(split_room_key("") == RoomName{"", ""});
}

TEST_CASE("room_key: no name from outside leads into another tenant [TEN-01]") {
    const std::string mark(1, kTenantMark);
    const std::vector<std::string> tenants{"", "a", "acme"};
    const std::vector<std::string> names{"",
                                         "room",
                                         "acme",
                                         mark,
                                         mark + mark,
                                         mark + "acme",
                                         mark + "acme" + mark + "room",
                                         mark + mark + "room",
                                         "room" + mark,
                                         room_key("acme", "room"),
                                         room_key("", mark + "acme" + mark + "room")};
    std::set<std::string> keys;
    std::set<std::pair<std::string, std::string>> pairs;
    for (const std::string& tenant : tenants)
        for (const std::string& name : names) {
            const std::string key = room_key(tenant, name);
            CHECK(split_room_key(key) == RoomName{tenant, name});
            CHECK(key.starts_with(tenant_prefix(tenant)) ==
                  (!tenant.empty() || name.starts_with(mark)));
            keys.insert(key);
            pairs.emplace(tenant, name);
        }
    CHECK(keys.size() == pairs.size());
}

TEST_CASE("split_room_key: takes what nobody composed") {
    const std::string key = std::string(1, kTenantMark) + "acme";
    CHECK(split_room_key(key) == RoomName{"", key});
}

}  // namespace confab::token
