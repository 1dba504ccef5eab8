// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/relay/relay_table.h"

#include <doctest/doctest.h>

#include <array>

namespace confab::worker {
namespace {

using Family = IpAddress::Family;

TEST_CASE("RelayTable: a port is its allocation's while it is open, in its family [TURN-03]") {
    RelayTable table(30'000, 30'002);
    CHECK(table.empty());
    table.open(Family::kV4, 30'001, 7);
    CHECK_FALSE(table.empty());
    CHECK(table.owner(Family::kV4, 30'001) == 7);
    CHECK(table.owner(Family::kV6, 30'001) == 0);
    table.open(Family::kV6, 30'001, 8);
    CHECK(table.owner(Family::kV4, 30'001) == 7);
    CHECK(table.owner(Family::kV6, 30'001) == 8);
    table.close(Family::kV4, 30'001);
    CHECK(table.owner(Family::kV4, 30'001) == 0);
    CHECK(table.owner(Family::kV6, 30'001) == 8);
    CHECK_FALSE(table.empty());
    table.close(Family::kV6, 30'001);
    CHECK(table.empty());
    // The next that has the port is another one.
    table.open(Family::kV4, 30'001, 9);
    CHECK(table.owner(Family::kV4, 30'001) == 9);
}

TEST_CASE("RelayTable: ports outside of the range are nobody's [TURN-03]") {
    RelayTable table(30'000, 30'002);
    for (const std::uint16_t port : std::array<std::uint16_t, 3>{30'000, 30'001, 30'002}) {
        CHECK(table.covers(port));
        table.open(Family::kV4, port, port);
        table.open(Family::kV6, port, port + 1U);
    }
    CHECK(table.places() == 6);
    for (const std::uint16_t port : std::array<std::uint16_t, 3>{30'000, 30'001, 30'002}) {
        CHECK(table.owner(Family::kV4, port) == port);
        CHECK(table.owner(Family::kV6, port) == port + 1U);
    }
    for (const std::uint16_t port : std::array<std::uint16_t, 5>{0, 1, 29'999, 30'003, 65'535}) {
        CHECK_FALSE(table.covers(port));
        CHECK(table.owner(Family::kV4, port) == 0);
        CHECK(table.owner(Family::kV6, port) == 0);
    }
    // All ports that there are.
    RelayTable all(1, 65'535);
    all.open(Family::kV6, 65'535, 3);
    CHECK(all.owner(Family::kV6, 65'535) == 3);
    CHECK_FALSE(all.covers(0));
}

}  // namespace
}  // namespace confab::worker
