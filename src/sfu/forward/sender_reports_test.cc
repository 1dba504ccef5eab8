// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/sender_reports.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

constexpr std::uint32_t kRate = 48'000;

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(1'000'000 + ms * 1'000);
}
SourceReport source_at(std::int64_t ms, std::int64_t timestamp) {
    SourceReport report;
    report.ntp = NtpTime() + Duration::millis(ms);
    report.timestamp = timestamp;
    report.arrival = at_ms(ms);
    return report;
}
wire::ReportBlock answer_to(std::uint32_t ntp) {
    wire::ReportBlock block;
    block.last_sr = ntp;
    return block;
}

TEST_CASE("SenderReports: the publisher's report is carried on to now [FWD-10]") {
    SenderReports reports;
    const auto times = reports.next(source_at(5'000, 9'000), 1'000, kRate, at_ms(6'000));
    REQUIRE(times);
    CHECK(times->ntp == NtpTime() + Duration::millis(6'000));
    CHECK(times->timestamp == 8'000 + kRate);
    // One that comes from the future counts as it is.
    SenderReports early;
    CHECK(early.next(source_at(5'000, 9'000), 0, kRate, at_ms(4'000))->timestamp == 9'000);
}

TEST_CASE("SenderReports: neither clock goes back or stands still [FWD-10]") {
    SenderReports reports;
    const auto next = [&](std::int64_t source_ms, std::int64_t timestamp, std::int64_t ms) {
        return reports.next(source_at(source_ms, timestamp), 0, kRate, at_ms(ms)).has_value();
    };
    CHECK(next(5'000, 9'000, 5'000));
    CHECK_FALSE(next(5'000, 9'000, 5'000));
    CHECK_FALSE(next(5'001, 9'000, 5'001));
    CHECK_FALSE(next(5'000, 9'001, 5'000));
    CHECK(next(5'001, 9'001, 5'001));
}

TEST_CASE("SenderReports: the round trip is told for each of the last kMaxRemembered [FWD-12]") {
    SenderReports reports;
    std::vector<std::uint32_t> sent;
    for (std::int64_t i = 0; i <= static_cast<std::int64_t>(SenderReports::kMaxRemembered); ++i)
        sent.push_back(
            reports.next(source_at(i * 1'000, i), 0, kRate, at_ms(i * 1'000))->ntp.compact());
    const Timestamp now = at_ms(10'000);
    CHECK_FALSE(reports.round_trip(answer_to(sent[0]), now));
    CHECK(reports.round_trip(answer_to(sent[1]), now) == Duration::millis(9'000));
    CHECK(reports.round_trip(answer_to(sent.back()), now) == Duration::millis(6'000));
    CHECK_FALSE(reports.round_trip(answer_to(0), now));
    CHECK_FALSE(reports.round_trip(answer_to(sent[1] + 1), now));
    // What the subscriber held it for is taken off; no more than there was.
    wire::ReportBlock block = answer_to(sent[1]);
    block.delay_since_last_sr = 9 * 65'536;
    CHECK(reports.round_trip(block, now) == Duration::zero());
    block.delay_since_last_sr = 10 * 65'536;
    CHECK_FALSE(reports.round_trip(block, now));
}

}  // namespace
}  // namespace confab::sfu
