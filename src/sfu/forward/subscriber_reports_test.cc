// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/subscriber_reports.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

constexpr std::uint32_t kRate = 48'000;
constexpr Timestamp kNow = Timestamp::micros(1'000'000);

wire::ReportBlock block_of(std::int32_t lost, std::uint32_t jitter) {
    wire::ReportBlock block;
    block.cumulative_lost = lost;
    block.jitter = jitter;
    block.fraction_lost = 12;
    return block;
}

// All numbers up to it have been sent.
std::int64_t at(const DownTrackStats& stats) {
    return stats.before_first + static_cast<std::int64_t>(stats.packets);
}

TEST_CASE("SubscriberReports: a window has what came since the one before [CQ-01]") {
    SubscriberReports reports;
    DownTrackStats stats;
    CHECK_FALSE(reports.any());
    stats.packets = 100;
    stats.octets = 5'000;
    stats.nacked = 3;
    reports.note(block_of(8, 480), stats, kNow);
    reports.note_rtt(Duration::millis(30));
    stats.out_of_order = 1;  // one of those
    CHECK(reports.any());
    CHECK(stats.fraction_lost == 12);
    const DownTrackWindow first = reports.window(stats, at(stats), kRate);
    CHECK(first.packets == 100);
    CHECK(first.octets == 5'000);
    CHECK(first.nacked == 3);
    CHECK(first.lost == 7);
    CHECK(first.out_of_order == 1);
    CHECK(first.jitter == Duration::millis(10));
    CHECK(first.rtt == Duration::millis(30));

    stats.packets = 101;
    const DownTrackWindow second = reports.window(stats, at(stats), kRate);
    CHECK(second.packets == 1);
    CHECK(second.lost == 0);
    CHECK(second.out_of_order == 0);
    CHECK_FALSE(second.jitter);
    CHECK_FALSE(second.rtt);
}

TEST_CASE("SubscriberReports: what could not be sent was not lost on this way [CQ-01]") {
    SubscriberReports reports;
    DownTrackStats stats;
    stats.before_first = 30'000;
    // Ten of 100 numbers had no packet, two more were lost.
    stats.packets = 90;
    reports.note(block_of(12, 0), stats, kNow);
    CHECK(reports.window(stats, 30'100, kRate).lost == 2);
    // Four of the ten come after all, and three of them had been reported.
    stats.packets += 104;
    stats.out_of_order = 4;
    reports.note(block_of(15, 0), stats, kNow);
    CHECK(reports.window(stats, 30'200, kRate).lost == 0);
    stats.packets += 100;
    reports.note(block_of(20, 0), stats, kNow);
    CHECK(reports.window(stats, 30'300, kRate).lost == 5);
    // Numbers that were left out, as after a move whose end is not known for sure.
    stats.packets += 10;
    reports.note(block_of(1'020, 0), stats, kNow);
    CHECK(reports.window(stats, 31'310, kRate).lost == 0);
}

TEST_CASE("SubscriberReports: what could not be sent excuses the report that comes later [CQ-01]") {
    SubscriberReports reports;
    DownTrackStats stats;
    std::int64_t numbers = 0;
    const auto window = [&] {  // a fifth of it could not be sent
        stats.packets += 80;
        return reports.window(stats, numbers += 100, kRate).lost;
    };
    CHECK(window() == 0);
    reports.note(block_of(40, 0), stats, kNow);
    CHECK(window() == 0);
    CHECK(window() == 0);
    CHECK(window() == 0);
    reports.note(block_of(87, 0), stats, kNow);
    CHECK(window() == 0);  // of the 100 by then
    reports.note(block_of(123, 0), stats, kNow);
    CHECK(window() == 3);
}

TEST_CASE("SubscriberReports: what a copy on RTX made good was not lost [CQ-01] [FWD-11]") {
    SubscriberReports reports;
    DownTrackStats stats;
    std::int32_t lost = 0;
    const auto window = [&](std::int32_t more, std::uint64_t copies) {
        stats.packets += 100;
        stats.repairs += copies;
        reports.note(block_of(lost += more, 0), stats, kNow);
        return reports.window(stats, at(stats), kRate).lost;
    };
    CHECK(window(10, 0) == 10);
    CHECK(window(10, 8) == 2);
    // Sent before its loss was reported: for one window, not for good.
    CHECK(window(0, 5) == 0);
    CHECK(window(7, 0) == 2);
    CHECK(window(0, 5) == 0);
    CHECK(window(0, 0) == 0);
    CHECK(window(5, 0) == 5);
    // A copy that is lost makes nothing good, asked for again, reported, or both.
    stats.nack_repeats += 3;
    CHECK(window(10, 13) == 0);
    stats.nack_repeats += 3;
    CHECK(window(10, 10) == 3);
    SubscriberReports::note_repairs(block_of(4, 0), stats);
    stats.nack_repeats += 3;
    CHECK(window(10, 10) == 4);
    CHECK(window(10, 10) == 0);
    // Of what is lost of the stream half were probes.
    stats.probe_copies += 10;
    SubscriberReports::note_repairs(block_of(10, 0), stats);
    CHECK(window(10, 10) == 3);
    // Duplicates can make that sum fall, too.
    SubscriberReports::note_repairs(block_of(-1, 0), stats);
    CHECK(stats.repairs_lost == 0);
    CHECK(window(10, 10) == 0);
    stats.nack_repeats += 20;
    CHECK(window(10, 10) == 10);
}

TEST_CASE("SubscriberReports: duplicates can make the sum of losses fall [CQ-01]") {
    SubscriberReports reports;
    DownTrackStats stats;
    reports.note(block_of(7, 0), stats, kNow);
    (void)reports.window(stats, at(stats), kRate);
    reports.note(block_of(-3, 0), stats, kNow);
    CHECK(stats.reported_lost == 0);
    CHECK(reports.window(stats, at(stats), kRate).lost == 0);
    reports.note(block_of(2, 0), stats, kNow);
    CHECK(reports.window(stats, at(stats), kRate).lost == 2);
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

TEST_CASE("SubscriberReports: packets and time are those of the reports [CQ-01]") {
    SubscriberReports reports;
    DownTrackStats stats;
    const auto told = [&] { return reports.window(stats, at(stats), kRate); };
    stats.packets = 100;
    CHECK(told().reported == 0);
    reports.note(block_of(0, 0), stats, kNow);
    stats.packets = 200;
    DownTrackWindow window = told();
    CHECK(window.reported == 100);
    CHECK(window.span == Duration::zero());  // it is not known since when
    window = told();
    CHECK(window.reported == 0);
    CHECK(window.span == Duration::zero());
    stats.packets = 300;
    reports.note(block_of(0, 0), stats, kNow + Duration::seconds(3));
    stats.packets = 350;
    reports.note(block_of(0, 0), stats, kNow + Duration::seconds(7));
    window = told();
    CHECK(window.reported == 250);
    CHECK(window.span == Duration::seconds(7));
}

}  // namespace
}  // namespace confab::sfu
