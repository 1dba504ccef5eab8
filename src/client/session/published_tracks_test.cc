// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/published_tracks.h"

#include <doctest/doctest.h>

#include "client/session/session_parts_testing.h"

namespace confab::client {
namespace {

struct Bench : Parts {
    Bench() : Parts(false) { link.opened(kNow); }
    void publish(const std::string& cid) {
        PublishOptions options;
        options.cid = cid;
        options.plan.number = 1;
        options.plan.layers = {{"", 11, 0, 0, 0, 1}};
        tracks.publish(std::move(options));
    }
    void name(const char* cid, const char* sid) {
        livekit::TrackPublishedResponse published;
        published.set_cid(cid);
        published.mutable_track()->set_sid(sid);
        tracks.take_published(published);
    }

    Publisher media{connections.publisher(), UnixTime{}, Rng(4)};
    PublishedTracks tracks{link, negotiation, media};
};

}  // namespace

TEST_CASE(
    "PublishedTracks: only what has no sid is announced again, and only that is lost [SIG-100]") {
    Bench b;
    b.publish("a");
    b.publish("b");
    b.publish("a");  // is there
    b.name("a", "TR_a");
    (void)b.requests();
    b.tracks.announce();
    const auto again = b.requests();
    REQUIRE(again.size() == 1);
    CHECK(again[0].add_track().cid() == "b");
    livekit::SyncState state;
    b.tracks.describe(state);
    REQUIRE(state.publish_tracks_size() == 1);
    CHECK(state.publish_tracks(0).track().sid() == "TR_a");
    CHECK(b.tracks.announced() == 1);
}

TEST_CASE("PublishedTracks: each end wants an offer without the section [SIG-95][SDP-44]") {
    for (const char* how : {"unpublished", "ended", "refused"}) {
        CAPTURE(how);
        Bench b;
        b.publish("a");
        const auto first = b.requests();
        REQUIRE(first.size() == 2);
        (void)b.negotiation.take_answer(Parts::kNow, Parts::answer(first[1].offer()));
        (void)b.requests();
        if (*how == 'u') {
            b.tracks.unpublish("a");
        } else if (*how == 'e') {
            b.name("a", "TR_a");
            b.tracks.take_unpublished("TR_a");
        } else {
            livekit::RequestResponse refused;
            refused.set_reason(livekit::RequestResponse::NOT_ALLOWED);
            refused.mutable_add_track()->set_cid("a");
            b.tracks.take_refused(refused);
        }
        CHECK(b.tracks.cids().empty());
        CHECK(b.tracks.ended() == (*how == 'u' ? 0 : 1));
        const auto requests = b.requests();
        REQUIRE(requests.size() == 1);
        const auto offer = sdp::parse(requests[0].offer().sdp());
        CHECK(offer->sections.back().direction == sdp::Direction::kInactive);
    }
}

TEST_CASE(
    "PublishedTracks: what the server says of us counts while there is a WebSocket [SIG-37]") {
    Bench b;
    b.publish("a");
    b.name("a", "TR_a");
    b.tracks.set_muted("a", true);
    (void)b.requests();
    livekit::ParticipantInfo self;
    self.add_tracks()->set_sid("TR_a");
    b.link.closed();
    b.tracks.take_self(self);  // nothing to say it by, and a resume tells newer
    b.link.opened(Parts::kNow);
    b.link.release();
    CHECK(b.requests().empty());
    b.tracks.take_self(self);
    const auto requests = b.requests();
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].mute().muted());
}

TEST_CASE("PublishedTracks: the access list is told once, then with changes and resumes [SIG-10]") {
    Bench b;
    b.tracks.set_access({});
    b.tracks.renew_access();
    CHECK(b.requests().empty());  // the first answer has not come
    b.tracks.tell_access();
    b.tracks.tell_access();
    CHECK(b.requests().size() == 1);
    b.tracks.set_access({});
    CHECK(b.requests().size() == 1);
    b.tracks.renew_access();
    CHECK(b.requests().size() == 1);
}

}  // namespace confab::client
