// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/rooms/room_copies.h"

#include <doctest/doctest.h>

#include <map>

namespace confab::control {
namespace {

using namespace cluster::nodes;

struct Table {
    NodeTable table{"me"};
    Timestamp now = Timestamp::micros(1'000'000'000);
    std::map<std::string, std::int64_t> written;  // by node, seconds of the clock

    std::int64_t seconds() const { return 1'000'000 + now.us() / 1'000'000; }
    void beat(const std::string& node) { written[node] = seconds(); }
    void read() {
        std::vector<std::string> records;
        for (const auto& [node, at] : written) {
            NodeRecord record;
            record.id = node;
            record.stats.emplace().updated_at = at;
            records.push_back(write_record(record));
        }
        table.read({now, UnixTime::seconds(seconds())}, now, records);
    }
    void pass(std::int64_t seconds) { now = now + Duration::seconds(seconds); }
};

std::string taken(RoomCopies& copies, const NodeTable& table) {
    std::string text;
    for (const RoomCopies::Copy& copy : copies.take(table))
        text += copy.room + ">" + copy.holder + " ";
    return text;
}

}  // namespace

TEST_CASE("RoomCopies: one ends when its holder is known to live, by newer records [NODE-16]") {
    Table world;
    RoomCopies copies;
    world.beat("other");
    world.read();
    world.pass(1);
    copies.note(world.now, "r", "new");
    copies.note(world.now, "s", "other");
    CHECK(taken(copies, world.table).empty());  // these records are older
    world.beat("other");
    world.beat("new");
    world.read();
    CHECK(taken(copies, world.table) == "r>new s>other ");
    CHECK(copies.is_empty());
    CHECK(taken(copies, world.table).empty());
}

TEST_CASE("RoomCopies: what names a node that is gone ends no call [NODE-16] [RDS-27]") {
    Table world;
    RoomCopies copies;
    world.beat("old");
    world.beat("other");
    world.pass(100);
    world.beat("other");
    world.read();  // as a snapshot of Redis may have it
    copies.note(world.now, "r", "old");
    copies.note(world.now, "s", "nobody");
    copies.note(world.now, "t", "other");
    world.read();
    CHECK(taken(copies, world.table) == "t>other ");
    // Whether it lives is not known yet.
    CHECK_FALSE(copies.is_empty());
    for (int i = 0; i < 10; ++i) {
        world.pass(1);
        world.beat("other");
        world.read();
    }
    CHECK(taken(copies, world.table).empty());
    CHECK(copies.is_empty());
}

TEST_CASE("RoomCopies: of a room that is noted again the last holder counts [NODE-16]") {
    Table world;
    RoomCopies copies;
    copies.note(world.now, "r", "first");
    copies.note(world.now, "r", "second");
    CHECK(taken(copies, world.table).empty());  // nothing was ever read
    world.beat("first");
    world.beat("second");
    world.read();
    CHECK(taken(copies, world.table) == "r>second ");
}

}  // namespace confab::control
