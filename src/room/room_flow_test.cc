// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What outlives a message: sids over a resume, candidates and sections that come in another order
// than expected, publications and subscriptions that never come about.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "room/seam/data_seam_testing.h"
#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::make_offer;
using testing::test_config;
using testing::test_join;
using R = livekit::SignalResponse;

const livekit::TrackInfo& added(Harness& h, SessionId session) {
    for (auto it = h.signals[session].rbegin(); it != h.signals[session].rend(); ++it)
        if (it->has_track_published()) return it->track_published().track();
    FAIL("no track_published");
    return livekit::TrackInfo::default_instance();
}

livekit::SignalRequest trickle(livekit::SignalTarget target, int port) {
    livekit::SignalRequest request;
    request.mutable_trickle()->set_target(target);
    request.mutable_trickle()->set_candidateinit(
        R"({"candidate":"candidate:1 1 udp 2122260223 192.0.2.1 )" + std::to_string(port) +
        R"( typ host","sdpMid":"0","sdpMLineIndex":0})");
    return request;
}

// Where the first command of a type stands among all.
template <typename T>
std::size_t place_of(const Harness& h, sfu::PeerId peer) {
    for (std::size_t i = 0; i < h.commands.size(); ++i)
        if (const T* command = std::get_if<T>(&h.commands[i].command))
            if (command->peer == peer) return i;
    return h.commands.size();
}

livekit::SignalRequest video_with_codec(const std::string& codec, bool listed) {
    livekit::SignalRequest request;
    livekit::AddTrackRequest& add = *request.mutable_add_track();
    add.set_cid("cid-" + codec + (listed ? "-listed" : ""));
    add.set_type(livekit::VIDEO);
    add.set_source(livekit::CAMERA);
    if (listed) add.add_simulcast_codecs()->set_codec(codec);
    return request;
}

}  // namespace

TEST_CASE("A track keeps its sid from add_track over the resume [SIG-76]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.add_track(alice, "mic", false);
    const std::string sid = added(h, alice).sid();
    // The same cid again is queued and gets nothing, in particular not that sid.
    h.add_track(alice, "mic", false);
    CHECK(h.count(alice, R::kTrackPublished) == 1);
    CHECK(h.of(alice, R::kRequestResponse).back().request_response().reason() ==
          livekit::RequestResponse::QUEUED);
    h.offer(alice, make_offer({{"mic", false, {}}}));
    const SessionId bob = h.join_active("r", "bob");
    CHECK(h.sent(bob)[0].join().other_participants(0).tracks(0).sid() == sid);

    h.close(alice);
    JoinParams params = test_join("r", "alice");
    params.reconnect = true;
    const SessionId again = h.join(params);
    CHECK(h.of(again, R::kUpdate).back().update().participants(0).tracks(0).sid() == sid);
    livekit::SignalRequest sync;
    auto& track = *sync.mutable_sync_state()->add_publish_tracks();
    track.set_cid("mic");
    track.mutable_track()->set_sid(sid);
    h.send(again, sync);
    CHECK(h.count(again, R::kLeave) == 0);
    CHECK(h.commands_of<sfu::AddReceiver>().size() == 1);
    CHECK(h.commands_of<sfu::RemoveReceiver>().empty());
}

