// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a room tells for statistics alone (03 §6.1): steps of joins, publications, subscriptions and
// connections, and how long things took. Nothing that a client sees depends on it.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "base/time.h"
#include "livekit_models.pb.h"
#include "livekit_rtc.pb.h"
#include "room/quality/quality_view.h"
#include "sfu/shard/commands.h"

namespace confab::room {

// A new session on its way: in its room (kInit), told so (kConnected), with media (kActive and
// kSuccess), or ended before: left or sent away (kCanceled), connection not made (kFailure).
enum class JoinState : std::uint8_t { kInit, kConnected, kActive, kSuccess, kCanceled, kFailure };
struct JoinReached {
    JoinState state = JoinState::kInit;
};
// The first time that a session became active; `after` its join.
struct SessionActive {
    std::int32_t protocol = 0;
    Duration after;
};
// The end of a session that was active; `lasted` from its join.
struct SessionOver {
    std::int32_t protocol = 0;
    Duration lasted;
};
struct RoomOver {
    Duration lasted;
};

// An attempt ends with exactly one of kSuccess, kFailure and kCancel; a success later with kEnd.
enum class TrackStep : std::uint8_t { kAttempt, kSuccess, kFailure, kCancel, kEnd };
struct PublicationStep {
    livekit::TrackType kind = livekit::AUDIO;
    TrackStep step = TrackStep::kAttempt;
};
struct SubscriptionStep {
    livekit::TrackType kind = livekit::AUDIO;
    TrackStep step = TrackStep::kAttempt;
    livekit::SubscriptionError error = livekit::SE_UNKNOWN;  // of kFailure
};

// kPublish: from the request to the first packet that came. kSubscribe: from the subscription to
// its negotiated section. kStreamStart: from there to the first packet that left; of video only.
enum class MediaPhase : std::uint8_t { kPublish, kSubscribe, kStreamStart };
struct MediaDelay {
    MediaPhase phase = MediaPhase::kPublish;
    livekit::TrackSource source = livekit::UNKNOWN;
    livekit::TrackType kind = livekit::AUDIO;
    livekit::ClientInfo::SDK sdk = livekit::ClientInfo::UNKNOWN;  // of who publishes or subscribes
    livekit::ParticipantInfo::Kind participant = livekit::ParticipantInfo::STANDARD;
    std::uint32_t attempt = 1;  // how often it was tried
    Duration took;
};

enum class Operation : std::uint8_t { kAnswer, kOffer, kParticipantJoin, kPeerConnection };
struct OperationDone {
    Operation operation = Operation::kAnswer;
    std::string_view error;  // empty: it succeeded; else a literal
};

enum class PeerStep : std::uint8_t { kStarted, kIceConnected, kConnected, kFullyEstablished };
struct PeerReached {
    livekit::SignalTarget transport = livekit::PUBLISHER;
    PeerStep step = PeerStep::kStarted;
};

// One more or one less of those that are up.
struct ConnectionsChanged {
    sfu::ConnectionType type = sfu::ConnectionType::kUdp;
    int change = 0;
};

// Of one participant, at every look at it.
struct QualitySeen {
    QualityScore score;
};

using Observation = std::variant<JoinReached, SessionActive, SessionOver, RoomOver, PublicationStep,
                                 SubscriptionStep, MediaDelay, OperationDone, PeerReached,
                                 ConnectionsChanged, QualitySeen>;

}  // namespace confab::room
