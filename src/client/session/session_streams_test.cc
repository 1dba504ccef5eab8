// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session: what others publish and what we want of it; what ends and what is said of it.
#include <doctest/doctest.h>

#include <algorithm>

#include "client/session/session_testing.h"

namespace confab::client {
namespace {

using Case = livekit::SignalRequest::MessageCase;

// What the server sends: an offer of its own, or the sections of its answer.
sdp::Description with_stream(const char* owner, const char* track) {
    OfferBuilder server(OfferSize::kLean, 0);
    TrackPlan plan;
    plan.announce_ssrcs = true;
    plan.layers = {{"", 31, 0, 0, 0, 1}};
    (void)server.add_sending(plan, track);
    auto description = *sdp::parse(server.offer({"srvr", "server-password", "CC"}));
    description.sections.back().msid->stream = owner;
    return description;
}
livekit::SignalResponse offered(const sdp::Description& description, std::uint32_t id) {
    livekit::SignalResponse response;
    response.mutable_offer()->set_sdp(sdp::write(description));
    response.mutable_offer()->set_id(id);
    return response;
}
template <typename T>
std::size_t events(Fixture& f) {
    std::size_t count = 0;
    while (f.event<T>())
        ++count;
    return count;
}
bool said(const std::vector<livekit::SignalRequest>& requests, Case kind) {
    return std::ranges::any_of(requests,
                               [kind](const auto& r) { return r.message_case() == kind; });
}

}  // namespace

TEST_CASE("Session: streams are those of the newest offer, a change is told once [SDP-04]") {
    Fixture f(false);
    (void)f.joined();
    auto description = with_stream("PA_x|TR_a", "TR_a");
    f.give(offered(description, 1));
    CHECK(events<StreamsChanged>(f) == 1);
    REQUIRE(f.session.subscriptions().streams().size() == 1);
    CHECK(f.session.subscriptions().streams().at("TR_a").participant_sid == "PA_x");
    f.give(offered(description, 2));  // the same again
    CHECK(events<StreamsChanged>(f) == 0);
    description.sections.back().ssrcs[0].ssrc = 32;
    f.give(offered(description, 3));
    CHECK(events<StreamsChanged>(f) == 1);
    CHECK(f.session.subscriptions().streams().at("TR_a").ssrc == 32);
    description.sections.back().direction = sdp::Direction::kInactive;
    f.give(offered(description, 4));
    CHECK(events<StreamsChanged>(f) == 1);
    CHECK(f.session.subscriptions().streams().empty());
    for (const auto& request : f.requests())
        if (request.has_answer()) CHECK(request.answer().type() == "answer");
}

TEST_CASE("Session: with one connection streams stand in the answer, with two not [SDP-04]") {
    for (const bool single : {true, false}) {
        CAPTURE(single);
        Fixture f(single);
        livekit::SessionDescription offer = f.joined().publisher_offer();
        if (!single) {
            f.session.tracks().publish(Fixture::microphone("a"));
            offer = f.one(Case::kOffer).offer();
        }
        livekit::SignalResponse response;
        auto answer = with_stream("PA_x|TR_a", "TR_a");
        for (sdp::MediaSection& section : answer.sections)
            section.setup = sdp::Setup::kActive;
        response.mutable_answer()->set_id(offer.id());
        response.mutable_answer()->set_sdp(sdp::write(answer));
        f.give(response);
        CHECK(f.session.subscriptions().streams().size() == (single ? 1 : 0));
        CHECK(events<StreamsChanged>(f) == (single ? 1 : 0));
    }
}

TEST_CASE("Session: wishes are said as they are [SIG-06][SIG-07]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    (void)f.requests();
    for (const bool wanted : {true, false}) {
        f.session.subscriptions().subscribe({"TR_a", "TR_b"}, wanted);
        const auto request = f.one(Case::kSubscription).subscription();
        CHECK(request.subscribe() == wanted);
        REQUIRE(request.track_sids_size() == 2);
        CHECK(request.track_sids(1) == "TR_b");
    }
    livekit::UpdateTrackSettings settings;
    settings.add_track_sids("TR_a");
    settings.set_quality(livekit::LOW);
    settings.set_width(320);
    f.session.subscriptions().update_settings(settings);
    const auto told = f.one(Case::kTrackSetting).track_setting();
    CHECK(told.track_sids(0) == "TR_a");
    CHECK(told.quality() == livekit::LOW);
    CHECK(told.width() == 320);
    f.session.data().subscribe({"DTR_a"}, true);
    const auto data = f.one(Case::kUpdateDataSubscription).update_data_subscription();
    REQUIRE(data.updates_size() == 1);
    CHECK(data.updates(0).track_sid() == "DTR_a");
    CHECK(data.updates(0).subscribe());
}

TEST_CASE(
    "Session: data tracks are said while there is a WebSocket, else with the next [SIG-125]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    (void)f.requests();
    f.session.data().publish_track(1, "a");
    CHECK(f.one(Case::kPublishDataTrackRequest).publish_data_track_request().name() == "a");
    f.session.data().publish_track(1, "again");  // the handle is taken
    f.session.data().unpublish_track(2);         // there is none
    CHECK(f.requests().empty());
    livekit::SignalResponse response;
    response.mutable_publish_data_track_response()->mutable_info()->set_pub_handle(1);
    response.mutable_publish_data_track_response()->mutable_info()->set_sid("DTR_a");
    f.give(response);
    f.session.data().unpublish_track(1);
    CHECK(f.one(Case::kUnpublishDataTrackRequest).unpublish_data_track_request().pub_handle() == 1);
    // Unanswered it is said again after a resume, answered it is not.
    CHECK(said(f.resumed(), Case::kUnpublishDataTrackRequest));
    response.mutable_unpublish_data_track_response()->mutable_info()->set_pub_handle(1);
    response.mutable_unpublish_data_track_response()->mutable_info()->set_sid("DTR_a");
    f.give(response);
    CHECK_FALSE(said(f.resumed(), Case::kUnpublishDataTrackRequest));
    f.session.signal_closed();
    f.session.data().publish_track(3, "later");
    f.session.data().subscribe({"DTR_x"}, true);
    CHECK(f.requests().empty());
    const auto requests = f.resumed();
    CHECK(said(requests, Case::kPublishDataTrackRequest));
    CHECK(said(requests, Case::kUpdateDataSubscription));
}

TEST_CASE("Session: a refused data track is none, one the server names is ours [SIG-125][TOK-13]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    f.session.data().publish_track(1, "refused");
    f.session.data().publish_track(2, "named");
    (void)f.requests();
    livekit::SignalResponse refused;
    refused.mutable_request_response()->set_reason(livekit::RequestResponse::NOT_ALLOWED);
    refused.mutable_request_response()->mutable_publish_data_track()->set_pub_handle(1);
    f.give(refused);
    livekit::SignalResponse update;
    livekit::ParticipantInfo& self = *update.mutable_update()->add_participants();
    self.set_sid("PA_me");
    self.set_version(9);
    livekit::DataTrackInfo& info = *self.add_data_tracks();
    info.set_pub_handle(2);
    info.set_sid("DTR_b");
    info.set_name("named");
    f.give(update);
    const auto requests = f.resumed();
    CHECK_FALSE(said(requests, Case::kPublishDataTrackRequest));
    REQUIRE(requests.front().sync_state().publish_data_tracks_size() == 1);
    const auto& told = requests.front().sync_state().publish_data_tracks(0).info();
    CHECK(told.sid() == "DTR_b");
    CHECK(told.pub_handle() == 2);
    CHECK(told.name() == "named");
}

TEST_CASE("Session: what the server ends or refuses gives its section back at once [SIG-95]") {
    for (const bool refused : {true, false}) {
        CAPTURE(refused);
        Fixture f(true);
        f.answer(f.joined().publisher_offer());
        f.session.tracks().publish(Fixture::microphone("a"));
        f.answer(f.one(Case::kOffer).offer());
        CHECK_FALSE(f.session.publisher().next_deadline().is_never());
        livekit::SignalResponse response;
        if (refused) {
            response.mutable_request_response()->set_reason(livekit::RequestResponse::NOT_ALLOWED);
            response.mutable_request_response()->mutable_add_track()->set_cid("a");
        } else {
            response.mutable_track_published()->set_cid("a");
            response.mutable_track_published()->mutable_track()->set_sid("TR_a");
            f.give(response);
            response.mutable_track_unpublished()->set_track_sid("TR_a");
        }
        f.give(response);
        const auto offer = sdp::parse(f.one(Case::kOffer).offer().sdp());
        CHECK(offer->sections.back().direction == sdp::Direction::kInactive);
        CHECK(f.session.publisher().next_deadline().is_never());
        // The cid is free again.
        f.session.tracks().publish(Fixture::microphone("a"));
        CHECK(f.session.tracks().cids().size() == 1);
    }
}

TEST_CASE("Session: each answer begins the media of a track once [SIG-86]") {
    Fixture f(true);
    f.answer(f.joined().publisher_offer());
    f.session.tracks().publish(Fixture::microphone("a"));
    f.answer(f.one(Case::kOffer).offer());
    f.session.tracks().publish(Fixture::microphone("b"));
    f.answer(f.one(Case::kOffer).offer());
    f.session.tracks().start_media(kStart);
    f.session.tracks().unpublish("a");
    f.session.tracks().unpublish("b");
    // With a second encoder of the first track something would be left.
    CHECK(f.session.publisher().next_deadline().is_never());
}

TEST_CASE("Session: others are known from the join on, and by later updates [SIG-130]") {
    Fixture f(true);
    (void)f.session.start(kStart);
    livekit::SignalResponse response;
    response.mutable_join()->mutable_participant()->set_sid("PA_me");
    livekit::ParticipantInfo& other = *response.mutable_join()->add_other_participants();
    other.set_sid("PA_x");
    other.set_identity("x");
    f.give(response);
    REQUIRE(f.session.roster().find_identity("x") != nullptr);
    CHECK(f.session.roster().find_identity("x")->sid() == "PA_x");
    livekit::ParticipantInfo& later = *response.mutable_update()->add_participants();
    later.set_sid("PA_y");
    later.set_identity("y");
    f.give(response);
    CHECK(f.session.roster().find_identity("y") != nullptr);
    response.mutable_update()->mutable_participants(0)->set_state(
        livekit::ParticipantInfo::DISCONNECTED);
    f.give(response);
    CHECK(f.session.roster().find_identity("y") == nullptr);
    CHECK(f.session.self().sid() == "PA_me");
}

TEST_CASE("Session: what waited goes once, not with every resume [SIG-161]") {
    Fixture f(true);
    (void)f.session.start(kStart);
    f.session.subscriptions().update_settings({});  // before there is a WebSocket
    livekit::SignalResponse join;
    join.mutable_join()->mutable_participant()->set_sid("PA_me");
    f.give(join);
    CHECK(said(f.requests(), Case::kTrackSetting));
    CHECK_FALSE(said(f.resumed(), Case::kTrackSetting));
    f.session.signal_closed();
    f.session.subscriptions().update_settings({});
    CHECK(said(f.resumed(), Case::kTrackSetting));
    CHECK_FALSE(said(f.resumed(), Case::kTrackSetting));
}

TEST_CASE("Session: a candidate that says nothing, and one for nobody, change nothing [SIG-03]") {
    Fixture f(false);
    (void)f.joined();
    livekit::SignalResponse response;
    for (const char* init : {"", "{}", R"({"candidate":""})", R"({"candidate":"nonsense"})"}) {
        response.mutable_trickle()->set_candidateinit(init);
        for (const auto target : {livekit::PUBLISHER, livekit::SUBSCRIBER}) {
            response.mutable_trickle()->set_target(target);
            f.give(response);
        }
    }
    CHECK(f.requests().empty());
    CHECK_FALSE(f.session.poll_transmit().has_value());
}

}  // namespace confab::client
