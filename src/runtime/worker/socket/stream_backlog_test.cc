// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/stream_backlog.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

namespace confab::worker {
namespace {

constexpr Timestamp kStart = Timestamp::micros(5'000'000);
const Bytes kHeader{0, 3};

Bytes frame(std::uint8_t tag) {
    return {tag, tag, tag};
}

struct Held : StreamBacklog {
    bool hold(Urgency urgency, std::uint8_t tag, std::size_t sent = 0, Timestamp now = kStart) {
        return StreamBacklog::hold(now, kHeader, frame(tag), sent, urgency);
    }
    // The first octets of all that waits.
    Bytes all(std::size_t most_parts = 8, std::size_t octets = 1000) {
        std::array<iovec, 8> parts;
        Bytes bytes;
        const std::size_t count = gather(std::span(parts).first(most_parts), octets);
        for (std::size_t i = 0; i < count; ++i) {
            const auto* const begin = static_cast<const std::uint8_t*>(parts[i].iov_base);
            bytes.insert(bytes.end(), begin, begin + parts[i].iov_len);
        }
        return bytes;
    }
};

TEST_CASE("StreamBacklog: what was begun, then sound, then pictures, each in its order [DES-06]") {
    Held backlog;
    CHECK(backlog.empty());
    CHECK(backlog.hold(Urgency::kGivesWay, 1, 4));
    CHECK(backlog.hold(Urgency::kGivesWay, 2));
    CHECK(backlog.hold(Urgency::kFirst, 3));
    CHECK(backlog.hold(Urgency::kGivesWay, 4));
    CHECK(backlog.hold(Urgency::kFirst, 5));
    CHECK(backlog.octets() == 1 + 4 * 5);
    CHECK(backlog.all() == Bytes{1, 0, 3, 3, 3, 3, 0, 3, 5, 5, 5, 0, 3, 2, 2, 2, 0, 3, 4, 4, 4});
    CHECK(backlog.all(2) == Bytes{1, 0, 3, 3, 3, 3});
    CHECK(backlog.all(8, 10) == Bytes{1, 0, 3, 3, 3, 3});
    CHECK(backlog.all(8, 11) == Bytes{1, 0, 3, 3, 3, 3, 0, 3, 5, 5, 5});
    CHECK(backlog.all(8, 0) == Bytes{1});
    // Two frames, and two octets of the third.
    CHECK(backlog.advance(1 + 5 + 2) == 2);
    CHECK(backlog.hold(Urgency::kFirst, 6));
    CHECK(backlog.all() == Bytes{5, 5, 5, 0, 3, 6, 6, 6, 0, 3, 2, 2, 2, 0, 3, 4, 4, 4});
    CHECK(backlog.octets() == 3 + 3 * 5);
    CHECK(backlog.advance(2) == 0);
    CHECK(backlog.advance(1 + 5 + 5 + 5) == 4);
    CHECK(backlog.empty());
    CHECK(backlog.octets() == 0);
    CHECK(backlog.all().empty());
}

TEST_CASE("StreamBacklog: pictures and the rest have room of their own [TRAP-24]") {
    Held backlog;
    const Bytes large(1198, 7);
    for (const Urgency urgency : {Urgency::kGivesWay, Urgency::kFirst}) {
        std::size_t held = 0;
        while (backlog.StreamBacklog::hold(kStart, kHeader, large, 0, urgency))
            ++held;
        CHECK(held == Backlog::kMaxOctets / 1200);
    }
    // What was begun is kept in any case: here nothing is lost but what is refused.
    CHECK(backlog.hold(Urgency::kGivesWay, 1, 1));
    CHECK(backlog.octets() <= 2 * Backlog::kMaxOctets + 4);
    CHECK(backlog.advance(4 + 1200) == 2);
    CHECK(backlog.hold(Urgency::kFirst, 2));
}

TEST_CASE("StreamBacklog: after a second it goes, what was begun does not [TRAP-24]") {
    Held backlog;
    CHECK(backlog.hold(Urgency::kGivesWay, 1, 2));
    CHECK(backlog.hold(Urgency::kGivesWay, 2));
    CHECK(backlog.hold(Urgency::kFirst, 3));
    const Timestamp later = kStart + Duration::millis(600);
    CHECK(backlog.hold(Urgency::kFirst, 4, 0, later));
    CHECK(backlog.drop_old(kStart + Backlog::kLongest) == 0);
    CHECK(backlog.drop_old(kStart + Backlog::kLongest + Duration::micros(1)) == 2);
    CHECK(backlog.all() == Bytes{1, 1, 1, 0, 3, 4, 4, 4});
    // A frame whose first octets left later is no younger for it.
    CHECK(backlog.advance(3 + 2) == 1);
    CHECK(backlog.drop_old(later + Backlog::kLongest * 2) == 0);
    CHECK(backlog.all() == Bytes{4, 4, 4});
}

}  // namespace
}  // namespace confab::worker
