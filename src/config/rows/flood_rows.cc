// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings: the sections confab.trusted_proxies and confab.limits (03 OPS-05, SEC-07), which
// LiveKit does not have.
#include <array>

#include "config/rows/rows.h"

namespace confab::config {
namespace {

using C = Config;

// A limit of one second; all of them hold at once after a reload.
consteval Option limit(std::string_view path, Slot (*slot)(Config&), std::string_view help) {
    return used(path, slot, help).range(0, 1'000'000).reloaded();
}

constexpr auto kRows = std::to_array<Option>({
    used(
        "confab.trusted_proxies", [](C& c) -> Slot { return &c.own.trusted_proxies; },
        "CIDR blocks of proxies whose X-Forwarded-For is believed: its right-most address that is "
        "none of them is the client's, everywhere; empty: limits believe proxies at "
        "confab.limits.trusted, logs and participants show what LiveKit would")
        .reloaded(),
    used(
        "confab.limits.trusted", [](C& c) -> Slot { return &c.own.limits.trusted; },
        "CIDR blocks to which no limit of this section applies; set it to [] to limit private "
        "addresses, too")
        .reloaded(),
    limit(
        "confab.limits.connections", [](C& c) -> Slot { return &c.own.limits.connections; },
        "New TCP connections of an address (of IPv6: a /64) to the main port in a second; ten "
        "seconds' worth may come at once, here and in all that follow; 0 for no limit"),
    limit(
        "confab.limits.requests", [](C& c) -> Slot { return &c.own.limits.requests; },
        "Requests of an address to /rtc, /whip, /agent and /api/token in a second; 0 for no limit"),
    limit(
        "confab.limits.websockets", [](C& c) -> Slot { return &c.own.limits.websockets; },
        "WebSockets of an address that are open at once; 0 for no limit"),
    limit(
        "confab.limits.bad_tokens", [](C& c) -> Slot { return &c.own.limits.bad_tokens; },
        "Invalid tokens of an address in a second, before it is told to wait longer and longer; "
        "0 for no limit"),
    limit(
        "confab.limits.joins_of_identity",
        [](C& c) -> Slot { return &c.own.limits.joins_of_identity; },
        "Joins and resumes of an identity in its room in a second; 0 for no limit"),
    limit(
        "confab.limits.joins_of_room", [](C& c) -> Slot { return &c.own.limits.joins_of_room; },
        "Joins to a room in a second; 0 for no limit"),
    limit(
        "confab.limits.joins_of_key", [](C& c) -> Slot { return &c.own.limits.joins_of_key; },
        "Joins with tokens of an API key in a second; 0 for no limit"),
    limit(
        "confab.limits.join_load", [](C& c) -> Slot { return &c.own.limits.join_load; },
        "CPU load of the node from which on joins are refused with 503, resumes not; 0.85 keeps "
        "room "
        "for the calls that there are; 0 for no limit")
        .range(0, 1),
    limit(
        "confab.limits.calls_of_key", [](C& c) -> Slot { return &c.own.limits.calls_of_key; },
        "Calls of the server APIs with an API key in a second; 0 for no limit"),
    limit(
        "confab.limits.calls_of_method", [](C& c) -> Slot { return &c.own.limits.calls_of_method; },
        "Calls of one method with an API key in a second; 0 for no limit"),
    limit(
        "confab.limits.signals", [](C& c) -> Slot { return &c.own.limits.signals; },
        "Signal messages of a participant in a second; more wait in its connection; for those who "
        "join from now on; 0 for no limit"),
    limit(
        "confab.limits.stun", [](C& c) -> Slot { return &c.own.limits.stun; },
        "Checks of an address at the media ports in a second that name nobody known, before they "
        "are passed to no other media thread; 0 for no limit"),
    limit(
        "confab.limits.turn_allocations",
        [](C& c) -> Slot { return &c.own.limits.turn_allocations; },
        "TURN allocations of an address in a second; 0 for no limit"),
    limit(
        "confab.limits.data_packets", [](C& c) -> Slot { return &c.own.limits.data_packets; },
        "Data messages and frames of data tracks of a participant in a second; beyond, lossy ones "
        "and frames are dropped, reliable ones wait; 0 for no limit"),
    limit(
        "confab.limits.data_bytes", [](C& c) -> Slot { return &c.own.limits.data_bytes; },
        "Their bytes in a second; 0 for no limit")
        .range(0, 1'000'000'000),
});

}  // namespace

std::span<const Option> flood_rows() {
    return kRows;
}

}  // namespace confab::config
