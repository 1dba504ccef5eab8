// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What rooms tell for statistics: the steps of joins, tracks and connections, each once.
#include "room/scope/observation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_join;

std::vector<JoinState> join_states(const Harness& h) {
    std::vector<JoinState> result;
    for (const JoinReached& one : h.observed<JoinReached>())
        result.push_back(one.state);
    return result;
}

template <typename T>
std::size_t steps(const Harness& h, livekit::TrackType kind, TrackStep step) {
    const auto all = h.observed<T>();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const T& o) { return o.kind == kind && o.step == step; }));
}

std::size_t reached(const Harness& h, livekit::SignalTarget transport, PeerStep step) {
    const auto all = h.observed<PeerReached>();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(),
        [&](const PeerReached& o) { return o.transport == transport && o.step == step; }));
}

std::size_t done(const Harness& h, Operation operation, bool well) {
    const auto all = h.observed<OperationDone>();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const OperationDone& o) {
            return o.operation == operation && o.error.empty() == well;
        }));
}

}  // namespace

TEST_CASE("Observation: the steps of a join that succeeds, and its times [OBS-01]") {
    Harness h;
    h.auto_connect = false;
    const SessionId alice = h.join_active("r", "alice");
    CHECK(join_states(h) == std::vector{JoinState::kInit, JoinState::kConnected});
    CHECK(reached(h, livekit::SUBSCRIBER, PeerStep::kStarted) == 1);
    CHECK(reached(h, livekit::PUBLISHER, PeerStep::kStarted) == 0);
    CHECK(done(h, Operation::kParticipantJoin, true) == 1);
    CHECK(done(h, Operation::kOffer, true) == 1);
    h.advance(Duration::millis(250));
    const sfu::PeerId peer = h.commands_of<sfu::CreatePeer>().back().peer;
    sfu::PeerStateChanged state;
    state.peer = peer;
    state.state = sfu::PeerState::kConnected;
    h.event(state);
    CHECK(join_states(h) == std::vector{JoinState::kInit, JoinState::kConnected, JoinState::kActive,
                                        JoinState::kSuccess});
    REQUIRE(h.observed<SessionActive>().size() == 1);
    CHECK(h.observed<SessionActive>()[0].after == Duration::millis(250));
    CHECK(h.observed<SessionActive>()[0].protocol == 17);
    CHECK(done(h, Operation::kPeerConnection, true) == 1);
    CHECK(reached(h, livekit::SUBSCRIBER, PeerStep::kConnected) == 1);
    // Established only with both data channels.
    h.event(sfu::DataChannelOpened{peer, sfu::DataChannel::kReliable, ""});
    CHECK(reached(h, livekit::SUBSCRIBER, PeerStep::kFullyEstablished) == 0);
    h.event(sfu::DataChannelOpened{peer, sfu::DataChannel::kLossy, ""});
    h.event(sfu::DataChannelOpened{peer, sfu::DataChannel::kLossy, ""});
    h.event(state);
    CHECK(reached(h, livekit::SUBSCRIBER, PeerStep::kFullyEstablished) == 1);

    h.advance(Duration::seconds(3));
    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(alice, leave);
    CHECK(join_states(h).size() == 4);
    REQUIRE(h.observed<SessionOver>().size() == 1);
    CHECK(h.observed<SessionOver>()[0].lasted == Duration::millis(3250));
    CHECK(h.observed<RoomOver>().empty());
    h.advance(Duration::seconds(400));
    REQUIRE(h.observed<RoomOver>().size() == 1);
    CHECK(h.observed<RoomOver>()[0].lasted > Duration::millis(3250));
}

