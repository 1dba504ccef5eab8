// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/limits.h"

#include <doctest/doctest.h>

#include "json/json.h"
#include "load/report.h"

namespace confab::load {
namespace {

Report report_of(std::uint64_t packets, std::uint64_t lost) {
    Report report;
    report.figures.received.packets = packets;
    report.figures.received.lost = lost;
    report.participants = 3;
    for (int i = 1; i <= 100; ++i) {
        report.figures.latency.add(Duration::micros(i));
        report.figures.settled_latency.add(Duration::micros(2 * i));
        report.figures.joins.connected.add(Duration::millis(i));
    }
    return report;
}

TEST_CASE("Limits: shares are percent or numbers [LKC-35]") {
    CHECK(*parse_share("0.1%") == doctest::Approx(0.001));
    CHECK(*parse_share("0.001") == doctest::Approx(0.001));
    CHECK(*parse_share("100%") == 1);
    CHECK(*parse_share("0") == 0);
    for (const char* bad : {"", "%", "x", "1.5", "101%", "-1%", "1%%", "0.1 %", "nan"})
        CHECK_FALSE(parse_share(bad));
}

TEST_CASE("Limits: what is kept says nothing, what is not has a line [LKC-35]") {
    const Report report = report_of(999, 1);
    Limits limits;
    CHECK(violations(report, limits).empty());
    limits.loss = 0.001;
    limits.latency_p95 = Duration::micros(98);
    limits.join_p95 = Duration::millis(100);
    limits.freezes = 0;
    CHECK(violations(report, limits).empty());
    limits.loss = 0.0009;
    limits.latency_p95 = Duration::micros(90);
    limits.join_p95 = Duration::millis(90);
    CHECK(violations(report, limits).size() == 3);
    CHECK(violations(report, limits)[0] == "loss is 0.100%, more than 0.090%");
    Report frozen = report;
    frozen.figures.received.freezes = 1;
    CHECK(violations(frozen, limits).size() == 4);
}

TEST_CASE("Limits: tracks that did not come, or not to the end, keep none [LKC-35]") {
    Report report = report_of(999, 0);
    report.figures.tracks = 9;
    report.figures.expected_tracks = 10;
    report.figures.received.stopped = 2;
    CHECK(violations(report, Limits{}).empty());
    Limits limits;
    limits.latency_p50 = Duration::seconds(1);
    CHECK(violations(report, limits) ==
          std::vector<std::string>{"only 9 of 10 tracks came",
                                   "2 tracks had stopped before the end"});
}

TEST_CASE("Limits: nothing received keeps none of them [LKC-35]") {
    Limits limits;
    limits.loss = 1;
    limits.latency_p50 = Duration::seconds(1);
    CHECK(violations(Report{}, limits).size() == 2);
}

TEST_CASE("Report: JSON has what programs ask for, on one line [LKC-30]") {
    Report report = report_of(500, 2);
    report.failure = "1 of 3 participants failed: \"quoted\"";
    report.lasted = Duration::millis(1500);
    report.packets = 300;  // 200 more came while others joined
    const std::string text = json_text(report, {"loss is high"});
    CHECK(text.find('\n') == std::string::npos);
    const auto parsed = json::parse(text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->find("packets_received")->number == 500);
    CHECK(parsed->find("packets_lost")->number == 2);
    CHECK(parsed->find("packets_per_second")->number == 200);
    CHECK(json_text(Report{}, {}).find("\"packets_per_second\":0,") != std::string::npos);
    CHECK(parsed->find("freezes")->number == 0);
    CHECK(parsed->find("latency_ms")->find("p50")->number == doctest::Approx(0.050).epsilon(0.05));
    CHECK(parsed->find("settled_latency_ms")->find("p50")->number ==
          doctest::Approx(0.100).epsilon(0.05));
    CHECK(parsed->find("join_ms")->find("p99")->number == doctest::Approx(99).epsilon(0.05));
    CHECK(parsed->find("violations")->items.size() == 1);
    CHECK(parsed->find("failure")->string == report.failure);
}

TEST_CASE("Report: tables have a row for each track and subscriber, up to a limit [LKC-30]") {
    Report report = report_of(100, 0);
    StreamFigures figures;
    figures.packets = 10;
    figures.bytes = 125'000;
    figures.last = Timestamp{} + Duration::seconds(1);
    for (std::size_t i = 0; i < kMaxRows + 2; ++i) {
        report.tracks.push_back(
            {"sub-" + std::to_string(i), "TR_x", client::MediaKind::kVideo, figures});
        report.people.push_back({"sub-" + std::to_string(i), 1, 1, figures, {}});
    }
    const std::string text = tables_text(report);
    CHECK(text.find("Track loading:") != std::string::npos);
    CHECK(text.find("│ sub-0  │ TR_x  │ video │ 10    │ 1.0mbps │ 0 (0.000%) │") !=
          std::string::npos);
    CHECK(text.find("and 2 tracks more") != std::string::npos);
    CHECK(text.find("sub-" + std::to_string(kMaxRows + 1)) == std::string::npos);
    CHECK(text.find("(2 more)") != std::string::npos);
}

TEST_CASE("Report: a tester that could not keep up says so [LKC-35]") {
    Report report = report_of(100, 0);
    CHECK(figures_text(report).find("TESTER-BOUND") == std::string::npos);
    report.tester.busiest = 0.9;
    CHECK(figures_text(report).find("TESTER-BOUND") != std::string::npos);
    report.tester.busiest = 0;
    report.tester.drops = 1;
    CHECK(report.tester.is_bound());
    report.tester.drops = 0;
    for (int i = 0; i < 100; ++i)
        report.tester.lateness.add(Duration::millis(i < 98 ? 0 : 6));
    CHECK(report.tester.is_bound());
}

}  // namespace
}  // namespace confab::load
