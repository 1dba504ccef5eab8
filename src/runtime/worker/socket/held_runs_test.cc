// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/held_runs.h"

#include <doctest/doctest.h>

namespace confab::worker {
namespace {

constexpr Timestamp kNow = Timestamp::micros(1'000'000);
constexpr std::size_t kSize = 1000;

// One datagram that begins with `number`.
void hold(HeldRuns& held, sfu::Worth worth, std::uint8_t number) {
    sfu::SendRun run;
    run.size = kSize;
    run.segment_size = kSize;
    run.count = 1;
    run.kept_longest = worth == sfu::Worth::kFirst ? 1 : 0;
    Bytes datagram(kSize, number);
    held.hold(kNow, run, datagram);
}

TEST_CASE("HeldRuns: beyond the room the oldest pictures go, sound stays [DES-06]") {
    HeldRuns held;
    hold(held, sfu::Worth::kFirst, 1);
    for (int i = 0; i < 10'000; ++i)
        hold(held, sfu::Worth::kPicture, static_cast<std::uint8_t>(i));
    REQUIRE(held.next(kNow) != nullptr);
    CHECK(held.next(kNow)->datagrams[0] == 1);
    held.pop();
    std::size_t octets = 0;
    std::uint64_t left = 0;
    std::uint8_t last = 0;
    for (HeldRuns::Run* run = held.next(kNow); run != nullptr; run = held.next(kNow)) {
        octets += run->datagrams.size();
        last = run->datagrams[0];
        ++left;
        held.pop();
    }
    CHECK(octets <= HeldRuns::kMaxOctets);
    CHECK(octets > HeldRuns::kMaxOctets / 2);
    CHECK(held.dropped() == 10'000 - left);
    CHECK(last == static_cast<std::uint8_t>(9'999));
    CHECK(held.empty());
}

TEST_CASE("HeldRuns: sound alone is bounded too, and no octet of what left is counted [DES-06]") {
    HeldRuns held;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 1000; ++i)
            hold(held, sfu::Worth::kFirst, 1);
        CHECK(held.dropped() == 0);
        while (held.next(kNow) != nullptr)
            held.pop();
    }
    for (int i = 0; i < 10'000; ++i)
        hold(held, sfu::Worth::kFirst, 1);
    CHECK(held.dropped() > 5000);
}

}  // namespace
}  // namespace confab::worker
