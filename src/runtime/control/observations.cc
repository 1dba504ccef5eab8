// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/observations.h"

#include <algorithm>
#include <string>

namespace confab::control {
namespace {

using telemetry::Metric;
using telemetry::Metrics;

// Clients decide how often they try: more is one value, so that the labels are few.
constexpr std::uint32_t kMaxAttemptLabel = 5;
constexpr std::int32_t kMaxProtocolLabel = 99;  // upstream's is 17 after six years

double to_ms(Duration time) {
    return static_cast<double>(time.us()) / 1000.0;
}

const char* to_label(room::JoinState state) {
    switch (state) {
        case room::JoinState::kInit:
            return "rtc_init";
        case room::JoinState::kConnected:
            return "rtc_connected";
        case room::JoinState::kActive:
            return "rtc_active";
        case room::JoinState::kSuccess:
            return "rtc_success";
        case room::JoinState::kCanceled:
            return "rtc_canceled";
        case room::JoinState::kFailure:
            return "rtc_failure";
    }
    return "";
}

const char* to_label(room::TrackStep step) {
    switch (step) {
        case room::TrackStep::kAttempt:
            return "attempt";
        case room::TrackStep::kSuccess:
            return "success";
        case room::TrackStep::kFailure:
            return "failure";
        case room::TrackStep::kCancel:
            return "cancel";
        case room::TrackStep::kEnd:
            break;  // moves only the gauges
    }
    return "";
}

const char* to_label(room::MediaPhase phase) {
    switch (phase) {
        case room::MediaPhase::kPublish:
            return "publish";
        case room::MediaPhase::kSubscribe:
            return "subscribe";
        case room::MediaPhase::kStreamStart:
            return "subscribe-stream-start";
    }
    return "";
}

const char* to_label(room::Operation operation) {
    switch (operation) {
        case room::Operation::kAnswer:
            return "answer";
        case room::Operation::kOffer:
            return "offer";
        case room::Operation::kParticipantJoin:
            return "participant_join";
        case room::Operation::kPeerConnection:
            return "peer_connection";
    }
    return "";
}

const char* to_label(room::PeerStep step) {
    switch (step) {
        case room::PeerStep::kStarted:
            return "started";
        case room::PeerStep::kIceConnected:
            return "ice_connected";
        case room::PeerStep::kConnected:
            return "connected";
        case room::PeerStep::kFullyEstablished:
            return "fully_established";
    }
    return "";
}

// 1 where the number of successes that last grows, -1 where it shrinks.
double current(room::TrackStep step) {
    if (step == room::TrackStep::kSuccess) return 1;
    return step == room::TrackStep::kEnd ? -1 : 0;
}

struct Recorder {
    Metrics& metrics;

    void operator()(const room::JoinReached& o) const {
        metrics.add(Metric::kParticipantJoinTotal, {to_label(o.state)});
    }
    void operator()(const room::SessionActive& o) const {
        metrics.observe(Metric::kSessionStartTimeMs, {protocol_label(o.protocol)}, to_ms(o.after));
    }
    void operator()(const room::SessionOver& o) const {
        metrics.observe(Metric::kSessionDurationMs, {protocol_label(o.protocol)}, to_ms(o.lasted));
    }
    void operator()(const room::RoomOver& o) const {
        metrics.observe(Metric::kRoomDurationSeconds, to_ms(o.lasted) / 1000.0);
    }
    void operator()(const room::PublicationStep& o) const {
        const std::string& kind = livekit::TrackType_Name(o.kind);
        if (const double change = current(o.step); change != 0)
            metrics.add(Metric::kTrackPublishedTotal, {kind}, change);
        if (o.step != room::TrackStep::kEnd)
            metrics.add(Metric::kTrackPublishCounter, {kind, to_label(o.step)});
    }
    void operator()(const room::SubscriptionStep& o) const {
        if (const double change = current(o.step); change != 0)
            metrics.add(Metric::kTrackSubscribedTotal, {livekit::TrackType_Name(o.kind)}, change);
        if (o.step == room::TrackStep::kEnd) return;
        const bool failed = o.step == room::TrackStep::kFailure;
        metrics.add(Metric::kTrackSubscribeCounter,
                    {to_label(o.step), failed ? livekit::SubscriptionError_Name(o.error) : ""});
    }
    void operator()(const room::MediaDelay& o) const {
        const std::string attempt = std::to_string(std::min(o.attempt, kMaxAttemptLabel));
        metrics.observe(Metric::kPubSubTimeMs,
                        {to_label(o.phase), livekit::TrackSource_Name(o.source),
                         livekit::TrackType_Name(o.kind), "", livekit::ClientInfo::SDK_Name(o.sdk),
                         livekit::ParticipantInfo::Kind_Name(o.participant), attempt},
                        to_ms(o.took));
    }
    void operator()(const room::OperationDone& o) const {
        metrics.add(Metric::kNodeServiceOperation,
                    {to_label(o.operation), o.error.empty() ? "success" : "error", o.error});
    }
    void operator()(const room::PeerReached& o) const {
        metrics.add(Metric::kPeerConnectionState,
                    {livekit::SignalTarget_Name(o.transport), to_label(o.step)});
    }
    void operator()(const room::ConnectionsChanged& o) const {
        metrics.add(Metric::kConnections, {sfu::to_text(o.type)}, o.change);
    }
    void operator()(const room::QualitySeen& o) const {
        metrics.observe(Metric::kQualityRating, static_cast<double>(o.score.quality));
        metrics.observe(Metric::kQualityScore, static_cast<double>(o.score.mos));
    }
};

}  // namespace

std::string protocol_label(std::int32_t protocol) {
    return protocol >= 0 && protocol <= kMaxProtocolLabel ? std::to_string(protocol) : "other";
}

void record(Metrics& metrics, const room::Observation& observation) {
    std::visit(Recorder{metrics}, observation);
}

void record(Metrics& metrics, const api::WebhookStats& stats) {
    const auto set = [&](const char* status, const char* reason, std::uint64_t count) {
        if (count > 0)
            metrics.set(Metric::kWebhookDispatchTotal, {status, reason},
                        static_cast<double>(count));
    };
    set("success", "", stats.delivered);
    set("failure", "refused", stats.failed - stats.failed_unreachable);
    set("failure", "unreachable", stats.failed_unreachable);
    set("drop", "queue_full", stats.dropped_full);
    set("drop", "too_old", stats.dropped_old);
    set("drop", "unknown_key", stats.dropped_unsigned);
    set("drop", "shutdown", stats.dropped_at_end);
}

void record(Metrics& metrics, const WebhookSender::OutboxFigures& outbox) {
    const auto set = [&](Metric metric, std::uint64_t value) {
        metrics.set(metric, static_cast<double>(value));
    };
    set(Metric::kWebhookOutboxWorks, outbox.file.works ? 1 : 0);
    set(Metric::kWebhookOutboxWaiting, outbox.waiting);
    metrics.set(Metric::kWebhookOutboxOldest, outbox.oldest.to_seconds());
    set(Metric::kWebhookOutboxEvents, outbox.file.events);
    set(Metric::kWebhookOutboxBytes, outbox.file.bytes);
    set(Metric::kWebhookOutboxFailures, outbox.file.failed);
    set(Metric::kWebhookOutboxDropped, outbox.file.dropped);
}

}  // namespace confab::control
