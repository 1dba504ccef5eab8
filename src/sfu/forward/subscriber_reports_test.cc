// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/subscriber_reports.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

constexpr std::uint32_t kRate = 48'000;

wire::ReportBlock block_of(std::int32_t lost, std::uint32_t jitter) {
    wire::ReportBlock block;
    block.cumulative_lost = lost;
    block.jitter = jitter;
    block.fraction_lost = 12;
    return block;
}

TEST_CASE("SubscriberReports: a window has what came since the one before [CQ-01]") {
    SubscriberReports reports;
    DownTrackStats stats;
    CHECK_FALSE(reports.any());
    stats.packets = 100;
    stats.octets = 5'000;
    stats.nacked = 3;
    reports.note(block_of(7, 480), stats);
    reports.note_rtt(Duration::millis(30));
    stats.out_of_order = 1;
    CHECK(reports.any());
    CHECK(stats.fraction_lost == 12);
    const DownTrackWindow first = reports.window(stats, kRate);
    CHECK(first.packets == 100);
    CHECK(first.octets == 5'000);
    CHECK(first.nacked == 3);
    CHECK(first.lost == 7);
    CHECK(first.out_of_order == 1);
    CHECK(first.jitter == Duration::millis(10));
    CHECK(first.rtt == Duration::millis(30));

    stats.packets = 101;
    const DownTrackWindow second = reports.window(stats, kRate);
    CHECK(second.packets == 1);
    CHECK(second.lost == 0);
    CHECK(second.out_of_order == 0);
    CHECK_FALSE(second.jitter);
    CHECK_FALSE(second.rtt);
}

TEST_CASE("SubscriberReports: duplicates can make the sum of losses fall [CQ-01]") {
    SubscriberReports reports;
    DownTrackStats stats;
    reports.note(block_of(7, 0), stats);
    (void)reports.window(stats, kRate);
    reports.note(block_of(-3, 0), stats);
    CHECK(stats.reported_lost == 0);
    CHECK(reports.window(stats, kRate).lost == 0);
    reports.note(block_of(2, 0), stats);
    CHECK(reports.window(stats, kRate).lost == 2);
}

TEST_CASE("SubscriberReports: the round trip is a mean, the peer's where it is shared [FWD-12]") {
    SubscriberReports reports;
    CHECK(reports.rtt() == kDefaultDownTrackRtt);
    reports.note_rtt(Duration::millis(30));
    CHECK(reports.rtt() == Duration::millis(50));
    Duration shared = Duration::millis(200);
    reports.share_rtt(shared);
    CHECK(reports.rtt() == Duration::millis(200));
    shared = Duration::millis(10);
    CHECK(reports.rtt() == Duration::millis(10));
}

}  // namespace
}  // namespace confab::sfu