TEST_CASE("Candidates before the description wait for it, on either connection [SIG-87]") {
    Harness h;
    h.auto_answer = h.auto_connect = false;
    const SessionId alice = h.join(test_join("r", "alice"));
    h.send(alice, trickle(livekit::SUBSCRIBER, 4001));
    h.send(alice, trickle(livekit::PUBLISHER, 4002));
    h.send(alice, trickle(livekit::PUBLISHER, 4003));
    CHECK(h.commands_of<sfu::AddRemoteCandidate>().empty());
    h.offer(alice, make_offer({}));
    const auto candidates = h.commands_of<sfu::AddRemoteCandidate>();
    REQUIRE(candidates.size() == 2);
    CHECK(candidates[0].candidate.address.port == 4002);
    CHECK(candidates[1].candidate.address.port == 4003);
    CHECK(place_of<sfu::SetRemote>(h, candidates[0].peer) <
          place_of<sfu::AddRemoteCandidate>(h, candidates[0].peer));
    h.auto_answer = true;
    h.send(alice, trickle(livekit::PUBLISHER, 4004));
    REQUIRE(h.commands_of<sfu::AddRemoteCandidate>().size() == 4);
    const auto last = h.commands_of<sfu::AddRemoteCandidate>();
    CHECK(last[2].candidate.address.port == 4004);
    CHECK(last[3].candidate.address.port == 4001);  // with the subscriber's answer
    // And ours never come before the description they belong to.
    bool described = false;
    for (const R& frame : h.sent(alice)) {
        described = described || frame.has_offer();
        if (frame.has_trickle() && frame.trickle().target() == livekit::SUBSCRIBER)
            CHECK(described);
    }
}

TEST_CASE("Shutting down: every session is told to come back, and is closed [SIG-143]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const SessionId bob = h.join_active("other", "bob");
    h.publish(alice, "mic", false);
    h.manager.shut_down(h.clock());
    h.drain();
    for (const SessionId session : {alice, bob}) {
        REQUIRE(h.sent(session).back().has_leave());
        CHECK(h.sent(session).back().leave().reason() == livekit::SERVER_SHUTDOWN);
        CHECK(h.sent(session).back().leave().action() == livekit::LeaveRequest::RECONNECT);
        CHECK(h.closed.at(session) == 1000);
    }
    CHECK(h.manager.snapshot().rooms == 0);
    CHECK(h.manager.next_deadline().is_never());
    const auto names = h.webhook_names();
    CHECK(std::count(names.begin(), names.end(), "room_finished") == 2);
    CHECK(h.commands_of<sfu::ClosePeer>().size() == h.commands_of<sfu::CreatePeer>().size());
}

TEST_CASE("add_track after the offer with its section: published all the same [SIG-04] [SDP-30]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.offer(alice, make_offer({{"mic", false, {}}}));
    CHECK(h.commands_of<sfu::AddReceiver>().empty());
    h.add_track(alice, "mic", false);
    REQUIRE(h.commands_of<sfu::AddReceiver>().size() == 1);
    const SessionId bob = h.join_active("r", "bob");
    CHECK(h.sent(bob)[0].join().other_participants(0).tracks(0).sid() == added(h, alice).sid());
    // The same offer again makes no second receiver. Its answer is the first that knows what the
    // section is of: RED goes first, and the receiver expects it.
    h.offer(alice, make_offer({{"mic", false, {}}}), 2);
    auto receivers = h.commands_of<sfu::AddReceiver>();
    REQUIRE(receivers.size() == 2);
    CHECK(receivers[0].receiver == receivers[1].receiver);
    CHECK(receivers[0].codecs.front().codec == sfu::Codec::kOpus);
    CHECK(receivers[1].codecs.front().codec == sfu::Codec::kRed);
    h.offer(alice, make_offer({{"mic", false, {}}}), 3);
    CHECK(h.commands_of<sfu::AddReceiver>().size() == 2);
}

