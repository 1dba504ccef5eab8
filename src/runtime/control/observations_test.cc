// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/observations.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace confab::control {
namespace {

using telemetry::Metric;
using telemetry::Metrics;

// Where a rendered series stands, with its labels in the order of the table.
bool has_line(const Metrics& metrics, const std::string& name, const std::string& labels,
              const std::string& value) {
    const std::string line = "\n" + name + "{node_id=\"n\",node_type=\"SERVER\"" +
                             (labels.empty() ? "" : ",") + labels + "} " + value + "\n";
    return metrics.render().find(line) != std::string::npos;
}

}  // namespace

TEST_CASE("record: joins in the states of the recorded dumps [OBS-01]") {
    Metrics metrics("n");
    for (const auto state :
         {room::JoinState::kInit, room::JoinState::kConnected, room::JoinState::kActive,
          room::JoinState::kSuccess, room::JoinState::kCanceled, room::JoinState::kFailure})
        record(metrics, room::JoinReached{state});
    for (const char* state :
         {"rtc_init", "rtc_connected", "rtc_active", "rtc_success", "rtc_canceled", "rtc_failure"})
        CHECK(metrics.value(Metric::kParticipantJoinTotal, {state}) == 1);
    record(metrics, room::SessionActive{17, Duration::millis(50)});
    record(metrics, room::SessionOver{17, Duration::seconds(11)});
    record(metrics, room::RoomOver{Duration::millis(12'780)});
    CHECK(has_line(metrics, "livekit_session_start_time_ms_sum", "protocol_version=\"17\"", "50"));
    CHECK(has_line(metrics, "livekit_session_duration_ms_sum", "protocol_version=\"17\"", "11000"));
    CHECK(has_line(metrics, "livekit_room_duration_seconds_sum", "", "12.78"));
}

TEST_CASE("record: protocol versions that are made up leave room for real ones [OBS-01]") {
    Metrics metrics("n");
    for (std::int32_t made_up = 100; made_up < 3'000; ++made_up)
        for (const std::int32_t version : {made_up, -made_up})
            record(metrics, room::SessionActive{version, Duration::millis(1)});
    record(metrics, room::SessionActive{17, Duration::millis(1)});
    record(metrics, room::SessionActive{99, Duration::millis(1)});
    CHECK(metrics.value(Metric::kSessionStartTimeMs, {"17"}) == 1);
    CHECK(metrics.value(Metric::kSessionStartTimeMs, {"99"}) == 1);
    CHECK(metrics.value(Metric::kSessionStartTimeMs, {"other"}) == 5'800);
}

TEST_CASE("record: tracks move a gauge and a counter, failures have an error [OBS-01]") {
    Metrics metrics("n");
    using room::TrackStep;
    for (const auto step : {TrackStep::kAttempt, TrackStep::kSuccess, TrackStep::kAttempt,
                            TrackStep::kSuccess, TrackStep::kEnd})
        record(metrics, room::PublicationStep{livekit::VIDEO, step});
    record(metrics, room::PublicationStep{livekit::AUDIO, TrackStep::kCancel});
    CHECK(has_line(metrics, "livekit_track_published_total", "kind=\"VIDEO\"", "1"));
    CHECK(has_line(metrics, "livekit_track_publish_counter", "kind=\"VIDEO\",state=\"success\"",
                   "2"));
    CHECK(
        has_line(metrics, "livekit_track_publish_counter", "kind=\"AUDIO\",state=\"cancel\"", "1"));
    CHECK(metrics.render().find("livekit_track_published_total{node_id=\"n\",node_type=\"SERVER\","
                                "kind=\"AUDIO\"}") == std::string::npos);
    for (const auto step : {TrackStep::kAttempt, TrackStep::kSuccess, TrackStep::kEnd})
        record(metrics, room::SubscriptionStep{livekit::AUDIO, step, {}});
    record(metrics, room::SubscriptionStep{livekit::VIDEO, TrackStep::kFailure,
                                           livekit::SE_CODEC_UNSUPPORTED});
    // The gauge stays, at zero.
    CHECK(has_line(metrics, "livekit_track_subscribed_total", "kind=\"AUDIO\"", "0"));
    CHECK(
        has_line(metrics, "livekit_track_subscribe_counter", "state=\"attempt\",error=\"\"", "1"));
    CHECK(has_line(metrics, "livekit_track_subscribe_counter",
                   "state=\"failure\",error=\"SE_CODEC_UNSUPPORTED\"", "1"));
    CHECK(metrics.render().find("state=\"\"") == std::string::npos);
}

TEST_CASE("record: delays, operations, connections and quality [OBS-01]") {
    Metrics metrics("n");
    room::MediaDelay delay;
    delay.phase = room::MediaPhase::kStreamStart;
    delay.source = livekit::CAMERA;
    delay.kind = livekit::VIDEO;
    delay.sdk = livekit::ClientInfo::NODE;
    delay.took = Duration::micros(46'500);
    record(metrics, delay);
    CHECK(has_line(metrics, "livekit_pubsubtime_ms_sum",
                   "direction=\"subscribe-stream-start\",source=\"CAMERA\",type=\"VIDEO\","
                   "country=\"\",sdk=\"NODE\",kind=\"STANDARD\",count=\"1\"",
                   "46.5"));
    delay.attempt = 4'000'000'000;  // clients must not make labels
    record(metrics, delay);
    CHECK(metrics.render().find("count=\"5\"") != std::string::npos);
    // Numbers that no enum names.
    delay.sdk = static_cast<livekit::ClientInfo::SDK>(77);
    record(metrics, delay);
    CHECK(metrics.render().find("sdk=\"\"") != std::string::npos);

    record(metrics, room::OperationDone{room::Operation::kAnswer, {}});
    record(metrics, room::OperationDone{room::Operation::kPeerConnection, "dtls"});
    CHECK(has_line(metrics, "livekit_node_service_operation",
                   "type=\"answer\",status=\"success\",error_type=\"\"", "1"));
    CHECK(has_line(metrics, "livekit_node_service_operation",
                   "type=\"peer_connection\",status=\"error\",error_type=\"dtls\"", "1"));
    record(metrics, room::PeerReached{livekit::SUBSCRIBER, room::PeerStep::kFullyEstablished});
    CHECK(has_line(metrics, "livekit_peer_connection_state",
                   "transport=\"SUBSCRIBER\",state=\"fully_established\"", "1"));
    record(metrics, room::QualitySeen{{livekit::GOOD, 3.5F}});
    CHECK(has_line(metrics, "livekit_quality_rating_sum", "", "1"));
    CHECK(has_line(metrics, "livekit_quality_score_sum", "", "3.5"));
}

TEST_CASE("record: webhooks by outcome, without series of what never happened [OBS-01]") {
    Metrics metrics("n");
    api::WebhookStats stats;
    record(metrics, stats);
    CHECK(metrics.render().find("livekit_webhook_dispatch_total") == std::string::npos);
    stats.delivered = 15;
    stats.failed = 3;
    stats.failed_unreachable = 1;
    stats.dropped_old = 4;
    record(metrics, stats);
    record(metrics, stats);
    CHECK(metrics.value(Metric::kWebhookDispatchTotal, {"success", ""}) == 15);
    CHECK(metrics.value(Metric::kWebhookDispatchTotal, {"failure", "refused"}) == 2);
    CHECK(metrics.value(Metric::kWebhookDispatchTotal, {"failure", "unreachable"}) == 1);
    CHECK(metrics.value(Metric::kWebhookDispatchTotal, {"drop", "too_old"}) == 4);
    CHECK(metrics.render().find("reason=\"queue_full\"") == std::string::npos);
}

TEST_CASE("record: every state, step and phase has the label of the recorded dumps [OBS-01]") {
    using room::MediaPhase;
    using room::Operation;
    using room::PeerStep;
    using room::TrackStep;
    Metrics metrics("n");
    for (const auto& [step, label] :
         {std::pair{TrackStep::kAttempt, "attempt"}, std::pair{TrackStep::kSuccess, "success"},
          std::pair{TrackStep::kFailure, "failure"}, std::pair{TrackStep::kCancel, "cancel"}}) {
        CAPTURE(label);
        record(metrics, room::PublicationStep{livekit::AUDIO, step});
        CHECK(metrics.value(Metric::kTrackPublishCounter, {"AUDIO", label}) == 1);
        record(metrics, room::SubscriptionStep{livekit::AUDIO, step, livekit::SE_TRACK_NOTFOUND});
        const char* error = step == TrackStep::kFailure ? "SE_TRACK_NOTFOUND" : "";
        CHECK(metrics.value(Metric::kTrackSubscribeCounter, {label, error}) == 1);
    }
    for (const auto& [step, label] :
         {std::pair{PeerStep::kStarted, "started"},
          std::pair{PeerStep::kIceConnected, "ice_connected"},
          std::pair{PeerStep::kConnected, "connected"},
          std::pair{PeerStep::kFullyEstablished, "fully_established"}}) {
        CAPTURE(label);
        record(metrics, room::PeerReached{livekit::PUBLISHER, step});
        CHECK(metrics.value(Metric::kPeerConnectionState, {"PUBLISHER", label}) == 1);
        CHECK(metrics.value(Metric::kPeerConnectionState, {"SUBSCRIBER", label}) == 0);
    }
    for (const auto& [type, label] :
         {std::pair{sfu::ConnectionType::kUdp, "udp"}, std::pair{sfu::ConnectionType::kTcp, "tcp"},
          std::pair{sfu::ConnectionType::kTurn, "turn"}}) {
        CAPTURE(label);
        for (const int change : {1, 1, -1})
            record(metrics, room::ConnectionsChanged{type, change});
        CHECK(metrics.value(Metric::kConnections, {label}) == 1);
    }
    for (const auto& [operation, label] :
         {std::pair{Operation::kAnswer, "answer"}, std::pair{Operation::kOffer, "offer"},
          std::pair{Operation::kParticipantJoin, "participant_join"},
          std::pair{Operation::kPeerConnection, "peer_connection"}}) {
        CAPTURE(label);
        record(metrics, room::OperationDone{operation, {}});
        record(metrics, room::OperationDone{operation, "why"});
        CHECK(metrics.value(Metric::kNodeServiceOperation, {label, "success", ""}) == 1);
        CHECK(metrics.value(Metric::kNodeServiceOperation, {label, "error", "why"}) == 1);
    }
    for (const auto& [phase, label] : {std::pair{MediaPhase::kPublish, "publish"},
                                       std::pair{MediaPhase::kSubscribe, "subscribe"}}) {
        room::MediaDelay delay;
        delay.phase = phase;
        record(metrics, delay);
        CHECK(metrics.value(Metric::kPubSubTimeMs,
                            {label, "UNKNOWN", "AUDIO", "", "UNKNOWN", "STANDARD", "1"}) == 1);
    }
}

TEST_CASE("record: attempts have labels of their own up to five [OBS-01]") {
    Metrics metrics("n");
    room::MediaDelay delay;
    for (delay.attempt = 1; delay.attempt <= 7; ++delay.attempt)
        record(metrics, delay);
    const auto count = [&](const char* attempt) {
        return metrics.value(Metric::kPubSubTimeMs,
                             {"publish", "UNKNOWN", "AUDIO", "", "UNKNOWN", "STANDARD", attempt});
    };
    CHECK(count("1") == 1);
    CHECK(count("4") == 1);
    CHECK(count("5") == 3);
    CHECK(count("6") == 0);
}

TEST_CASE("record: webhooks by every outcome, and none stands for two [OBS-01]") {
    Metrics metrics("n");
    api::WebhookStats stats;
    stats.delivered = 1;
    stats.failed = 6;  // those without an answer included
    stats.failed_unreachable = 4;
    stats.dropped_full = 8;
    stats.dropped_old = 16;
    stats.dropped_unsigned = 32;
    stats.dropped_at_end = 64;
    stats.retries = 1000;  // no outcome
    record(metrics, stats);
    const auto count = [&](const char* status, const char* reason) {
        return metrics.value(Metric::kWebhookDispatchTotal, {status, reason});
    };
    CHECK(count("success", "") == 1);
    CHECK(count("failure", "refused") == 2);
    CHECK(count("failure", "unreachable") == 4);
    CHECK(count("drop", "queue_full") == 8);
    CHECK(count("drop", "too_old") == 16);
    CHECK(count("drop", "unknown_key") == 32);
    CHECK(count("drop", "shutdown") == 64);
}

TEST_CASE("record: the outbox, each figure where it belongs [HOOK-10]") {
    Metrics metrics("n");
    WebhookSender::OutboxFigures outbox;
    outbox.waiting = 3;
    outbox.oldest = Duration::millis(1500);
    outbox.file = {5, 7, 11, 13, true};
    record(metrics, outbox);
    CHECK(metrics.value(Metric::kWebhookOutboxWaiting) == 3);
    CHECK(metrics.value(Metric::kWebhookOutboxOldest) == 1.5);
    CHECK(metrics.value(Metric::kWebhookOutboxEvents) == 5);
    CHECK(metrics.value(Metric::kWebhookOutboxBytes) == 7);
    CHECK(metrics.value(Metric::kWebhookOutboxFailures) == 11);
    CHECK(metrics.value(Metric::kWebhookOutboxDropped) == 13);
    CHECK(metrics.value(Metric::kWebhookOutboxWorks) == 1);
    outbox.file.works = false;
    record(metrics, outbox);
    CHECK(metrics.value(Metric::kWebhookOutboxWorks) == 0);
}

}  // namespace confab::control
