// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session: wishes about what others publish, media that waits for the server, limits.
#include <doctest/doctest.h>

#include "client/session/session_testing.h"

namespace confab::client {
namespace {

using Case = livekit::SignalRequest::MessageCase;

std::vector<std::string> sids(const google::protobuf::RepeatedPtrField<std::string>& field) {
    return {field.begin(), field.end()};
}

livekit::SignalResponse candidate(livekit::SignalTarget target, const char* address) {
    livekit::SignalResponse response;
    response.mutable_trickle()->set_target(target);
    response.mutable_trickle()->set_candidateinit(
        std::string(R"({"candidate":"candidate:1 1 udp 7 )") + address + R"( 4444 typ host"})");
    return response;
}

// Whether a connection sends checks to that address.
bool checks(Session& session, Target target, std::uint32_t address) {
    for (int ms = 0; ms < 2000; ms += 10) {
        session.handle_timeout(kStart + Duration::millis(ms));
        while (const auto out = session.poll_transmit())
            if (out->target == target && out->datagram.path.remote.ip == IpAddress::v4(address))
                return true;
    }
    return false;
}

}  // namespace

TEST_CASE("Session: a resume tells the wishes that are not the default, no others [SIG-146]") {
    for (const bool automatic : {true, false}) {
        CAPTURE(automatic);
        Fixture f(true, automatic);
        const livekit::JoinRequest join = f.joined();
        CHECK(join.connection_settings().auto_subscribe() == automatic);
        f.answer(join.publisher_offer());
        f.session.subscriptions().subscribe({"TR_a", "TR_b", "TR_c"}, !automatic);
        f.session.subscriptions().subscribe({"TR_b"}, automatic);  // as without a word
        livekit::UpdateTrackSettings settings;
        settings.add_track_sids("TR_d");
        settings.add_track_sids("TR_e");
        settings.set_disabled(true);
        f.session.subscriptions().update_settings(settings);
        settings.clear_track_sids();
        settings.add_track_sids("TR_d");
        settings.set_disabled(false);
        f.session.subscriptions().update_settings(settings);
        const livekit::SyncState state = f.resumed().at(0).sync_state();
        CHECK(state.subscription().subscribe() == !automatic);
        CHECK(sids(state.subscription().track_sids()) == std::vector<std::string>{"TR_a", "TR_c"});
        CHECK(sids(state.track_sids_disabled()) == std::vector<std::string>{"TR_e"});
    }
}

TEST_CASE("Session: a join request says what it was configured with [CON-35] [SIG-161]") {
    srtp::Engine engine;
    SessionConfig config;
    config.crypto = {&engine, nullptr, true};
    config.auto_subscribe_data = true;
    config.single = false;
    Session session(config, Rng(1));
    const livekit::JoinRequest join = session.start(kStart);
    CHECK(join.connection_settings().auto_subscribe());
    CHECK(join.connection_settings().auto_subscribe_data_track());
    CHECK(join.client_info().protocol() >= 16);
    CHECK_FALSE(join.reconnect());
}

TEST_CASE("Session: wishes and events have an end") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    livekit::UpdateTrackSettings settings;
    settings.set_disabled(true);
    for (std::size_t i = 0; i <= Subscriptions::kMaxWishes; ++i) {
        f.session.subscriptions().subscribe({"TR_" + std::to_string(i)}, false);
        settings.clear_track_sids();
        settings.add_track_sids("TR_" + std::to_string(i));
        f.session.subscriptions().update_settings(settings);
        if (i % 1000 == 0) (void)f.requests();
    }
    const auto kept = static_cast<int>(Subscriptions::kMaxWishes);
    const livekit::SyncState state = f.resumed().at(0).sync_state();
    CHECK(state.subscription().track_sids_size() == kept);
    CHECK(state.track_sids_disabled_size() == kept);