TEST_CASE("Layers of one stream or of several, by codec and by client [SDP-29]") {
    using Layer = livekit::VideoLayer;
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const auto mode = [&](SessionId session, const livekit::SignalRequest& request) {
        h.send(session, request);
        return added(h, session).codecs(0).video_layer_mode();
    };
    for (const char* codec : {"vp9", "av1"}) {
        CHECK(mode(alice, video_with_codec(codec, true)) ==
              Layer::MULTIPLE_SPATIAL_LAYERS_PER_STREAM);
        CHECK_FALSE(added(h, alice).simulcast());
        // Simulcast of an SVC codec, because the client says so.
        livekit::SignalRequest asked = video_with_codec(codec, true);
        asked.mutable_add_track()->set_cid(std::string("asked-") + codec);
        asked.mutable_add_track()->mutable_simulcast_codecs(0)->set_video_layer_mode(
            Layer::ONE_SPATIAL_LAYER_PER_STREAM);
        CHECK(mode(alice, asked) == Layer::ONE_SPATIAL_LAYER_PER_STREAM);
    }
    CHECK(mode(alice, video_with_codec("vp9", false)) == Layer::ONE_SPATIAL_LAYER_PER_STREAM);
    CHECK(mode(alice, video_with_codec("vp8", true)) == Layer::ONE_SPATIAL_LAYER_PER_STREAM);

    JoinParams obs = test_join("r", "obs");
    obs.client.set_browser("OBS Studio");
    const SessionId studio = h.join(obs);
    CHECK(mode(studio, video_with_codec("h264", true)) ==
          Layer::ONE_SPATIAL_LAYER_PER_STREAM_INCOMPLETE_RTCP_SR);
    // The shard is told the same.
    h.publish(alice, "cam", true);
    CHECK(h.commands_of<sfu::AddReceiver>().back().mode ==
          sfu::LayerMode::kOneSpatialLayerPerStream);
}

TEST_CASE("Single connection: the client's channels carry data both ways [SDP-41]") {
    testing::DataRooms d;
    Harness& h = d.h;
    JoinParams params = test_join("r", "solo");
    params.single_connection = true;
    params.publisher_offer.emplace();
    params.publisher_offer->set_sdp(make_offer({}));
    const SessionId solo = h.join(params);
    REQUIRE(h.sent(solo)[0].has_join());
    CHECK(h.commands_of<sfu::OpenDataChannels>().empty());
    REQUIRE(h.commands_of<sfu::CreatePeer>().size() == 1);
    const sfu::PeerId peer = h.commands_of<sfu::CreatePeer>()[0].peer;
    (void)h.join_active("r", "bob");
    const sfu::PeerId bob_up = [&] {
        h.offer(SessionId{}, "");  // no such session
        return h.commands_of<sfu::CreatePeer>().back().peer;
    }();

    livekit::DataPacket packet;
    packet.mutable_user()->set_payload("hello");
    const auto bytes = [&] {
        const std::string text = packet.SerializeAsString();
        return Bytes(text.begin(), text.end());
    };
    auto sent = d.receive(peer, bytes());
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].to != peer);
    sent = d.receive(bob_up, bytes());
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].to == peer);
    CHECK(sent[0].channel == sfu::DataChannel::kReliable);
}

TEST_CASE("Audio with a backup codec: which codecs are taken [SIG-52] [DYN-03]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    livekit::SignalRequest request;
    livekit::AddTrackRequest& add = *request.mutable_add_track();
    add.set_cid("mic");
    add.set_type(livekit::AUDIO);
    add.set_source(livekit::MICROPHONE);
    add.add_simulcast_codecs()->set_codec("opus");
    add.mutable_simulcast_codecs(0)->set_cid("mic");
    add.add_simulcast_codecs()->set_codec("pcmu");
    add.mutable_simulcast_codecs(1)->set_cid("mic-pcmu");
    h.send(alice, request);
    h.offer(alice, make_offer({{"mic", false, {}}}));
    CHECK(h.count(alice, R::kSubscribedAudioCodecUpdate) == 0);

    const SessionId bob = h.join_active("r", "bob");
    h.advance(Duration::millis(300));
    REQUIRE(h.count(alice, R::kSubscribedAudioCodecUpdate) == 1);
    auto update = h.of(alice, R::kSubscribedAudioCodecUpdate)[0].subscribed_audio_codec_update();
    CHECK(update.track_sid() == added(h, alice).sid());
    REQUIRE(update.subscribed_audio_codecs_size() == 1);
    CHECK(update.subscribed_audio_codecs(0).codec() == "opus");
    CHECK(update.subscribed_audio_codecs(0).enabled());

    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(bob, leave);
    h.advance(Duration::millis(1));  // at once
    REQUIRE(h.count(alice, R::kSubscribedAudioCodecUpdate) == 2);
    update = h.of(alice, R::kSubscribedAudioCodecUpdate)[1].subscribed_audio_codec_update();
    CHECK_FALSE(update.subscribed_audio_codecs(0).enabled());
    CHECK(h.count(alice, R::kSubscribedQualityUpdate) == 0);
}

