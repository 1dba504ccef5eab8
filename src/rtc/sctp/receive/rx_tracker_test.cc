// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The ranges of received TSNs against a plain set of numbers (RFC 9260 §6.2).
#include "rtc/sctp/receive/rx_tracker.h"

#include <doctest/doctest.h>

#include <set>

#include "base/rng.h"
#include "rtc/sctp/limits.h"

using namespace confab;
using namespace confab::sctp;

namespace {

struct Sack {
    Bytes packet;
    wire::sctp::SackView view;
};

Sack sack_of(RxTracker& tracker) {
    Sack sack;
    wire::sctp::PacketWriter writer({1, 1, 1}, 1191);
    REQUIRE(tracker.write(writer, 1000));
    sack.packet = writer.finish();
    const auto view = wire::sctp::parse_packet(sack.packet);
    wire::sctp::ChunkReader reader(view->chunks);
    sack.view = wire::sctp::parse_sack(*reader.next()).value();
    return sack;
}

}  // namespace

TEST_CASE("RxTracker: random arrivals with wrap-around, compared with a set") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        Rng rng(seed);
        const std::uint32_t initial = 0xFFFFFFC0U + static_cast<std::uint32_t>(seed);
        RxTracker tracker(initial);
        std::set<std::uint32_t> model;  // offsets received
        std::uint32_t cumulative = 0;   // offsets below are all received
        for (int i = 0; i < 600; ++i) {
            if (rng.below(40) == 0) {
                const auto skip = cumulative + static_cast<std::uint32_t>(rng.below(10));
                CHECK(tracker.forward(tracker.unwrap(initial + skip)) == (skip >= cumulative));
                for (std::uint32_t o = cumulative; o <= skip; ++o)
                    model.insert(o);
            } else {
                const auto offset = cumulative + static_cast<std::uint32_t>(rng.below(60)) - 5;
                const std::int64_t tsn = tracker.unwrap(initial + offset);
                const bool old =
                    offset + 5 < cumulative + 5 && static_cast<std::int32_t>(offset) < 0;
                const bool known = old || model.contains(offset) ||
                                   static_cast<std::int32_t>(offset - cumulative) < 0;
                const auto verdict = tracker.classify(tsn);
                REQUIRE(verdict ==
                        (known ? RxTracker::Verdict::kDuplicate : RxTracker::Verdict::kNew));
                if (!known) {
                    tracker.accept(tsn);
                    model.insert(offset);
                }
            }
            while (model.contains(cumulative))
                ++cumulative;
            REQUIRE(static_cast<std::uint32_t>(tracker.cumulative()) == initial + cumulative - 1);
        }
        const Sack sack = sack_of(tracker);
        CHECK(sack.view.cumulative_tsn == initial + cumulative - 1);
        std::set<std::uint32_t> reported;
        for (std::size_t g = 0; g < sack.view.gap_count(); ++g)
            for (std::uint32_t o = sack.view.gap(g).start; o <= sack.view.gap(g).end; ++o)
                reported.insert(cumulative - 1 + o);
        std::set<std::uint32_t> above(model.upper_bound(cumulative), model.end());
        CHECK(reported == above);
    }
}

TEST_CASE("RxTracker: refuses what is too far ahead or makes too many holes") {
    RxTracker tracker(1);
    const std::int64_t base = tracker.cumulative();
    CHECK(tracker.classify(base + kMaxTsnAhead) == RxTracker::Verdict::kNew);
    CHECK(tracker.classify(base + kMaxTsnAhead + 1) == RxTracker::Verdict::kRefused);
    for (std::size_t i = 0; i < kMaxGapRanges; ++i)
        tracker.accept(base + 2 + static_cast<std::int64_t>(i) * 2);
    const std::int64_t end = base + 2 * static_cast<std::int64_t>(kMaxGapRanges);
    CHECK(tracker.classify(end + 2) == RxTracker::Verdict::kRefused);
    CHECK(tracker.classify(end + 1) == RxTracker::Verdict::kNew);   // extends the last
    CHECK(tracker.classify(base + 3) == RxTracker::Verdict::kNew);  // joins two
    tracker.accept(base + 3);
    CHECK(tracker.classify(end + 2) == RxTracker::Verdict::kNew);
    tracker.accept(base + 1);
    CHECK(tracker.cumulative() == base + 4);
}

TEST_CASE("RxTracker: duplicates are reported once and make the SACK due at once") {
    RxTracker tracker(100);
    tracker.accept(tracker.unwrap(100));
    tracker.packet_done({}, Duration::millis(200), false);
    CHECK_FALSE(tracker.sack_due());
    CHECK(tracker.deadline().ms() == 200);
    for (int i = 0; i < 50; ++i)
        tracker.note_duplicate(tracker.unwrap(100));
    CHECK(tracker.sack_due());
    const Sack sack = sack_of(tracker);
    CHECK(sack.view.duplicate_count() == kMaxDuplicateReports);
    CHECK(sack.view.duplicate(0) == 100);
    CHECK_FALSE(tracker.sack_waiting());
    CHECK(sack_of(tracker).view.duplicate_count() == 0);
}
