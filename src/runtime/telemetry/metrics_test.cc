// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/telemetry/metrics.h"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace confab::telemetry {

namespace {

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("kMetricTable: valid and unique names, buckets where they belong") {
    std::set<std::string_view> names;
    for (const MetricInfo& metric : kMetricTable) {
        CAPTURE(metric.name);
        CHECK(names.insert(metric.name).second);
        CHECK_FALSE(metric.help.empty());
        CHECK((metric.type == MetricType::kHistogram) == !metric.buckets.empty());
        CHECK(metric.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") ==
              std::string_view::npos);
        for (std::size_t i = 1; i < metric.buckets.size(); ++i)
            CHECK(metric.buckets[i - 1] < metric.buckets[i]);
    }
}

TEST_CASE("Metrics: gauges and counters with their labels [OBS-01]") {
    Metrics metrics("ND_a");
    metrics.set(Metric::kRoomTotal, 1);
    metrics.add(Metric::kTrackPublishedTotal, {"VIDEO"}, 2);
    metrics.set(Metric::kPacketTotal, {"incoming", "initial"}, 7010);
    const std::string text = metrics.render();
    CHECK(has_line(text, "# TYPE livekit_room_total gauge"));
    CHECK(has_line(text, "livekit_room_total{node_id=\"ND_a\",node_type=\"SERVER\"} 1"));
    CHECK(has_line(text, "livekit_participant_total{node_id=\"ND_a\",node_type=\"SERVER\"} 0"));
    CHECK(has_line(
        text,
        "livekit_track_published_total{node_id=\"ND_a\",node_type=\"SERVER\",kind=\"VIDEO\"} 2"));
    CHECK(has_line(
        text,
        "livekit_packet_total{node_id=\"ND_a\",node_type=\"SERVER\",direction=\"incoming\","
        "transmission=\"initial\",country=\"\"} 7010"));
    // With labels a series comes with its first event.
    CHECK(text.find("livekit_nack_total") == std::string::npos);
}

TEST_CASE("Metrics: counters never go down, series can be removed") {
    Metrics metrics("n");
    metrics.set(Metric::kSrtpFailures, 5);
    metrics.set(Metric::kSrtpFailures, 3);
    CHECK(metrics.value(Metric::kSrtpFailures) == 5);
    metrics.add(Metric::kSrtpFailures, -1);
    CHECK(metrics.value(Metric::kSrtpFailures) == 5);
    metrics.set(Metric::kPeers, 5);
    metrics.set(Metric::kPeers, 3);
    CHECK(metrics.value(Metric::kPeers) == 3);
    metrics.set(Metric::kTrackPublishedTotal, {"AUDIO"}, 1);
    metrics.remove(Metric::kTrackPublishedTotal, {"AUDIO"});
    CHECK(metrics.render().find("livekit_track_published_total") == std::string::npos);
}

TEST_CASE("Metrics: histograms count cumulatively, bounds included") {
    Metrics metrics("n");
    for (const double value : {1.0, 4.0, 4.5, 0.5})
        metrics.observe(Metric::kQualityScore, value);
    const std::string text = metrics.render();
    const std::string node = "{node_id=\"n\",node_type=\"SERVER\"";
    CHECK(has_line(text, "livekit_quality_score_bucket" + node + ",le=\"1\"} 2"));
    CHECK(has_line(text, "livekit_quality_score_bucket" + node + ",le=\"3.75\"} 2"));
    CHECK(has_line(text, "livekit_quality_score_bucket" + node + ",le=\"4\"} 3"));
    CHECK(has_line(text, "livekit_quality_score_bucket" + node + ",le=\"+Inf\"} 4"));
    CHECK(has_line(text, "livekit_quality_score_sum" + node + "} 10"));
    CHECK(has_line(text, "livekit_quality_score_count" + node + "} 4"));
    CHECK(has_line(text, "livekit_room_duration_seconds_count" + node + "} 0"));
}

TEST_CASE("Metrics: a histogram that others count replaces itself and never shrinks") {
    Metrics metrics("n");
    const std::array<std::uint64_t, 4> few{2, 1, 0, 3};  // quality_rating has three bounds
    metrics.set_histogram(Metric::kQualityRating, {}, few, 17.5);
    metrics.set_histogram(Metric::kQualityRating, {}, few, 17.5);
    const std::string node = "{node_id=\"n\",node_type=\"SERVER\"";
    const std::string text = metrics.render();
    CHECK(has_line(text, "livekit_quality_rating_bucket" + node + ",le=\"0\"} 2"));
    CHECK(has_line(text, "livekit_quality_rating_bucket" + node + ",le=\"2\"} 3"));
    CHECK(has_line(text, "livekit_quality_rating_bucket" + node + ",le=\"+Inf\"} 6"));
    CHECK(has_line(text, "livekit_quality_rating_sum" + node + "} 17.5"));
    const std::array<std::uint64_t, 4> older{2, 0, 0, 0};
    metrics.set_histogram(Metric::kQualityRating, {}, older, 1);
    CHECK(metrics.value(Metric::kQualityRating) == 6);
    const std::array<std::uint64_t, 3> wrong{9, 9, 9};
    metrics.set_histogram(Metric::kQualityRating, {}, wrong, 1);
    CHECK(metrics.value(Metric::kQualityRating) == 6);
}

TEST_CASE("parse_network_packets: what all interfaces but lo sent and dropped") {
    constexpr std::string_view kText =
        "Inter-|   Receive                            |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
        "drop fifo colls carrier compressed\n"
        "    lo:  900    900    0    0    0     0          0         0  900   900    0    9    0   "
        "  "
        "0       0          0\n"
        "  eth0: 5070    10    1    2    0     0          0         0  7000   58    0    3    0    "
        " "
        "0       0          0\n"
        "wg0:5070    10    1    2    0     0          0         0  7000   7    0    1    0     0   "
        "    0          0\n"
        "  bad0: 1 2 3\n"
        "  bad1: 1 2 x\n";
    const NetworkPackets packets = parse_network_packets(kText);
    CHECK(packets.sent == 65);
    CHECK(packets.dropped == 4);
    for (std::size_t size = 0; size < kText.size(); ++size)
        CHECK(parse_network_packets(kText.substr(0, size)).sent <= 65);
    Metrics metrics("n");
    metrics.collect_process();
    CHECK(metrics.render().find("livekit_node_packet_total{node_id=\"n\",node_type=\"SERVER\","
                                "type=\"dropped\"} ") != std::string::npos);
}

TEST_CASE("Metrics: label values are escaped and bounded in number") {
    Metrics metrics("n");
    metrics.add(Metric::kHttpRequests, {"a\"b\\c\nd"});
    CHECK(metrics.render().find("code=\"a\\\"b\\\\c\\nd\"") != std::string::npos);
    for (std::size_t i = 0; i < Metrics::kMaxSeries + 10; ++i)
        metrics.add(Metric::kHttpRequests, {std::to_string(i)});
    const std::string text = metrics.render();
    CHECK(has_line(text, "confab_metrics_dropped_total{node_id=\"n\",node_type=\"SERVER\"} 11"));
}

TEST_CASE("Metrics: process values without node labels") {
    Metrics metrics("n");
    metrics.collect_process();
    CHECK(metrics.value(Metric::kProcessOpenFds) >= 3);
    CHECK(metrics.value(Metric::kProcessResidentMemory) > 100'000);
    CHECK(metrics.value(Metric::kProcessStartTime) > 1.6e9);
    CHECK(metrics.render().find("\nprocess_open_fds ") != std::string::npos);
}

TEST_CASE("kMetricTable: the program sets each metric somewhere") {
    std::string text;
    for (const char* folder : {"src/app", "src/runtime"})
        for (const auto& entry : std::filesystem::recursive_directory_iterator(
                 std::filesystem::path(CONFAB_SOURCE_DIR) / folder)) {
            const std::string name = entry.path().filename().string();
            if (!name.ends_with(".cc") || name.ends_with("_test.cc") || name == "metrics.cc")
                continue;
            std::ifstream file(entry.path());
            std::stringstream content;
            content << file.rdbuf();
            text += content.str();
        }
    // The names of the enumerators, in the order of their values.
    std::ifstream table(CONFAB_SOURCE_DIR "/src/runtime/telemetry/metrics_table.h");
    std::size_t index = 0;
    for (std::string line; std::getline(table, line);) {
        constexpr std::string_view kRow = "    {Metric::k";
        if (!line.starts_with(kRow)) continue;
        const std::string name = line.substr(5, line.find(',') - 5);
        bool used = false;
        for (const char* end : {",", ")", ";"})
            used = used || text.find(name + end) != std::string::npos;
        // Counted inside of Metrics itself.
        if (static_cast<Metric>(index++) == Metric::kMetricsDropped) used = true;
        CHECK_MESSAGE(used, name);
    }
    CHECK(index == kMetricTable.size());
}

TEST_CASE("metrics_reference: one row per metric, as docs/reference/metrics.md has them") {
    const std::string text = metrics_reference();
    std::ifstream file(CONFAB_SOURCE_DIR "/docs/reference/metrics.md");
    std::stringstream committed;
    committed << file.rdbuf();
    const bool same = committed.str() == text;
    CHECK_MESSAGE(same, "run: confab metrics-reference > docs/reference/metrics.md");
    for (const MetricInfo& metric : kMetricTable)
        CHECK(text.find("| `" + std::string(metric.name) + "` |") != std::string::npos);
}

TEST_CASE("Metrics: what another thread counted is added [OBS-01]") {
    Metrics first("ND_x");
    Metrics second("ND_x");
    first.add(Metric::kParticipantJoinTotal, {"rtc_init"}, 2);
    second.add(Metric::kParticipantJoinTotal, {"rtc_init"}, 3);
    second.add(Metric::kParticipantJoinTotal, {"rtc_active"});
    second.add(Metric::kTrackPublishedTotal, {"AUDIO"}, -1);
    first.observe(Metric::kQualityScore, 2);
    second.observe(Metric::kQualityScore, 4);
    Metrics all = first;
    all.merge(second);
    CHECK(all.value(Metric::kParticipantJoinTotal, {"rtc_init"}) == 5);
    CHECK(all.value(Metric::kParticipantJoinTotal, {"rtc_active"}) == 1);
    CHECK(all.value(Metric::kTrackPublishedTotal, {"AUDIO"}) == -1);
    CHECK(all.value(Metric::kQualityScore) == 2);
    const std::string text = all.render();
    CHECK(text.find("livekit_quality_score_sum{node_id=\"ND_x\",node_type=\"SERVER\"} 6\n") !=
          std::string::npos);
    CHECK(text.find("node_type=\"SERVER\",le=\"2\"} 1\n") != std::string::npos);
    CHECK(text.find("node_type=\"SERVER\",le=\"4\"} 2\n") != std::string::npos);
    CHECK(first.value(Metric::kParticipantJoinTotal, {"rtc_init"}) == 2);
}

}  // namespace confab::telemetry