TEST_CASE("A backup codec is added by sid alone, its kind is the track's [SIG-102]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    livekit::SignalRequest request;
    livekit::AddTrackRequest& add = *request.mutable_add_track();
    add.set_cid("cam");
    add.set_type(livekit::VIDEO);
    add.set_source(livekit::CAMERA);
    add.add_simulcast_codecs()->set_codec("vp8");
    add.mutable_simulcast_codecs(0)->set_cid("cam");
    add.add_simulcast_codecs()->set_codec("h264");
    h.send(alice, request);
    h.offer(alice, make_offer({{"cam", true, {}}}));

    livekit::SignalRequest later;
    livekit::AddTrackRequest& backup = *later.mutable_add_track();
    backup.set_cid("cam-h264");
    backup.set_sid(added(h, alice).sid());
    backup.add_simulcast_codecs()->set_codec("h264");
    backup.mutable_simulcast_codecs(0)->set_cid("cam-h264");
    h.send(alice, later);
    h.offer(alice, make_offer({{"cam", true, {}}, {"cam-h264", true, {}}}));
    CHECK(h.commands_of<sfu::AddReceiver>().size() == 2);
}

TEST_CASE("Audio with one codec needs no such message [SIG-52]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    (void)h.join_active("r", "bob");
    h.advance(Duration::seconds(20));
    CHECK(h.count(alice, R::kSubscribedAudioCodecUpdate) == 0);
}

TEST_CASE("Announced and never sent, or sent and never announced: reconnect on request [SIG-107]") {
    for (const bool enabled : {false, true}) {
        CAPTURE(enabled);
        Config config = test_config();
        config.reconnect_on_publication_error = enabled;
        Harness h(std::move(config));
        const SessionId alice = h.join_active("r", "alice");
        const SessionId bob = h.join_active("r", "bob");
        h.add_track(alice, "mic", false);
        h.offer(bob, make_offer({{"mic", false, {}}}));
        h.advance(Duration::seconds(29));
        CHECK(h.count(alice, R::kLeave) == 0);
        CHECK(h.count(bob, R::kLeave) == 0);
        h.advance(Duration::seconds(2));
        for (const SessionId session : {alice, bob}) {
            REQUIRE(h.count(session, R::kLeave) == (enabled ? 1 : 0));
            if (enabled)
                CHECK(h.of(session, R::kLeave)[0].leave().action() ==
                      livekit::LeaveRequest::RECONNECT);
        }
    }
}

TEST_CASE("The publication supervisor leaves working and muted tracks alone [SIG-107]") {
    Config config = test_config();
    config.reconnect_on_publication_error = true;
    Harness h(std::move(config));
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "mic", false);
    const SessionId bob = h.join_active("r", "bob");
    livekit::SignalRequest muted;
    muted.mutable_add_track()->set_cid("quiet");
    muted.mutable_add_track()->set_muted(true);
    h.send(bob, muted);
    // Media first, its announcement in time.
    const SessionId carol = h.join_active("r", "carol");
    h.offer(carol, make_offer({{"late", false, {}}}));
    h.advance(Duration::seconds(20));
    h.add_track(carol, "late", false);
    h.advance(Duration::seconds(60));
    for (const SessionId session : {alice, bob, carol})
        CHECK(h.count(session, R::kLeave) == 0);
}

