// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A direction of a path as text, for people: "rate=600kbit,queue=200ms,loss=2%". What is not named
// does nothing.
//
//   rate=600kbit       bit, kbit, mbit or gbit a second; 0bit: no limit
//   queue=200ms        what waits longer for the wire is dropped; or octets: 64kB
//   delay=150ms        us, ms or s; jitter=30ms makes it 120 to 180 ms, and keeps the order
//   correlation=25%    of the jitter with that of the packet before
//   loss=2%            of each packet by itself
//   burst=10%/4        the share that is lost, in bursts of so many on average (Gilbert–Elliott)
//   reorder=5%         such packets come late by late=20ms, with gap=3 every third at most
//   duplicate=1%
//   mtu=1280           octets with the headers of IPv4 and UDP; larger datagrams are lost
//   clear              takes back all that stands before it
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "netem/link.h"

namespace confab::netem {

inline constexpr std::size_t kMaxSpecText = 512;
inline constexpr std::uint64_t kMaxRate = 100'000'000'000;
inline constexpr Duration kMaxSpecTime = Duration::seconds(60);
inline constexpr std::size_t kMaxMtu = 2048;

struct LinkSpec {
    std::uint64_t bits_per_second = 0;  // 0: no limit
    Duration queue_time = Duration::millis(200);
    std::size_t queue_bytes = 0;  // what bounds the queue unless 0
    Duration delay;
    Duration jitter;  // the delay varies by so much to both sides
    double correlation = 0;
    double loss = 0;
    double burst_share = 0;  // of all packets, 0 to 0.9
    double burst_length = 1;
    double reorder = 0;
    unsigned gap = 0;
    Duration late = Duration::millis(20);
    double duplicate = 0;
    std::size_t mtu = 1500;

    bool operator==(const LinkSpec&) const = default;
};

LinkProfile to_profile(const LinkSpec& spec);

// Lays `text` over `base`. The error says which part is wrong and what to write instead; whether a
// text is accepted does not depend on `base`.
Result<LinkSpec, std::string> parse_link_spec(std::string_view text, const LinkSpec& base = {});
// What parse_link_spec() makes the same of; "clear" if nothing differs from a fresh one.
std::string to_text(const LinkSpec& spec);

// "150ms", "1.5s", "20us": not negative, at most a day. nullopt without a unit.
std::optional<Duration> parse_time(std::string_view text);

}  // namespace confab::netem
