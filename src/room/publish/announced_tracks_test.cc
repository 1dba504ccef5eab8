// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// AnnouncedTracks by themselves, with tracks of the test's own.
#include "room/publish/announced_tracks.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "room/roster/part_testing.h"

namespace confab::room {
namespace {

using testing::PartWorld;
using Response = livekit::SignalResponse;

struct World : PartWorld {
    PublishedTrack& track(const std::string& sid, livekit::TrackType type = livekit::VIDEO) {
        PublishedTrack& track = made[sid];
        track.info.set_sid(sid);
        track.info.set_type(type);
        for (const auto quality : {livekit::LOW, livekit::MEDIUM, livekit::HIGH}) {
            livekit::VideoLayer& layer = *track.info.add_layers();
            layer.set_quality(quality);
            layer.set_spatial_layer(quality);
        }
        track.info.add_codecs()->set_mime_type(type == livekit::VIDEO ? "video/VP8" : "audio/opus");
        track.slots.resize(1);
        track.slots[0].receiver = sfu::ReceiverId(made.size());
        return track;
    }
    Publication announce(Participant& p, const std::string& sid,
                         livekit::TrackType type = livekit::VIDEO) {
        announced.add(p, track(sid, type));
        return announced.find(sid);
    }
    // Layers that workers were told to want, of any track.
    std::vector<int> wanted() {
        std::vector<int> result;
        for (const auto& want : sorted().commands_of<sfu::WantLayers>())
            result.push_back(want.max_spatial);
        return result;
    }
    static std::vector<std::string> sids(const std::vector<Publication>& tracks) {
        std::vector<std::string> result;
        result.reserve(tracks.size());
        for (const Publication& track : tracks)
            result.push_back(track.track->info.sid());
        return result;
    }