    while (f.session.poll_event()) {
    }
    livekit::SignalResponse leave;
    leave.mutable_leave();
    for (std::size_t i = 0; i < Session::kMaxEvents + 2; ++i)
        (void)f.session.handle_signal(kStart, leave);
    CHECK(f.session.counters().dropped_events == 2);
    std::size_t events = 0;
    while (f.session.poll_event())
        ++events;
    CHECK(events == Session::kMaxEvents);
}

TEST_CASE("Session: media begins when the server has taken its section, not before [SIG-86]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    PublishOptions held = Fixture::microphone("held");
    held.plan.number = 2;
    held.encode = false;
    f.session.tracks().publish(Fixture::microphone("a"));
    f.session.tracks().publish(held);
    const auto waits = [&] { return f.session.publisher().next_deadline().is_never(); };
    CHECK(waits());
    livekit::SessionDescription offer = f.one(Case::kOffer).offer();
    SUBCASE("refused") {
        // With port 0 (RFC 9429 §5.3.1) or as one that nobody listens to.
        auto sections = *sdp::parse(offer.sdp());
        for (sdp::MediaSection& section : sections.sections)
            if (section.msid) section.direction = sdp::Direction::kInactive;
        offer.set_sdp(sdp::write(sections));
        f.answer(offer);
        CHECK(waits());
        f.session.tracks().start_media(kStart);
        CHECK(waits());
    }
    SUBCASE("taken") {
        f.answer(offer);
        CHECK_FALSE(waits());
        f.answer(f.one(Case::kOffer).offer());  // with the other
        f.session.tracks().unpublish("a");
        CHECK(waits());  // the other was not to begin yet
        f.session.tracks().start_media(kStart);
        CHECK_FALSE(waits());
    }
}

TEST_CASE("Session: an end or a refusal of another track is none of ours [SIG-95]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    f.session.tracks().publish(Fixture::microphone("a"));
    livekit::SignalResponse response;
    response.mutable_track_unpublished();  // no sid; ours has none yet
    f.give(response);
    response.mutable_track_unpublished()->set_track_sid("TR_x");
    f.give(response);
    response.mutable_request_response()->set_reason(livekit::RequestResponse::NOT_ALLOWED);
    f.give(response);  // of some other request
    response.mutable_request_response()->mutable_add_track()->set_cid("b");
    f.give(response);
    response.mutable_track_published()->set_cid("b");
    response.mutable_track_published()->mutable_track()->set_sid("TR_b");
    f.give(response);
    CHECK(f.session.tracks().cids() == std::vector<std::string>{"a"});
    CHECK(f.session.tracks().announced() == 0);
    // Once it has a sid, a late refusal of its announcement changes nothing.
    response.mutable_track_published()->set_cid("a");
    response.mutable_track_published()->mutable_track()->set_sid("TR_a");
    f.give(response);
    response.mutable_request_response()->set_reason(livekit::RequestResponse::NOT_ALLOWED);
    response.mutable_request_response()->mutable_add_track()->set_cid("a");
    f.give(response);
    CHECK(f.session.tracks().sid("a") == "TR_a");
    CHECK(f.session.counters().unpublished == 0);
}

TEST_CASE("Session: candidates go to the connection that they are for [SIG-03]") {
    SUBCASE("one connection takes those of either target") {
        Fixture f(true);
        f.answer(f.joined().publisher_offer());
        f.give(candidate(livekit::SUBSCRIBER, "10.0.0.9"));
        CHECK(checks(f.session, Target::kPublisher, 0x0A00'0009));
    }
    SUBCASE("two take their own") {
        Fixture f(false);
        (void)f.joined();
        // Before its offer there is no such connection.
        f.give(candidate(livekit::SUBSCRIBER, "10.0.0.7"));
        OfferBuilder server(OfferSize::kLean, 0);
        livekit::SignalResponse response;
        response.mutable_offer()->set_sdp(server.offer({"srvr", "server-password", "CC"}));
        f.give(response);
        f.answer(f.one(Case::kOffer).offer());
        f.give(candidate(livekit::SUBSCRIBER, "10.0.0.8"));
        f.give(candidate(livekit::PUBLISHER, "10.0.0.9"));
        CHECK(checks(f.session, Target::kPublisher, 0x0A00'0009));
        CHECK_FALSE(checks(f.session, Target::kPublisher, 0x0A00'0008));
        CHECK_FALSE(checks(f.session, Target::kSubscriber, 0x0A00'0007));
    }
}

TEST_CASE("Session: who leaves says so, also when the WebSocket is gone for a moment [SIG-01]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    (void)f.requests();
    f.session.leave();
    CHECK(f.one(Case::kLeave).leave().reason() == livekit::CLIENT_INITIATED);
    f.session.signal_closed();
    f.session.leave();
    CHECK(f.requests().empty());
    (void)f.session.resume(kStart, livekit::RR_SIGNAL_DISCONNECTED);
    livekit::SignalResponse response;
    response.mutable_reconnect();
    f.give(response);
    CHECK(f.one(Case::kLeave).has_leave());
}

}  // namespace confab::client