TEST_CASE("Observation: a connection counts while it is up, as what it is by then [ICE-18]") {
    using sfu::ConnectionType;
    using sfu::PeerState;
    Harness h;
    h.auto_connect = false;
    const SessionId alice = h.join_active("r", "alice");
    sfu::PeerStateChanged state;
    state.peer = h.commands_of<sfu::CreatePeer>().back().peer;
    const auto told = [&](PeerState to, ConnectionType type) {
        state.state = to;
        state.type = type;
        h.event(state);
        std::map<ConnectionType, int> up;
        for (const ConnectionsChanged& one : h.observed<ConnectionsChanged>())
            up[one.type] += one.change;
        return std::array{up[ConnectionType::kUdp], up[ConnectionType::kTcp],
                          up[ConnectionType::kTurn]};
    };
    CHECK(told(PeerState::kConnecting, ConnectionType::kTurn) == std::array{0, 0, 0});
    CHECK(told(PeerState::kConnected, ConnectionType::kTurn) == std::array{0, 0, 1});
    CHECK(told(PeerState::kConnected, ConnectionType::kTurn) == std::array{0, 0, 1});
    CHECK(told(PeerState::kReconnected, ConnectionType::kTcp) == std::array{0, 1, 0});
    CHECK(told(PeerState::kDisconnected, ConnectionType::kTcp) == std::array{0, 0, 0});
    CHECK(told(PeerState::kReconnected, ConnectionType::kUdp) == std::array{1, 0, 0});
    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(alice, leave);
    CHECK(told(PeerState::kConnected, ConnectionType::kTcp) == std::array{0, 0, 0});
}

TEST_CASE("Observation: joins that come to nothing [OBS-01]") {
    Harness h;
    h.auto_connect = false;
    const SessionId gone = h.join_active("r", "gone");
    h.close(gone);
    CHECK(join_states(h).back() == JoinState::kCanceled);
    (void)h.join_active("r", "late");
    h.advance(Duration::seconds(61));
    CHECK(join_states(h).back() == JoinState::kFailure);
    CHECK(h.observed<SessionOver>().empty());
    CHECK(h.observed<SessionActive>().empty());

    JoinParams heavy = test_join("r", "heavy");
    heavy.grants.metadata = std::string(1 << 20, 'x');
    (void)h.join(heavy);
    const auto operations = h.observed<OperationDone>();
    CHECK(operations.back().operation == Operation::kParticipantJoin);
    CHECK(operations.back().error == "too_large");
}

TEST_CASE("Observation: publications and subscriptions from attempt to end [OBS-01]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    h.advance(Duration::millis(50));
    h.add_track(alice, "mic", false);
    CHECK(steps<PublicationStep>(h, livekit::AUDIO, TrackStep::kAttempt) == 1);
    CHECK(steps<PublicationStep>(h, livekit::AUDIO, TrackStep::kSuccess) == 0);
    h.add_track(alice, "mic", false);  // queued behind the first
    CHECK(steps<PublicationStep>(h, livekit::AUDIO, TrackStep::kAttempt) == 1);
    h.advance(Duration::millis(30));
    h.publish(alice, "cam", true);
    h.advance(Duration::millis(200));  // a negotiation for bob may wait
    CHECK(steps<PublicationStep>(h, livekit::VIDEO, TrackStep::kAttempt) == 1);
    CHECK(steps<PublicationStep>(h, livekit::VIDEO, TrackStep::kSuccess) == 1);
    CHECK(steps<SubscriptionStep>(h, livekit::VIDEO, TrackStep::kAttempt) == 1);
    CHECK(steps<SubscriptionStep>(h, livekit::VIDEO, TrackStep::kSuccess) == 1);

    const auto before = h.observed<MediaDelay>().size();
    const auto receiver = h.commands_of<sfu::AddReceiver>().back();
    CHECK(receiver.source == sfu::MediaSource::kCamera);
    h.event(sfu::LayerStarted{receiver.receiver, 0, sfu::Codec::kVp8, Ssrc(5), 320, 180, Ssrc(0)});
    h.event(sfu::LayerStarted{receiver.receiver, 1, sfu::Codec::kVp8, Ssrc(6), 640, 360, Ssrc(0)});
    const auto down_track = h.commands_of<sfu::AddDownTrack>().back();
    CHECK(down_track.source == sfu::MediaSource::kCamera);
    h.advance(Duration::millis(20));
    h.event(sfu::StreamStateChanged{down_track.down_track, sfu::StreamState::kActive});
    h.event(sfu::StreamStateChanged{down_track.down_track, sfu::StreamState::kActive});
    const auto delays = h.observed<MediaDelay>();
    REQUIRE(delays.size() == before + 2);
    CHECK(delays[before - 1].phase == MediaPhase::kSubscribe);
    CHECK(delays[before].phase == MediaPhase::kPublish);
    CHECK(delays[before].took == Duration::millis(200));
    CHECK(delays[before].source == livekit::CAMERA);
    CHECK(delays[before].sdk == livekit::ClientInfo::JS);
    CHECK(delays[before + 1].phase == MediaPhase::kStreamStart);
    CHECK(delays[before + 1].took >= Duration::millis(20));

    h.close(bob);  // would come back: its primary connection is up
    livekit::RoomParticipantIdentity who;
    who.set_room("r");
    who.set_identity("bob");
    CHECK(h.manager.remove_participant(h.clock(), who));
    h.drain();
    CHECK(steps<SubscriptionStep>(h, livekit::VIDEO, TrackStep::kEnd) == 1);
    h.manager.shut_down(h.clock());
    h.drain();
    CHECK(steps<PublicationStep>(h, livekit::VIDEO, TrackStep::kEnd) == 1);
    CHECK(steps<PublicationStep>(h, livekit::AUDIO, TrackStep::kCancel) == 1);
    CHECK(steps<SubscriptionStep>(h, livekit::VIDEO, TrackStep::kCancel) == 0);
    CHECK(h.observed<RoomOver>().size() == 1);
}

