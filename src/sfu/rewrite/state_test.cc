// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Numbers of an outgoing stream go on where they stood (02 FWD-18, TRAP-14).
#include <doctest/doctest.h>

#include <functional>

#include "base/state/hand_over_testing.h"
#include "sfu/rewrite/munger.h"
#include "sfu/rewrite/rtx_stream.h"

namespace confab::sfu {
namespace {

const Timestamp kNow = Timestamp::micros(1'000'000);

Munger running() {
    Munger munger;
    munger.start(70'000, 3000);
    for (std::int64_t n = 70'000; n < 70'020; ++n) {
        if (n == 70'005) continue;
        if (n % 4 == 3)
            munger.drop(n);
        else
            (void)munger.map(n, 3000 * n, true);
    }
    return munger;
}

// What is written for a stream that stands at these numbers, without anything left out.
Bytes written(std::int64_t newest_in, std::int64_t last, std::int64_t offset,
              std::int64_t newest_sent, const std::function<void(StateWriter&)>& ranges = {}) {
    StateWriter out(kNow);
    out.field(1, true);
    out.field(4, newest_in);
    out.field(5, last);
    out.record(8, [&](StateWriter& inner) {
        inner.field(1, newest_in + 1);
        inner.field(2, offset);
        if (ranges) ranges(inner);
    });
    out.record(9, [&](StateWriter& inner) {
        inner.field(1, newest_sent);
        inner.field(2, std::int64_t{0});
    });
    return out.take();
}
bool takes(const Bytes& state) {
    Munger munger;
    return import_state(munger, state, kNow);
}
void add_range(StateWriter& out, std::int64_t first, std::int64_t last, std::int64_t offset) {
    out.record(3, [&](StateWriter& inner) {
        inner.field(1, first);
        inner.field(2, last);
        inner.field(3, offset);
    });
}

TEST_CASE("Munger: goes on with the next number, and holes stay open [FWD-18] [FWD-04]") {
    Munger munger = running();
    const Munger before = munger;
    hand_over(munger, Munger(), kNow);
    CHECK(munger.last_sequence() == before.last_sequence());
    CHECK(munger.last_timestamp() == before.last_timestamp());
    CHECK(munger.last_marker());
    CHECK(munger.timestamp_offset() == before.timestamp_offset());
    // One that was sent, one that was left out, one that comes late, once.
    CHECK_FALSE(munger.map(70'004, 0, true));
    CHECK_FALSE(munger.map(70'007, 0, true));
    const auto late = munger.map(70'005, 0, true);
    REQUIRE(late);
    CHECK(late->sequence == (70'000 & 0xFFFF) + 4);
    CHECK_FALSE(munger.map(70'005, 0, true));
    CHECK(munger.map(70'020, 0, true)->sequence == before.last_sequence() + 1);
    CHECK(munger.insert(1, true) == before.last_sequence() + 2);
}

TEST_CASE("Munger: numbers that do not follow from each other are refused [SIO-11] [TRAP-14]") {
    CHECK(takes(written(100, 90, 10, 90)));
    CHECK(takes(written(100, 90, 10, 80)));        // some were lost
    CHECK_FALSE(takes(written(100, 90, 11, 90)));  // the next one was sent
    CHECK_FALSE(takes(written(100, 90, 9, 90)));
    CHECK_FALSE(takes(written(100, 90, 10, 91)));
    CHECK_FALSE(takes(written(100, -2, 102, -1)));
    const std::int64_t beyond = std::int64_t{1} << 48;
    CHECK_FALSE(takes(written(beyond, beyond, 0, 0)));
    // Ranges: ascending, also where they were sent.
    const auto with = [](std::int64_t first, std::int64_t last, std::int64_t offset) {
        return written(100, 90, 10, 90, [=](StateWriter& out) {
            add_range(out, 50, 60, 5);
            add_range(out, first, last, offset);
        });
    };
    CHECK(takes(with(66, 99, 10)));
    CHECK_FALSE(takes(with(60, 99, 10)));
    CHECK_FALSE(takes(with(66, 65, 10)));
    CHECK_FALSE(takes(with(66, 99, 11)));
    CHECK_FALSE(takes(with(62, 99, 10)));
    CHECK_FALSE(takes(with(66, 101, 10)));
    CHECK_FALSE(takes(written(100, 90, 10, 90, [](StateWriter& out) {
        for (std::int64_t i = 0; i <= static_cast<std::int64_t>(RangeMap::kMaxRanges); ++i)
            add_range(out, -1000 + 2 * i, -1000 + 2 * i, -2000);
    })));
    CHECK_FALSE(
        takes(written(100, 90, 10, 90, [](StateWriter& out) { add_range(out, 5, 6, 10); })));
}

TEST_CASE("RtxStream: its next number is never guessed [FWD-18] [TRAP-14] [TRAP-15]") {
    RtxStream stream(7, 40'000);
    CHECK_FALSE(import_state(stream, {}, kNow));
    RtxStream other(7, 40'000);
    RtxStream fresh(7, 50'000);
    REQUIRE(import_state(fresh, export_state(other, kNow), kNow));
    CHECK(export_state(fresh, kNow) == export_state(other, kNow));
}

}  // namespace
}  // namespace confab::sfu
