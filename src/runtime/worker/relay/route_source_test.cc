// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/relay/route_source.h"

#include <doctest/doctest.h>

namespace confab::worker {
namespace {

const IpAddress kAny = IpAddress::v4(0);
const IpAddress kLoopback = IpAddress::v4(0x7F00'0001);
const IpAddress kSecond = IpAddress::v4(0x7F00'0002);

TEST_CASE("route_source: a bound address is the source, another is the kernel's choice [TURN-03]") {
    CHECK(route_source(kSecond, kLoopback) == kSecond);
    CHECK(route_source(kAny, kLoopback) == kLoopback);
    // Loopback's other addresses are reached from its first one.
    CHECK(route_source(kAny, kSecond) == kLoopback);
    CHECK(route_source(kSecond) == kLoopback);
    CHECK(route_source(*IpAddress::parse("::1")) == *IpAddress::parse("::1"));
}

TEST_CASE("route_source: none where no socket could send [TURN-03]") {
    CHECK(route_source({}, kLoopback).is_none());
    CHECK(route_source(*IpAddress::parse("::"), kLoopback).is_none());
    CHECK(route_source(kAny, *IpAddress::parse("::1")).is_none());
    CHECK(route_source(kAny, *IpAddress::parse("255.255.255.255")).is_none());
}

}  // namespace
}  // namespace confab::worker