TEST_CASE("A subscription without a section for 15 s is an error, once [SIG-111]") {
    for (const bool reconnect : {false, true}) {
        CAPTURE(reconnect);
        Config config = test_config();
        config.reconnect_on_subscription_error = reconnect;
        Harness h(std::move(config));
        const SessionId alice = h.join_active("r", "alice");
        JoinParams params = test_join("r", "solo");  // never adds a section, whatever it is asked
        params.single_connection = true;
        params.publisher_offer.emplace();
        params.publisher_offer->set_sdp(make_offer({}));
        const SessionId solo = h.join(params);
        h.publish(alice, "mic", false);
        h.advance(Duration::seconds(14));
        CHECK(h.count(solo, R::kSubscriptionResponse) == 0);
        h.advance(Duration::seconds(6));
        REQUIRE(h.count(solo, R::kSubscriptionResponse) == 1);
        const auto error = h.of(solo, R::kSubscriptionResponse)[0].subscription_response();
        CHECK(error.track_sid() == added(h, alice).sid());
        CHECK(error.err() == livekit::SE_UNKNOWN);
        CHECK(h.count(solo, R::kLeave) == (reconnect ? 1 : 0));
        h.advance(Duration::seconds(60));
        CHECK(h.count(solo, R::kSubscriptionResponse) == 1);
    }
}

TEST_CASE(
    "Settings of the node reach receivers, updates and webhooks [IN-08] [SIG-131] [HOOK-04]") {
    Config config = test_config();
    config.pli_throttle = {Duration::millis(1), Duration::millis(2), Duration::millis(3)};
    config.update_batch_bytes = 0;
    config.full_room_in_webhooks = true;
    Harness h(std::move(config));
    const SessionId alice = h.join_active("r", "alice");
    for (int i = 0; i < 20; ++i)
        (void)h.join_active("r", "p" + std::to_string(i));
    h.advance(Duration::seconds(4));
    REQUIRE(h.count(alice, R::kUpdate) == 1);  // a size of 0 is one message for all
    CHECK(h.of(alice, R::kUpdate)[0].update().participants_size() == 21);
    h.publish(alice, "cam", true);
    CHECK(h.commands_of<sfu::AddReceiver>()[0].pli_throttle[2] == Duration::millis(3));
    const livekit::WebhookEvent& hook = h.webhooks.back();
    REQUIRE(hook.event() == "track_published");
    CHECK(hook.room().empty_timeout() == 300);
}

TEST_CASE(
    "Webhooks that are sent nowhere have the names that the log shows, and no more [HOOK-02]") {
    Config config = test_config();
    config.webhooks_sent = false;
    config.full_room_in_webhooks = true;
    Harness h(std::move(config));
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "cam", true);
    REQUIRE(h.webhook_names() ==
            std::vector<std::string>{"room_started", "participant_joined", "track_published"});
    for (const livekit::WebhookEvent& hook : h.webhooks) {
        CHECK(hook.room().sid().starts_with("RM_"));
        CHECK(hook.room().name() == "r");
        CHECK(hook.room().empty_timeout() == 0);
        CHECK(hook.room().enabled_codecs().empty());
    }
    CHECK(h.webhooks[1].participant().identity() == "alice");
    CHECK(h.webhooks[1].participant().joined_at() == 0);
    CHECK(h.webhooks[2].participant().sid() == h.webhooks[1].participant().sid());
    CHECK(h.webhooks[2].track().sid().starts_with("TR_"));
}

