// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/media_metrics.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

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

TEST_CASE("record_media: every figure of the workers has its own series [OBS-01]") {
    const auto one = std::make_unique<Published>();
    sfu::ShardSnapshot& shard = one->shard;
    shard.rtp_in = 1'000;
    shard.rtx_in = 100;
    shard.rtp_out = 2'000;
    shard.rtx_out = 300;
    shard.rtp_bytes_in = 10'000;
    shard.rtx_bytes_in = 1'000;
    shard.rtp_bytes_out = 20'000;
    shard.rtx_bytes_out = 3'000;
    shard.nacks_out = 5;
    shard.nacks_in = 6;
    shard.plis_out = 7;
    shard.plis_in = 8;
    shard.firs_in = 9;
    shard.srtp_failures = 10;
    shard.unknown_datagrams = 11;
    shard.rtp_unknown_ssrc = 12;
    shard.limits = {30, 31, 32};
    shard.links_dropped = 13;
    one->ring_full = 14;
    shard.events_dropped = 15;
    shard.data_dropped = 16;
    shard.data_tracks = {22, 23, 24, 25, 26};
    shard.pool_bytes = 17;
    shard.packets_in_use = 18;
    shard.peers = 19;
    shard.unvalidated = 22;
    shard.unknown_kind = 23;
    shard.before_keys = 24;
    shard.srtp_throttled = 25;
    shard.rtp_malformed = 26;
    shard.rtp_repeated = 27;
    shard.rtcp_malformed = 28;
    shard.timers = 29;
    one->send_dropped = 20;
    one->tcp_connections = 21;
    const std::array<const Published*, 1> workers{one.get()};
    Metrics metrics("n");
    record_media(metrics, workers);
    CHECK(metrics.value(Metric::kPacketTotal, {"incoming", "initial"}) == 900);
    CHECK(metrics.value(Metric::kRateLimited, {"stun", "dropped"}) == 30);
    CHECK(metrics.value(Metric::kRateLimited, {"data", "dropped"}) == 31);
    CHECK(metrics.value(Metric::kRateLimited, {"data", "delayed"}) == 32);
    CHECK(metrics.value(Metric::kPacketTotal, {"incoming", "retransmit"}) == 100);
    CHECK(metrics.value(Metric::kPacketTotal, {"outgoing", "initial"}) == 1'700);
    CHECK(metrics.value(Metric::kPacketTotal, {"outgoing", "retransmit"}) == 300);
    CHECK(metrics.value(Metric::kPacketBytes, {"incoming", "initial"}) == 9'000);
    CHECK(metrics.value(Metric::kPacketBytes, {"incoming", "retransmit"}) == 1'000);
    CHECK(metrics.value(Metric::kPacketBytes, {"outgoing", "initial"}) == 17'000);
    CHECK(metrics.value(Metric::kPacketBytes, {"outgoing", "retransmit"}) == 3'000);
    // Feedback goes against its stream: what is sent is about what comes in.
    CHECK(metrics.value(Metric::kNackTotal, {"incoming"}) == 5);
    CHECK(metrics.value(Metric::kNackTotal, {"outgoing"}) == 6);
    CHECK(metrics.value(Metric::kPliTotal, {"incoming"}) == 7);
    CHECK(metrics.value(Metric::kPliTotal, {"outgoing"}) == 8);
    CHECK(metrics.value(Metric::kFirTotal, {"outgoing"}) == 9);
    CHECK(metrics.value(Metric::kSrtpFailures) == 10);
    CHECK(metrics.value(Metric::kUnknownDatagrams) == 11);
    CHECK(metrics.value(Metric::kUnknownSsrc) == 12);
    CHECK(metrics.value(Metric::kLinksDropped) == 13 + 14);
    CHECK(metrics.value(Metric::kEventsDropped) == 15);
    CHECK(metrics.value(Metric::kDataDropped) == 16);
    CHECK(metrics.value(Metric::kDataTrackPackets) == 22);
    CHECK(metrics.value(Metric::kDataTrackBytes) == 23);
    CHECK(metrics.value(Metric::kDataTrackFrames) == 24);
    CHECK(metrics.value(Metric::kDataTrackLost) == 25);
    CHECK(metrics.value(Metric::kDataTrackLate) == 26);
    CHECK(metrics.value(Metric::kPoolBytes) == 17);
    CHECK(metrics.value(Metric::kPacketsInUse) == 18);
    CHECK(metrics.value(Metric::kPeers) == 19);
    CHECK(metrics.value(Metric::kSendDropped) == 20);
    CHECK(metrics.value(Metric::kTcpConnections) == 21);
    CHECK(metrics.value(Metric::kRefusedPackets, {"path"}) == 22);
    CHECK(metrics.value(Metric::kRefusedPackets, {"kind"}) == 23);
    CHECK(metrics.value(Metric::kRefusedPackets, {"early"}) == 24);
    CHECK(metrics.value(Metric::kRefusedPackets, {"throttled"}) == 25);
    CHECK(metrics.value(Metric::kRefusedPackets, {"rtp"}) == 26);
    CHECK(metrics.value(Metric::kRefusedPackets, {"repeated"}) == 27);
    CHECK(metrics.value(Metric::kRefusedPackets, {"rtcp"}) == 28);
    CHECK(metrics.value(Metric::kWorkerTimers) == 29);
}

TEST_CASE("record_media: each direction, kind and source of a stream apart [OBS-01]") {
    using sfu::Direction;
    using sfu::MediaKind;
    using sfu::MediaSource;
    const auto one = std::make_unique<Published>();
    sfu::StreamRound round;
    round.packets = 100;
    std::uint64_t lost = 0;
    const std::array<std::pair<MediaSource, const char*>, 5> sources{
        {{MediaSource::kUnknown, "UNKNOWN"},
         {MediaSource::kCamera, "CAMERA"},
         {MediaSource::kMicrophone, "MICROPHONE"},
         {MediaSource::kScreenShare, "SCREEN_SHARE"},
         {MediaSource::kScreenShareAudio, "SCREEN_SHARE_AUDIO"}}};
    const std::array<std::pair<Direction, const char*>, 2> directions{
        {{Direction::kIncoming, "incoming"}, {Direction::kOutgoing, "outgoing"}}};
    const std::array<std::pair<MediaKind, const char*>, 2> kinds{
        {{MediaKind::kAudio, "AUDIO"}, {MediaKind::kVideo, "VIDEO"}}};
    for (const auto& [direction, d] : directions)
        for (const auto& [source, s] : sources)
            for (const auto& [kind, k] : kinds) {
                round.lost = ++lost;
                one->figures.add(direction, kind, source, round);
            }
    const std::array<const Published*, 1> workers{one.get()};
    Metrics metrics("n");
    record_media(metrics, workers);
    lost = 0;
    for (const auto& [direction, d] : directions)
        for (const auto& [source, s] : sources)
            for (const auto& [kind, k] : kinds)
                CHECK(metrics.value(Metric::kPacketLossTotal, {d, s, k, ""}) ==
                      static_cast<double>(++lost));
}

TEST_CASE("record_media: without workers nothing is said of media [OBS-01]") {
    Metrics metrics("n");
    record_media(metrics, {});
    CHECK(metrics.value(Metric::kPeers) == 0);
    CHECK(metrics.render().find("livekit_packet_total") == std::string::npos);
}

}  // namespace confab::control
