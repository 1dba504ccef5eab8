// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/move/departures.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

ice::Path path(std::uint16_t port) {
    ice::Path path;
    path.remote = {IpAddress::v4(0x7F000001), port};
    return path;
}

Departures::Held held(PacketPool& pool, std::uint8_t octet) {
    PacketRef packet = pool.acquire_large();
    packet.buffer()[0] = octet;
    packet.set_size(1);
    return {path(1), Timestamp::micros(octet), std::move(packet)};
}

}  // namespace

TEST_CASE("Departures: datagrams wait until the peer is there, in order, so many [MC-20]") {
    PacketPool pool;
    Departures gone;
    gone.add(PeerId(1), 3, {"abc"}, {path(1), path(2)});
    REQUIRE(gone.find("abc"));
    CHECK(gone.find("abc")->waits);
    CHECK(gone.find("abc")->to == 3);
    REQUIRE(gone.find(path(2)));
    CHECK(gone.find(path(2))->peer == PeerId(1));
    CHECK_FALSE(gone.find(path(3)));
    CHECK_FALSE(gone.find("abd"));
    for (std::size_t i = 0; i < Departures::kMaxHeld + 10; ++i)
        gone.hold(PeerId(1), held(pool, static_cast<std::uint8_t>(i)));
    gone.hold(PeerId(2), held(pool, 1));  // nobody's
    CHECK(pool.large_in_use() == Departures::kMaxHeld);
    // Where it was before says so late.
    CHECK(gone.arrived(PeerId(1), 2).empty());
    CHECK(gone.find("abc")->waits);
    auto waited = gone.arrived(PeerId(1), 3);
    REQUIRE(waited.size() == Departures::kMaxHeld);
    for (std::size_t i = 0; i < waited.size(); ++i)
        CHECK(waited[i].packet.data()[0] == static_cast<std::uint8_t>(i));
    waited.clear();
    CHECK(pool.large_in_use() == 0);
    // It goes straight there from then on: by name from here, by path as all that is of another.
    CHECK_FALSE(gone.find("abc")->waits);
    CHECK_FALSE(gone.find(path(2)));
    CHECK(gone.arrived(PeerId(1), 3).empty());
    // Names that were made for it here lead there, too.
    gone.add_names(PeerId(1), 2, {"new"});
    for (const char* name : {"abc", "new"}) {
        REQUIRE(gone.find(name));
        CHECK(gone.find(name)->to == 2);
        CHECK_FALSE(gone.find(name)->waits);
    }
    CHECK(gone.end(PeerId(1)));
    CHECK_FALSE(gone.find("abc"));
    CHECK_FALSE(gone.find("new"));
    CHECK_FALSE(gone.end(PeerId(1)));
}

TEST_CASE("Departures: names of one that never came lead to where it is, until it ends [MC-20]") {
    Departures gone;
    gone.add_names(PeerId(1), 3, {});
    CHECK_FALSE(gone.end(PeerId(1)));
    gone.add_names(PeerId(1), 3, {"new"});
    REQUIRE(gone.find("new"));
    CHECK(gone.find("new")->to == 3);
    CHECK_FALSE(gone.find("new")->waits);
    CHECK(gone.end(PeerId(1)));
    CHECK_FALSE(gone.find("new"));
}

TEST_CASE("Departures: one that comes back has what waited, one that ends has nothing [MC-20]") {
    PacketPool pool;
    Departures gone;
    gone.add(PeerId(1), 1, {"abc"}, {path(1)});
    gone.hold(PeerId(1), held(pool, 7));
    // Another peer has that path by now.
    gone.add(PeerId(2), 2, {"def"}, {path(1)});
    std::vector<Departures::Held> waited;
    CHECK(gone.end(PeerId(1), &waited));
    REQUIRE(waited.size() == 1);
    CHECK(waited[0].packet.data()[0] == 7);
    REQUIRE(gone.find(path(1)));
    CHECK(gone.find(path(1))->peer == PeerId(2));
    CHECK(gone.find("def")->to == 2);
    waited.clear();
    gone.hold(PeerId(2), held(pool, 8));
    CHECK(gone.end(PeerId(2)));
    CHECK(pool.large_in_use() == 0);
    CHECK_FALSE(gone.find(path(1)));
}

}  // namespace confab::sfu