TEST_CASE("Observation: subscriptions nobody answers or can decode end as such [OBS-01]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    (void)h.join_active("r", "silent");
    h.auto_answer = false;
    h.publish(alice, "cam", true);
    h.advance(Duration::millis(500));
    CHECK(steps<SubscriptionStep>(h, livekit::VIDEO, TrackStep::kAttempt) == 1);
    CHECK(steps<SubscriptionStep>(h, livekit::VIDEO, TrackStep::kSuccess) == 0);
    h.manager.shut_down(h.clock());
    h.drain();
    CHECK(steps<SubscriptionStep>(h, livekit::VIDEO, TrackStep::kCancel) == 1);
    CHECK(steps<SubscriptionStep>(h, livekit::VIDEO, TrackStep::kEnd) == 0);

    Harness picky;
    const SessionId publisher = picky.join_active("r", "publisher");
    picky.publish(publisher, "cam", true);
    picky.refused_codecs = {"VP8"};
    (void)picky.join_active("r", "picky");
    picky.advance(Duration::millis(500));
    CHECK(steps<SubscriptionStep>(picky, livekit::VIDEO, TrackStep::kAttempt) == 1);
    REQUIRE(steps<SubscriptionStep>(picky, livekit::VIDEO, TrackStep::kFailure) == 1);
    CHECK(picky.observed<SubscriptionStep>().back().error == livekit::SE_CODEC_UNSUPPORTED);
    CHECK(steps<SubscriptionStep>(picky, livekit::VIDEO, TrackStep::kCancel) == 0);
}

TEST_CASE("Observation: quality of those who send or receive, every 5 s [OBS-01]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    (void)h.join_active("r", "bob");
    h.advance(Duration::seconds(6));
    CHECK(h.observed<QualitySeen>().empty());
    h.publish(alice, "mic", false);
    sfu::QualityBatch batch;
    sfu::QualitySample& sample = batch.samples.emplace_back();
    sample.receiver = h.commands_of<sfu::AddReceiver>().back().receiver;
    sample.packets_expected = 100;
    h.event(batch);
    h.advance(Duration::seconds(5));
    REQUIRE(h.observed<QualitySeen>().size() == 1);
    CHECK(h.observed<QualitySeen>()[0].score.quality == livekit::EXCELLENT);
    CHECK(h.observed<QualitySeen>()[0].score.mos == doctest::Approx(4.5));
}

}  // namespace confab::room