TEST_CASE("A batch of updates goes in messages of bounded size, nobody is left out [SIG-131]") {
    Config config = test_config();
    config.update_batch_bytes = 1'000;
    Harness h(std::move(config));
    const SessionId alice = h.join_active("r", "alice");
    for (int i = 0; i < 20; ++i)
        (void)h.join_active("r", "p" + std::to_string(i));
    h.advance(Duration::seconds(4));
    std::set<std::string> told;
    for (const R& message : h.of(alice, R::kUpdate)) {
        CHECK(message.update().ByteSizeLong() < 1'100);  // and the frames around each
        for (const auto& info : message.update().participants())
            CHECK(told.insert(info.identity()).second);
    }
    CHECK(told.size() == 21);
    CHECK(h.count(alice, R::kUpdate) > 1);
}

TEST_CASE("Webhooks: whole objects, but names alone around a track [HOOK-02] [HOOK-04]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "cam", true);
    REQUIRE(h.webhook_names() ==
            std::vector<std::string>{"room_started", "participant_joined", "track_published"});
    for (const livekit::WebhookEvent& hook : h.webhooks) {
        INFO(hook.event());
        CHECK(hook.id().starts_with("EV_"));
        CHECK(hook.id().size() == 15);
        CHECK(hook.created_at() == h.clock().wall.s());
        CHECK(hook.room().name() == "r");
        CHECK(hook.room().sid().starts_with("RM_"));
        CHECK((hook.room().creation_time() != 0) == !hook.has_track());
        if (hook.has_participant()) CHECK(hook.participant().identity() == "alice");
        CHECK(hook.participant().has_permission() == (hook.event() == "participant_joined"));
    }
    CHECK(h.webhooks.back().participant().sid() == h.webhooks[1].participant().sid());
    CHECK(h.webhooks.back().track().sid().starts_with("TR_"));
    CHECK(h.webhooks.back().track().mime_type() == "video/VP8");
}

TEST_CASE("Playout delay: one connection for both directions has it, too [SDP-10] [IN-41]") {
    constexpr std::string_view kLine =
        "a=extmap:14 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay\r\n";
    for (const std::uint32_t min_ms : {0U, 100U}) {
        Harness h;
        livekit::CreateRoomRequest request;
        request.set_name("r");
        request.set_min_playout_delay(min_ms);
        REQUIRE(h.manager.create_room(h.clock(), request));
        h.publish(h.join_active("r", "alice"), "cam", true);
        h.advance(Duration::seconds(1));
        JoinParams params = test_join("r", "bob");
        params.single_connection = true;
        std::string offer = make_offer({}, 0, 1);
        offer.insert(offer.find("a=rtcp-mux", offer.find("m=video")), kLine);
        params.publisher_offer.emplace();
        params.publisher_offer->set_type("offer");
        params.publisher_offer->set_sdp(offer);
        (void)h.join(params);
        h.advance(Duration::seconds(1));
        const auto down = h.commands_of<sfu::AddDownTrack>();
        REQUIRE(down.size() == 1);
        CHECK(down[0].playout_delay.has_value() == (min_ms > 0));
        CHECK(down[0].extensions.playout_delay == (min_ms > 0 ? 14 : 0));
    }
}

// A room that has streams in step and a playout delay, and who comes to it with that browser.
std::string offer_in_step(Harness& h, const std::string& browser, SessionId& bob,
                          SessionId& alice) {
    livekit::CreateRoomRequest request;
    request.set_name("r");
    request.set_sync_streams(true);
    request.set_min_playout_delay(100);
    REQUIRE(h.manager.create_room(h.clock(), request));
    alice = h.join_active("r", "alice");
    JoinParams params = test_join("r", "bob");
    params.client.set_sdk(livekit::ClientInfo::JS);
    params.client.set_browser(browser);
    bob = h.join(params);
    h.publish(alice, "cam", true);
    h.advance(Duration::seconds(1));
    return h.of(bob, R::kOffer).back().offer().sdp();
}

std::size_t sections_of(const std::string& sdp) {
    std::size_t count = 0;
    for (std::size_t at = sdp.find("\nm="); at != std::string::npos; at = sdp.find("\nm=", at + 1))
        ++count;
    return count;
}

TEST_CASE(
    "Firefox has no streams in step: its sections are used again, its picture waits for no sound "
    "[SDP-03] [SDP-04] [IN-41]") {
    for (const bool firefox : {true, false}) {
        Harness h;
        SessionId alice, bob;
        const std::string first = offer_in_step(h, firefox ? "Firefox" : "Chrome", bob, alice);
        CHECK((first.find("playout-delay") == std::string::npos) == firefox);
        const std::string sid = h.of(alice, R::kTrackPublished)[0].track_published().track().sid();
        for (int i = 0; i < 6; ++i) {
            livekit::SignalRequest request;
            request.mutable_subscription()->add_track_sids(sid);
            request.mutable_subscription()->set_subscribe(i % 2 == 1);
            h.send(bob, request);
            h.advance(Duration::seconds(3));
        }
        const std::size_t more =
            sections_of(h.of(bob, R::kOffer).back().offer().sdp()) - sections_of(first);
        CHECK(more == (firefox ? 0 : 3));
    }
}

TEST_CASE("Playout delay: offered and told where the room has one [SIG-92] [IN-41]") {
    const auto run = [](std::uint32_t max_ms) {
        Config config = test_config();
        if (max_ms == 1) config.room.playout_delay = {Duration::millis(100), Duration::millis(200)};
        Harness h(std::move(config));
        livekit::CreateRoomRequest request;
        request.set_name("r");
        if (max_ms > 1) request.set_max_playout_delay(max_ms);
        REQUIRE(h.manager.create_room(h.clock(), request));
        const SessionId alice = h.join_active("r", "alice");
        const SessionId bob = h.join_active("r", "bob");
        h.publish(alice, "cam", true);
        h.advance(Duration::millis(300));
        const bool offered =
            h.of(bob, R::kOffer).back().offer().sdp().find("playout-delay") != std::string::npos;
        const auto down = h.commands_of<sfu::AddDownTrack>();
        REQUIRE(down.size() == 1);
        CHECK(offered == down[0].playout_delay.has_value());
        return down[0].playout_delay;
    };
    CHECK_FALSE(run(0));
    REQUIRE(run(1));
    CHECK(run(1)->min == Duration::millis(100));
    REQUIRE(run(500));
    CHECK(run(500)->max == Duration::millis(500));
    CHECK(run(500)->min == Duration::zero());
}

TEST_CASE("Presets: what the request says itself stays [ROOM-03] [IN-41]") {
    Config config = test_config();
    livekit::RoomConfiguration& preset = config.room.presets["calm"];
    preset.set_min_playout_delay(100);
    preset.set_max_playout_delay(200);
    preset.set_empty_timeout(77);
    Harness h(std::move(config));
    livekit::CreateRoomRequest request;
    request.set_name("r");
    request.set_room_preset("calm");
    request.set_max_playout_delay(500);
    request.set_empty_timeout(5);
    const auto made = h.manager.create_room(h.clock(), request);
    REQUIRE(made);
    CHECK(made->empty_timeout() == 5);
    const SessionId alice = h.join_active("r", "alice");
    (void)h.join_active("r", "bob");
    h.publish(alice, "cam", true);
    h.advance(Duration::millis(300));
    const auto down = h.commands_of<sfu::AddDownTrack>();
    REQUIRE(down.size() == 1);
    REQUIRE(down[0].playout_delay);
    CHECK(down[0].playout_delay->min == Duration::millis(100));
    CHECK(down[0].playout_delay->max == Duration::millis(500));
}

TEST_CASE("A client's wish about pausing reaches its connection [CON-40]") {
    Harness h;
    for (const std::optional<bool> wish : {std::optional<bool>{}, {true}, {false}}) {
        JoinParams params = test_join("r", "alice");
        params.subscriber_allow_pause = wish;
        (void)h.join(params);
        CHECK(h.commands_of<sfu::CreatePeer>().back().allow_pause == wish);
    }
}

}  // namespace confab::room