    std::map<std::string, PublishedTrack> made;
    AnnouncedTracks announced{scope, roster};
};

QualityWish wish_of(std::uint64_t by, WantedQuality quality, std::size_t codec = 0) {
    return {sfu::DownTrackId(by), codec, quality, {}};
}

}  // namespace

TEST_CASE("AnnouncedTracks: found until they end, by publisher in the order of identities") {
    World w;
    Participant& bob = w.join("bob", 2);
    Participant& alice = w.join("alice", 1);
    (void)w.announce(bob, "TR_1");
    (void)w.announce(alice, "TR_3");
    (void)w.announce(alice, "TR_2");
    CHECK(w.announced.publishers() == std::vector<Participant*>{&alice, &bob});
    CHECK(World::sids(w.announced.all()) == std::vector<std::string>{"TR_2", "TR_3", "TR_1"});
    CHECK(World::sids(w.announced.of(bob)) == std::vector<std::string>{"TR_1"});
    CHECK(w.announced.find("TR_3").publisher == &alice);
    w.announced.end(w.made.at("TR_3"));
    CHECK(!w.announced.find("TR_3"));
    CHECK(World::sids(w.announced.of(alice)) == std::vector<std::string>{"TR_2"});
    w.announced.end(w.made.at("TR_2"));
    CHECK(w.announced.of(alice).empty());
    CHECK(w.announced.publishers() == std::vector<Participant*>{&bob});
}

TEST_CASE("AnnouncedTracks: what was never announced ends without harm to what was") {
    World w;
    Participant& alice = w.join("alice", 1);
    const Publication track = w.announce(alice, "TR_1");
    PublishedTrack other = w.made.at("TR_1");
    w.announced.end(other);
    w.announced.end(w.track("TR_2"));
    CHECK(w.announced.find("TR_1").track == track.track);
    w.announced.mute_changed(w.track("TR_2"));
    w.announced.unwant_quality({&alice, &w.track("TR_2")}, sfu::DownTrackId(1));
    CHECK(w.wanted().empty());
}

TEST_CASE("AnnouncedTracks: whoever has the identity now has none of its predecessor's") {
    World w;
    Participant& first = w.join("alice", 1);
    const Publication track = w.announce(first, "TR_1");
    w.announced.end(*track.track);
    w.roster.remove(first);
    Participant& second = w.join("alice", 2);
    (void)w.announce(second, "TR_2");
    CHECK(w.announced.of(first).empty());
    CHECK(w.announced.next_deadline(first).is_never());
    CHECK(World::sids(w.announced.of(second)) == std::vector<std::string>{"TR_2"});
}

TEST_CASE("AnnouncedTracks: nobody who wants a track for 10 s turns it off [SIG-115]") {
    World w;
    Participant& alice = w.join("alice", 1);
    (void)w.announce(alice, "TR_1");
    CHECK(w.announced.next_deadline(alice) == Timestamp() + Dynacast::kFirstReport);
    w.at(9'999);
    w.announced.handle_timeout(alice, w.clock.now);
    CHECK(w.wanted().empty());
    w.at(10'000);
    w.announced.handle_timeout(alice, w.clock.now);
    CHECK(w.wanted() == std::vector<int>{-1});
    CHECK(w.announced.next_deadline(alice).is_never());
}

TEST_CASE("AnnouncedTracks: a plain audio track is not dynacast") {
    World w;
    Participant& alice = w.join("alice", 1);
    const Publication track = w.announce(alice, "TR_1", livekit::AUDIO);
    CHECK(w.announced.next_deadline(alice).is_never());
    w.announced.want_quality(track, wish_of(1, std::uint8_t{2}));
    CHECK(w.sorted().commands_of<sfu::WantLayers>().empty());
}

TEST_CASE("AnnouncedTracks: the largest wish of all is what is told, mute holds it [SIG-115]") {
    World w;
    Participant& alice = w.join("alice", 1);
    const Publication track = w.announce(alice, "TR_1");
    w.announced.want_quality(track, wish_of(1, std::uint8_t{1}));
    CHECK(w.wanted() == std::vector<int>{1});
    w.announced.want_quality(track, wish_of(2, std::uint8_t{0}));
    CHECK(w.wanted().empty());
    w.made.at("TR_1").info.set_muted(true);
    w.announced.mute_changed(*track.track);
    w.announced.want_quality(track, wish_of(3, std::uint8_t{2}));
    CHECK(w.wanted().empty());
    w.made.at("TR_1").info.set_muted(false);
    w.announced.mute_changed(*track.track);
    const auto out = w.sorted();
    REQUIRE(out.commands_of<sfu::WantLayers>().size() == 1);
    CHECK(out.commands_of<sfu::WantLayers>()[0].max_spatial == 2);
    CHECK(out.of(1, Response::kSubscribedQualityUpdate).size() == 1);
    // Down again when the largest goes, but not at once.
    w.announced.unwant_quality(track, sfu::DownTrackId(3));
    CHECK(w.wanted().empty());
    w.clock.now = w.announced.next_deadline(alice);
    w.announced.handle_timeout(alice, w.clock.now);
    CHECK(w.wanted() == std::vector<int>{1});
}

TEST_CASE("AnnouncedTracks: a muted one says nothing until it is not [SIG-115]") {
    World w;
    Participant& alice = w.join("alice", 1);
    w.track("TR_1").info.set_muted(true);
    w.announced.add(alice, w.made.at("TR_1"));
    w.announced.want_quality(w.announced.find("TR_1"), wish_of(1, std::uint8_t{2}));
    CHECK(w.wanted().empty());
}

TEST_CASE("AnnouncedTracks: who moves to another codec wants the first one no more [DYN-05]") {
    World w;
    Participant& alice = w.join("alice", 1);
    PublishedTrack& made = w.track("TR_1");
    made.info.add_codecs()->set_mime_type("video/H264");
    made.slots.emplace_back().receiver = sfu::ReceiverId(99);
    w.announced.add(alice, made);
    const Publication track = w.announced.find("TR_1");
    w.announced.want_quality(track, wish_of(1, std::uint8_t{2}));
    (void)w.sorted();
    QualityWish moved = wish_of(1, std::uint8_t{2}, 1);
    moved.instead_of = 0;
    w.announced.want_quality(track, moved);
    (void)w.sorted();
    w.clock.now = w.announced.next_deadline(alice);
    w.announced.handle_timeout(alice, w.clock.now);
    const auto wants = w.sorted().commands_of<sfu::WantLayers>();
    REQUIRE(wants.size() == 2);
    CHECK(wants[0].max_spatial == -1);
    CHECK(wants[1].receiver == sfu::ReceiverId(99));
    CHECK(wants[1].max_spatial == 2);
}

TEST_CASE(
    "AnnouncedTracks: a backup codec that came unasked goes off by itself [DYN-01] [DYN-04]") {
    World w;
    Participant& alice = w.join("alice", 1);
    PublishedTrack& made = w.track("TR_1");
    made.info.add_codecs()->set_mime_type("video/H264");
    made.slots.emplace_back();
    w.announced.add(alice, made);
    w.announced.want_quality(w.announced.find("TR_1"), wish_of(1, std::uint8_t{2}));
    w.at(3'000);
    made.slots[1].receiver = sfu::ReceiverId(99);
    w.announced.codec_added(made);
    (void)w.sorted();
    CHECK(w.announced.next_deadline(alice) == w.clock.now + Dynacast::kFirstReport);
    w.at(13'000);
    w.announced.handle_timeout(alice, w.clock.now);
    CHECK(w.wanted() == std::vector<int>{2, -1});
}

TEST_CASE("AnnouncedTracks: a publisher that lost a connection is told again [DYN-01]") {
    World w;
    Participant& alice = w.join("alice", 1);
    const Publication track = w.announce(alice, "TR_1");
    (void)w.announce(alice, "TR_2");  // of which nobody wanted anything yet
    w.announced.want_quality(track, wish_of(1, std::uint8_t{1}));
    (void)w.sorted();
    w.announced.repeat_wishes(alice, w.clock.now);
    CHECK(w.sorted().of(1, Response::kSubscribedQualityUpdate).size() == 1);
    w.announced.repeat_wishes(w.join("bob", 2), w.clock.now);
    CHECK(w.sorted().signals.empty());
}

TEST_CASE("AnnouncedTracks: that somebody has it is told once for each track [SIG-49]") {
    World w;
    Participant& alice = w.join("alice", 1);
    const Publication first = w.announce(alice, "TR_1");
    const Publication second = w.announce(alice, "TR_2");
    (void)w.announce(alice, "TR_3");
    w.at(1'000);
    w.announced.subscribed(first);
    w.at(2'000);
    for (const Publication& track : {first, second})
        w.announced.subscribed(track);
    CHECK(w.sorted().of(1, Response::kTrackSubscribed).size() == 2);
    // Again what may not have been heard, this time as well.
    w.at(5'000);
    const auto repeated = [&](std::int64_t since_ms) {
        w.announced.repeat_wishes(alice, Timestamp() + Duration::millis(since_ms));
        return w.sorted().of(1, Response::kTrackSubscribed).size();
    };
    CHECK(repeated(2'001) == 0);
    CHECK(repeated(2'000) == 1);
    CHECK(repeated(2'001) == 1);
    CHECK(repeated(0) == 2);
}

}  // namespace confab::room
