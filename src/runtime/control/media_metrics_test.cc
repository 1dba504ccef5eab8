// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/media_metrics.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>

namespace confab::control {
namespace {

using telemetry::Metric;
using telemetry::Metrics;
using Published = worker::Mailbox::Published;

}  // namespace

TEST_CASE("record_media: workers add up, retransmissions stand apart [OBS-01]") {
    const auto first = std::make_unique<Published>();
    const auto second = std::make_unique<Published>();
    first->shard.rtp_in = 700;
    first->shard.rtx_in = 20;
    first->shard.rtp_bytes_in = 70'000;
    first->shard.rtx_bytes_in = 2'000;
    second->shard.rtp_in = 300;
    second->shard.plis_out = 4;
    second->shard.nacks_in = 9;
    first->shard.links_dropped = 1;
    first->ring_full = 2;
    const std::array<const Published*, 2> workers{first.get(), second.get()};
    Metrics metrics("n");
    record_media(metrics, workers);
    CHECK(metrics.value(Metric::kPacketTotal, {"incoming", "initial"}) == 980);
    CHECK(metrics.value(Metric::kPacketTotal, {"incoming", "retransmit"}) == 20);
    CHECK(metrics.value(Metric::kPacketBytes, {"incoming", "initial"}) == 68'000);
    CHECK(metrics.value(Metric::kPliTotal, {"incoming"}) == 4);
    CHECK(metrics.value(Metric::kNackTotal, {"outgoing"}) == 9);
    CHECK(metrics.value(Metric::kLinksDropped) == 3);
    // What never happened has no series.
    const std::string text = metrics.render();
    for (const char* none : {"livekit_fir_total", "livekit_packet_loss_total", "livekit_rtt_ms",
                             "direction=\"outgoing\",transmission", "livekit_jitter_us"})
        CHECK_MESSAGE(text.find(none) == std::string::npos, none);
}

TEST_CASE("record_media: streams by direction, source and kind [OBS-01]") {
    const auto one = std::make_unique<Published>();
    sfu::StreamRound round;
    round.packets = 1000;
    round.lost = 2;
    round.rtt = Duration::millis(60);
    one->figures.add(sfu::Direction::kIncoming, sfu::MediaKind::kVideo,
                     sfu::MediaSource::kScreenShare, round);
    round.lost = 0;
    one->figures.add(sfu::Direction::kIncoming, sfu::MediaKind::kVideo,
                     sfu::MediaSource::kScreenShare, round);
    one->latency.add(Duration::micros(80), 7);
    const std::array<const Published*, 2> workers{one.get(), one.get()};
    Metrics metrics("n");
    record_media(metrics, workers);
    const telemetry::LabelValues screen = {"incoming", "SCREEN_SHARE", "VIDEO", ""};
    CHECK(metrics.value(Metric::kPacketLossTotal, screen) == 4);
    CHECK(metrics.value(Metric::kPacketLossPercent, screen) == 4);
    CHECK(metrics.value(Metric::kRttMs, screen) == 4);
    CHECK(metrics.value(Metric::kForwardLatencyNs) == 14);
    CHECK(metrics.value(Metric::kForwardLatency) == doctest::Approx(80'000));
    const std::string series =
        "livekit_packet_loss_percent_bucket{node_id=\"n\",node_type=\"SERVER\","
        "direction=\"incoming\",source=\"SCREEN_SHARE\",type=\"VIDEO\",country=\"\",";
    const std::string text = metrics.render();
    CHECK(text.find(series + "le=\"0.1\"} 2\n") != std::string::npos);
    CHECK(text.find(series + "le=\"0.3\"} 4\n") != std::string::npos);
    // Nothing got less: the next scrape without news says the same.
    record_media(metrics, workers);
    CHECK(metrics.render() == text);
}

}  // namespace confab::control
