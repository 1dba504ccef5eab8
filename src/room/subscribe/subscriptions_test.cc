// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Subscriptions by themselves: tracks, connections and dynacast are a small host's.
#include "room/subscribe/subscriptions.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

#include "room/roster/part_testing.h"

namespace confab::room {
namespace {

using testing::PartWorld;
using Response = livekit::SignalResponse;

struct Host : SubscriptionsHost {
    struct Dropped {
        std::uint64_t number = 0;
        sfu::DownTrackId id;
        bool in_use = false;
    };
    Publication find_publication(const std::string& sid) const override {
        for (const auto& [publisher, track] : tracks)
            if (track.info.sid() == sid) return {publisher, &track};
        return {};
    }
    std::vector<Publication> publications() const override {
        std::vector<Publication> result;
        result.reserve(tracks.size());
        for (const auto& [publisher, track] : tracks)
            result.push_back({publisher, &track});
        return result;
    }
    std::vector<Publication> publications_of(const Participant& publisher) const override {
        auto result = publications();
        std::erase_if(result, [&](const Publication& t) { return t.publisher != &publisher; });
        return result;
    }
    void quality_wanted(const Publication&, const QualityWish& wish) override {
        wished.push_back(wish);
    }
    void quality_unwanted(const Publication&, sfu::DownTrackId by) override {
        unwanted.push_back(by);
    }
    void track_subscribed(const Publication& of) override {
        subscribed.push_back(of.track->info.sid());
    }
    void codec_regressed(const Publication& of) override {
        for (auto& [publisher, track] : tracks)
            if (&track == of.track) track.regressed = true;
    }
    void hearing_changed(Participant& p, std::uint64_t publisher) override {
        hearing.emplace_back(p.number, publisher);
    }
    std::optional<Downlink> downlink(const Participant&) const override { return link; }
    void section_needed(Participant&, sdp::Sender sender) override {
        needed.push_back(std::move(sender));
    }
    void section_dropped(Participant& p, sfu::DownTrackId id, bool in_use) override {
        dropped.push_back({p.number, id, in_use});
    }
    void subscriber_stuck(Participant& p) override {
        stuck.push_back(p.number);
        on_stuck(p);
    }

    std::deque<std::pair<Participant*, PublishedTrack>> tracks;
    std::optional<Downlink> link = Downlink{sfu::PeerId(77), true, Timestamp()};
    std::vector<QualityWish> wished;
    std::vector<sfu::DownTrackId> unwanted;
    std::vector<std::string> subscribed;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> hearing;  // that changed: who, whom
    std::vector<sdp::Sender> needed;
    std::vector<Dropped> dropped;
    std::vector<std::uint64_t> stuck;
    std::function<void(Participant&)> on_stuck = [](Participant&) {};
};

struct World : PartWorld {
    Participant& come(const std::string& identity, std::uint64_t session,
                      bool auto_subscribe = true, bool adaptive = false) {
        Participant& p = join(identity, session);
        subscriptions.add(p, {{}, auto_subscribe, adaptive});
        return p;
    }
    // A track with these codecs; the first flows.
    PublishedTrack& publish(Participant& publisher, const std::string& sid,
                            const std::vector<std::string>& mimes) {
        PublishedTrack& track = host.tracks.emplace_back(&publisher, PublishedTrack{}).second;
        track.info.set_sid(sid);
        track.info.set_type(mimes[0].starts_with("video") ? livekit::VIDEO : livekit::AUDIO);
        track.info.set_mime_type(mimes[0]);
        track.info.set_backup_codec_policy(livekit::SIMULCAST);
        for (const std::string& mime : mimes)
            track.info.add_codecs()->set_mime_type(mime);
        track.slots.resize(mimes.size());
        flow(track, 0, sfu::ReceiverId(500 + host.tracks.size()));
        track.announced = true;
        subscriptions.track_announced({&publisher, &track});
        return track;
    }
    static void flow(PublishedTrack& track, std::size_t codec, sfu::ReceiverId receiver) {
        track.slots[codec].receiver = receiver;
        track.slots[codec].codec =
            track.info.codecs(static_cast<int>(codec)).mime_type() == "video/VP8"
                ? sfu::Codec::kVp8
                : sfu::Codec::kH264;
    }
    // The section of the newest sender, with these codecs.
    void bind(Participant& p, const std::vector<std::string>& mimes) {
        sdp::BoundSender bound;
        bound.id = host.needed.back().id;
        bound.mid = "3";
        for (const std::string& mime : mimes) {
            sdp::NegotiatedCodec& codec = bound.codecs.emplace_back();
            codec.mime = mime;
            codec.pt = 96;
        }
        subscriptions.bind(p, {bound});
    }
    void wish(Participant& p, const std::vector<std::string>& sids, bool wanted) {
        livekit::UpdateSubscription request;
        for (const std::string& sid : sids)
            request.add_track_sids(sid);
        subscriptions.update(p, request.track_sids(), {}, wanted);
    }
    // Runs the timers of one participant until then.
    void run(Participant& p, std::int64_t until_ms) {
        for (auto next = subscriptions.next_deadline(p);
             next <= Timestamp() + Duration::millis(until_ms);
             next = subscriptions.next_deadline(p)) {
            clock.now = next;
            subscriptions.handle_timeout(p, next);
            if (roster.find_number(p.number) == nullptr) return;
        }
        at(until_ms);
    }

    Host host;
    Subscriptions subscriptions{scope, nullptr, roster, ssrcs, {"trailer", false, {}}, host};
};

std::vector<bool> permissions(const PartWorld::Sorted& out, std::uint64_t session) {
    std::vector<bool> result;
    for (const auto& told : out.of(session, Response::kSubscriptionPermissionUpdate))
        result.push_back(told.subscription_permission_update().allowed());
    return result;
}

std::vector<livekit::SubscriptionError> errors(const PartWorld::Sorted& out,
                                               std::uint64_t session) {
    std::vector<livekit::SubscriptionError> result;
    for (const auto& told : out.of(session, Response::kSubscriptionResponse))
        result.push_back(told.subscription_response().err());
    return result;
}

const std::vector<std::string> kVp8{"video/VP8"};
const std::vector<std::string> kH264{"video/H264"};
const std::vector<std::string> kBoth{"video/VP8", "video/H264"};
const std::vector<std::string> kOpus{"audio/opus"};

}  // namespace

TEST_CASE("Subscriptions: a track becomes a sender, then a down-track of its section [SIG-110]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    w.publish(alice, "TR_cam", kVp8);
    REQUIRE(w.host.needed.size() == 1);
    const sdp::Sender& sender = w.host.needed[0];
    CHECK(sender.track_id == "TR_cam");
    CHECK(sender.stream_id == alice.sid() + "|TR_cam");
    CHECK(w.subscriptions.subscribes_to(bob, alice));
    CHECK(!w.subscriptions.subscribes_to(alice, bob));
    CHECK(w.sorted().commands_of<sfu::AddDownTrack>().empty());
    w.bind(bob, kVp8);
    const auto out = w.sorted();
    const auto added = out.commands_of<sfu::AddDownTrack>();
    REQUIRE(added.size() == 1);
    CHECK(added[0].peer == sfu::PeerId(77));
    CHECK(added[0].receiver == sfu::ReceiverId(501));
    CHECK(added[0].ssrc.value() == sender.ssrc);
    CHECK(added[0].sif_trailer == to_vector(as_bytes(std::string_view("trailer"))));
    CHECK(w.host.subscribed == std::vector<std::string>{"TR_cam"});
    w.bind(bob, kVp8);  // what has its section is not made again
    CHECK(w.sorted().commands_of<sfu::AddDownTrack>().empty());
}

TEST_CASE("Subscriptions: tracks are found by their name, and what became of them [CON-62]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2, false);
    w.publish(alice, "TR_cam", kVp8).info.set_name("cam");
    w.publish(alice, "TR_other", kVp8).info.set_name("other");
    const auto named = [&] { return named_tracks(w.subscriptions, bob, alice, "cam"); };
    CHECK(named().sids == std::vector<std::string>{"TR_cam"});
    CHECK(!named().subscribed);
    w.wish(bob, {"TR_other"}, true);
    CHECK(!named().subscribed);
    w.wish(bob, {"TR_cam"}, true);
    CHECK(named().subscribed);
    CHECK(!named().bound);
    w.bind(bob, kVp8);
    CHECK(named().subscribed);
    CHECK(named().bound);
    w.wish(bob, {"TR_cam"}, false);
    CHECK(!named().subscribed);
    CHECK(!named().bound);
    CHECK(named_tracks(w.subscriptions, bob, alice, "").sids.empty());
}

TEST_CASE("Subscriptions: tracks that nobody asked for, so many of each kind [CON-62]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2, false);
    for (const char* sid : {"TR_1", "TR_2", "TR_3"})
        w.publish(alice, sid, kVp8).info.set_type(livekit::VIDEO);
    w.publish(alice, "TR_4", kVp8).info.set_type(livekit::AUDIO);
    w.publish(bob, "TR_own", kVp8).info.set_type(livekit::VIDEO);
    using Sids = std::vector<std::string>;
    const auto others = [&](std::size_t most) { return other_tracks(w.subscriptions, bob, most); };
    CHECK(others(0) == Sids{});
    CHECK(others(1) == Sids{"TR_1", "TR_4"});
    CHECK(others(3).size() == 4);
    w.wish(bob, {"TR_1", "TR_4"}, true);
    CHECK(others(1) == Sids{"TR_2"});
    CHECK(others(3) == Sids{"TR_2", "TR_3"});
}

TEST_CASE("Subscriptions: nobody is told of a hidden subscriber [SIG-116]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& ghost = w.come("ghost", 2);
    ghost.info.mutable_permission()->set_hidden(true);
    w.publish(alice, "TR_cam", kVp8);
    w.bind(ghost, kVp8);
    CHECK(w.sorted().commands_of<sfu::AddDownTrack>().size() == 1);
    CHECK(w.host.subscribed.empty());
}

TEST_CASE("Subscriptions: without the permission nothing is made, with it again all [TOK-13]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    w.publish(alice, "TR_a", kVp8);
    w.bind(bob, kVp8);
    bob.info.mutable_permission()->set_can_subscribe(false);
    w.subscriptions.rights_changed(bob);
    REQUIRE(w.host.dropped.size() == 1);
    CHECK(!w.host.dropped[0].in_use);
    CHECK(!w.subscriptions.subscribes_to(bob, alice));
    CHECK(w.sorted().commands_of<sfu::RemoveDownTrack>().size() == 1);
    w.publish(alice, "TR_b", kVp8);
    CHECK(w.host.needed.size() == 1);
    bob.info.mutable_permission()->set_can_subscribe(true);
    w.subscriptions.rights_changed(bob);
    CHECK(w.host.needed.size() == 3);
    CHECK(permissions(w.sorted(), 2) == std::vector<bool>{true, true});
}

TEST_CASE("Subscriptions: a publisher's list holds for new and running ones [SIG-112]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    Participant& recorder = w.come("recorder", 3);
    recorder.info.mutable_permission()->set_recorder(true);
    livekit::SubscriptionPermission nobody;
    CHECK(w.subscriptions.set_access(alice, nobody));
    w.publish(alice, "TR_cam", kVp8);
    CHECK(w.host.needed.size() == 1);  // the recorder's
    CHECK(permissions(w.sorted(), 2) == std::vector<bool>{false});
    CHECK(!w.subscriptions.grants_access(alice, bob, "TR_cam"));

    livekit::SubscriptionPermission listed;
    listed.add_track_permissions()->set_participant_identity("bob");
    listed.mutable_track_permissions(0)->add_track_sids("TR_cam");
    CHECK(w.subscriptions.set_access(alice, listed));
    CHECK(w.host.needed.size() == 2);
    w.bind(bob, kVp8);
    CHECK(permissions(w.sorted(), 2) == std::vector<bool>{true});

    CHECK(w.subscriptions.set_access(alice, nobody));
    const auto out = w.sorted();
    CHECK(permissions(out, 2) == std::vector<bool>{false});
    const auto removed = out.commands_of<sfu::RemoveDownTrack>();
    REQUIRE(removed.size() == 1);
    CHECK(removed[0].blank_frames);
    CHECK(w.subscriptions.subscribes_to(recorder, alice));

    // An ordinary participant again, it hears what the list allows.
    recorder.info.mutable_permission()->set_recorder(false);
    w.subscriptions.rights_changed(recorder);
    CHECK(!w.subscriptions.subscribes_to(recorder, alice));
}

TEST_CASE("Subscriptions: whom it has something of is told with the first and the last [SIG-134]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    using Hearing = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
    w.publish(alice, "TR_cam", kVp8);
    w.publish(alice, "TR_screen", kVp8);
    CHECK(std::exchange(w.host.hearing, {}) == Hearing{{2, 1}});
    w.subscriptions.track_ended("TR_cam");
    CHECK(w.host.hearing.empty());
    w.subscriptions.drop_all(bob);
    CHECK(w.host.hearing == Hearing{{2, 1}});
}

TEST_CASE("Subscriptions: who is named by sid alone is meant in its next session, too [SIG-10]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    livekit::SubscriptionPermission list;
    for (const std::string& sid : {bob.sid(), std::string("PA_unknown")}) {
        list.add_track_permissions()->set_participant_sid(sid);
        list.mutable_track_permissions()->rbegin()->set_all_tracks(true);
    }
    CHECK(w.subscriptions.set_access(alice, list));
    bob.take_new_sid("PA_next");
    CHECK(w.subscriptions.grants_access(alice, bob, "TR_cam"));
    Participant& eve = w.come("eve", 3);
    CHECK_FALSE(w.subscriptions.grants_access(alice, eve, "TR_cam"));
    // Of whom nothing is known the sid still says something.
    eve.take_new_sid("PA_unknown");
    CHECK(w.subscriptions.grants_access(alice, eve, "TR_cam"));
    // An identity counts, whose sid ever stands beside it.
    list.mutable_track_permissions(0)->set_participant_sid(bob.sid());
    list.mutable_track_permissions(0)->set_participant_identity("carol");
    CHECK(w.subscriptions.set_access(alice, list));
    CHECK_FALSE(w.subscriptions.grants_access(alice, bob, "TR_cam"));
}

TEST_CASE("Subscriptions: a list that names nobody changes nothing [SIG-10]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    livekit::SubscriptionPermission bad;
    bad.add_track_permissions()->set_all_tracks(true);
    CHECK(!w.subscriptions.set_access(alice, bad));
    CHECK(w.subscriptions.grants_access(alice, bob, "TR_cam"));
}

TEST_CASE("Subscriptions: a codec that does not flow yet is asked for and waited for [SIG-102]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    PublishedTrack& track = w.publish(alice, "TR_cam", kBoth);
    w.bind(bob, kH264);
    CHECK(w.sorted().commands_of<sfu::AddDownTrack>().empty());
    REQUIRE(w.host.wished.size() == 1);
    CHECK(w.host.wished[0].codec == 1);
    World::flow(track, 1, sfu::ReceiverId(900));
    w.subscriptions.codec_added({&alice, &track});
    const auto added = w.sorted().commands_of<sfu::AddDownTrack>();
    REQUIRE(added.size() == 1);
    CHECK(added[0].receiver == sfu::ReceiverId(900));
}

TEST_CASE("Subscriptions: one who needs the backup takes along who can [DYN-05]") {
    for (const bool policy : {true, false}) {
        World w;
        Participant& alice = w.come("alice", 1);
        Participant& able = w.come("able", 2);
        PublishedTrack& track = w.publish(alice, "TR_cam", kBoth);
        if (policy) track.info.set_backup_codec_policy(livekit::REGRESSION);
        w.bind(able, kBoth);
        Participant& limited = w.come("limited", 3);
        w.subscriptions.subscribe_existing(limited);
        w.bind(limited, kH264);
        CHECK(w.sorted().commands_of<sfu::SwitchDownTrack>().empty());
        World::flow(track, 1, sfu::ReceiverId(900));
        w.subscriptions.codec_added({&alice, &track});
        const auto switched = w.sorted().commands_of<sfu::SwitchDownTrack>();
        CHECK(switched.size() == (policy ? 1 : 0));
        CHECK(track.regressed == policy);
        if (!policy) continue;
        CHECK(switched[0].receiver == sfu::ReceiverId(900));
        CHECK(w.host.wished.back().instead_of == std::size_t{0});
        CHECK(w.host.wished.back().codec == 1);
    }
}

TEST_CASE("Subscriptions: the backup is preferred for all in small rooms only [DYN-05]") {
    for (const std::uint32_t threshold : {0U, 3U, 4U}) {
        CAPTURE(threshold);
        World w;
        w.config.codec_regression_threshold = threshold;
        Participant& alice = w.come("alice", 1);
        Participant& able = w.come("able", 2);
        PublishedTrack& track = w.publish(alice, "TR_cam", kBoth);
        track.info.set_backup_codec_policy(livekit::PREFER_REGRESSION);
        w.bind(able, kBoth);
        Participant& limited = w.come("limited", 3);
        w.subscriptions.subscribe_existing(limited);
        w.bind(limited, kH264);
        World::flow(track, 1, sfu::ReceiverId(900));
        w.subscriptions.codec_added({&alice, &track});
        CHECK(track.regressed == (threshold != 3));  // three are there
    }
}

TEST_CASE("Subscriptions: a codec the client refused is an error and no wish any more [SIG-111]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    w.publish(alice, "TR_cam", kVp8);
    w.bind(bob, kH264);
    const auto out = w.sorted();
    CHECK(errors(out, 2) == std::vector{livekit::SE_CODEC_UNSUPPORTED});
    CHECK(out.commands_of<sfu::AddDownTrack>().empty());
    CHECK(w.host.dropped.size() == 1);
    CHECK(!w.subscriptions.subscribes_to(bob, alice));
    w.run(bob, 10'000);
    CHECK(w.host.needed.size() == 1);
}

TEST_CASE(
    "Subscriptions: packets of a codec that is not taken: another codec, then an end [IN-09]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    PublishedTrack& track = w.publish(alice, "TR_cam", kBoth);
    World::flow(track, 1, sfu::ReceiverId(900));
    w.bind(bob, kBoth);
    (void)w.sorted();
    w.subscriptions.codec_unsupported(bob, "TR_cam", sfu::Codec::kVp8);
    auto out = w.sorted();
    REQUIRE(out.commands_of<sfu::SwitchDownTrack>().size() == 1);
    CHECK(out.commands_of<sfu::SwitchDownTrack>()[0].receiver == sfu::ReceiverId(900));
    CHECK(w.host.wished.back().codec == 1);
    CHECK(w.host.wished.back().instead_of == std::size_t{0});
    CHECK(errors(out, 2).empty());
    // Of before, and no news.
    w.subscriptions.codec_unsupported(bob, "TR_cam", sfu::Codec::kVp8);
    CHECK(w.sorted().commands.empty());
    w.subscriptions.codec_unsupported(bob, "TR_cam", sfu::Codec::kH264);  // not in a circle
    out = w.sorted();
    CHECK(out.commands_of<sfu::SwitchDownTrack>().empty());
    CHECK(out.commands_of<sfu::RemoveDownTrack>().size() == 1);
    CHECK(errors(out, 2) == std::vector{livekit::SE_CODEC_UNSUPPORTED});
    CHECK(!w.subscriptions.subscribes_to(bob, alice));
    w.subscriptions.codec_unsupported(bob, "TR_cam", sfu::Codec::kH264);  // it was on its way
    CHECK(errors(w.sorted(), 2).empty());
    // Asked for again it is tried from the start.
    w.wish(bob, {"TR_cam"}, true);
    w.bind(bob, kBoth);
    CHECK(w.sorted().commands_of<sfu::AddDownTrack>().at(0).receiver == sfu::ReceiverId(501));
}

namespace {

// A camera of which both codecs flow, and who watches it with this library.
struct BothFlow {
    explicit BothFlow(livekit::ClientInfo::SDK sdk) {
        bob.client.set_sdk(sdk);
        bob.traits = traits_of(bob.client);
        World::flow(track, 1, sfu::ReceiverId(900));
        w.bind(bob, kBoth);
        (void)w.sorted();
    }
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    PublishedTrack& track = w.publish(alice, "TR_cam", kBoth);
};

}  // namespace

TEST_CASE(
    "Subscriptions: who can not change the codec of a track gets another section [SDP-42] "
    "[SIG-67] [IN-09]") {
    for (const auto sdk : {livekit::ClientInfo::GO, livekit::ClientInfo::UNKNOWN}) {
        BothFlow both(sdk);
        World& w = both.w;
        Participant& bob = both.bob;
        w.subscriptions.codec_unsupported(bob, "TR_cam", sfu::Codec::kVp8);
        CHECK(w.sorted().commands_of<sfu::RemoveDownTrack>().size() == 1);
        REQUIRE(w.host.needed.size() == 2);
        CHECK(w.host.needed[0].ssrc != w.host.needed[1].ssrc);
        w.bind(bob, kBoth);  // what was not taken is not tried again
        auto out = w.sorted();
        CHECK(out.commands_of<sfu::AddDownTrack>().at(0).receiver == sfu::ReceiverId(900));
        CHECK(out.commands_of<sfu::SwitchDownTrack>().empty());
        w.subscriptions.codec_unsupported(bob, "TR_cam", sfu::Codec::kH264);
        CHECK(errors(w.sorted(), 2) == std::vector{livekit::SE_CODEC_UNSUPPORTED});
        CHECK(w.host.needed.size() == 2);
    }
}

TEST_CASE(
    "Subscriptions: a backup that flows keeps nobody in a section with packets of another codec "
    "[IN-09] [SIG-67]") {
    for (const auto sdk : {livekit::ClientInfo::GO, livekit::ClientInfo::JS}) {
        CAPTURE(sdk);
        BothFlow both(sdk);
        World& w = both.w;
        both.track.slots[0].instead = "video/H264";
        both.track.slots[0].codec = both.track.slots[1].codec = sfu::Codec::kH264;
        w.subscriptions.renew({&both.alice, &both.track}, Subscriptions::Renewed::kWithoutItsCodec);
        const bool renewed = sdk == livekit::ClientInfo::GO;
        CHECK(w.sorted().commands_of<sfu::RemoveDownTrack>().size() == (renewed ? 1 : 0));
        CHECK(w.host.needed.size() == (renewed ? 2 : 1));
    }
}

TEST_CASE(
    "Subscriptions: of a track that changes its codec, a new section for who needs one [IN-12]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bound = w.come("bound", 2);
    Participant& waits = w.come("waits", 3);
    Participant& takes_both = w.come("both", 4);
    Participant& refused = w.come("refused", 5, false);
    PublishedTrack& track = w.publish(alice, "TR_cam", kVp8);
    REQUIRE(w.host.needed.size() == 3);
    const auto bind = [&](Participant& p, std::size_t sender, const auto& mimes) {
        std::swap(w.host.needed[sender], w.host.needed.back());
        w.bind(p, mimes);
        std::swap(w.host.needed[sender], w.host.needed.back());
    };
    bind(bound, 0, kVp8);
    bind(takes_both, 2, kBoth);
    (void)w.sorted();
    track.info.mutable_codecs(0)->set_mime_type("video/H264");
    track.info.set_mime_type("video/H264");
    track.slots[0].codec = sfu::Codec::kH264;
    w.subscriptions.renew({&alice, &track}, Subscriptions::Renewed::kWithoutItsCodec);
    auto out = w.sorted();
    CHECK(out.commands_of<sfu::RemoveDownTrack>().size() == 1);
    REQUIRE(w.host.dropped.size() == 2);
    CHECK(w.host.dropped[0].number == bound.number);
    CHECK(w.host.dropped[1].number == waits.number);
    REQUIRE(w.host.needed.size() == 5);
    for (const std::size_t i : {3U, 4U})
        CHECK(w.host.needed[i].mimes == std::vector<std::string>{"video/H264"});
    bind(bound, 3, kH264);
    bind(waits, 4, kH264);
    out = w.sorted();
    CHECK(out.commands_of<sfu::AddDownTrack>().size() == 2);
    CHECK(errors(out, 2).empty());
    CHECK(!w.subscriptions.subscribes_to(refused, alice));
    w.subscriptions.renew({&alice, &track}, Subscriptions::Renewed::kWithoutItsCodec);
    CHECK(w.host.needed.size() == 5);
}

TEST_CASE("Subscriptions: instead of a codec not taken one that is yet to flow [IN-09] [SIG-102]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    PublishedTrack& track = w.publish(alice, "TR_cam", kBoth);
    w.bind(bob, kBoth);
    (void)w.sorted();
    w.subscriptions.codec_unsupported(bob, "TR_cam", sfu::Codec::kVp8);
    CHECK(w.sorted().commands.empty());
    w.subscriptions.codec_unsupported(bob, "TR_cam", sfu::Codec::kH264);  // it waits
    CHECK(w.host.dropped.empty());
    World::flow(track, 1, sfu::ReceiverId(900));
    w.subscriptions.codec_added({&alice, &track});
    const auto switched = w.sorted().commands_of<sfu::SwitchDownTrack>();
    REQUIRE(switched.size() == 1);
    CHECK(switched[0].receiver == sfu::ReceiverId(900));
    w.subscriptions.codec_added({&alice, &track});
    CHECK(w.sorted().commands.empty());
}

TEST_CASE("Subscriptions: with the track everything of it goes [SIG-105]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    w.publish(alice, "TR_cam", kVp8);
    w.bind(bob, kVp8);
    (void)w.sorted();
    CHECK(w.ssrcs.size() == 2);
    CHECK(w.media.down_tracks.size() == 1);
    w.subscriptions.track_ended("TR_cam");
    w.host.tracks.clear();
    const auto out = w.sorted();
    REQUIRE(out.commands_of<sfu::RemoveDownTrack>().size() == 1);
    CHECK(out.commands_of<sfu::RemoveDownTrack>()[0].blank_frames);
    CHECK(w.host.dropped.size() == 1);
    CHECK(w.host.dropped[0].in_use);
    CHECK(w.host.unwanted.size() == 1);
    CHECK(w.ssrcs.size() == 0);
    CHECK(w.media.down_tracks.empty());
    CHECK(!w.subscriptions.subscribes_to(bob, alice));
    w.run(bob, 70'000);
    CHECK(errors(w.sorted(), 2).empty());
}

TEST_CASE("Subscriptions: a publisher is heard until the last of its tracks goes [SIG-134]") {
    World w;
    Participant& alice = w.come("alice", 1);
    const Participant& bob = w.come("bob", 2);
    w.publish(alice, "TR_cam", kVp8);
    w.publish(alice, "TR_screen", kVp8);
    REQUIRE(w.subscriptions.subscribes_to(bob, alice));
    w.subscriptions.track_ended("TR_cam");
    CHECK(w.subscriptions.subscribes_to(bob, alice));
    w.subscriptions.track_ended("TR_screen");
    CHECK_FALSE(w.subscriptions.subscribes_to(bob, alice));
}

TEST_CASE("Subscriptions: a wish for what never comes ends after a minute [SIG-111]") {
    World w;
    Participant& bob = w.come("bob", 2);
    w.wish(bob, {"TR_nobody"}, true);
    w.run(bob, 59'000);
    CHECK(errors(w.sorted(), 2).empty());
    w.run(bob, 64'000);
    CHECK(errors(w.sorted(), 2) == std::vector{livekit::SE_TRACK_NOTFOUND});
    w.run(bob, 200'000);
    CHECK(errors(w.sorted(), 2).empty());
}

TEST_CASE("Subscriptions: so many and no more; a place that becomes free is taken [SIG-114]") {
    World w;
    w.config.limits.subscriptions_video = 2;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    w.publish(alice, "TR_1", kVp8);
    CHECK(w.host.needed.size() == 1);
    w.publish(alice, "TR_2", kVp8);
    CHECK(w.host.needed.size() == 2);
    w.publish(alice, "TR_3", kVp8);
    CHECK(w.host.needed.size() == 2);
    w.publish(alice, "TR_mic", kOpus);  // sound has a limit of its own
    CHECK(w.host.needed.size() == 3);
    w.publish(alice, "TR_4", kVp8);
    w.wish(bob, {"TR_1"}, false);
    CHECK(w.host.needed.size() == 3);
    w.run(bob, 10);
    REQUIRE(w.host.needed.size() == 4);
    CHECK(w.host.needed.back().track_id == "TR_3");
    w.run(bob, 3'500);  // also between two turns, and by a track that ends
    w.subscriptions.track_ended("TR_2");
    w.run(bob, 3'510);
    REQUIRE(w.host.needed.size() == 5);
    CHECK(w.host.needed.back().track_id == "TR_4");
}

TEST_CASE("Subscriptions: a backup codec that is never sent is told after 15 s, once [SIG-111]") {
    for (const bool muted : {false, true}) {
        World w;
        Participant& alice = w.come("alice", 1);
        Participant& bob = w.come("bob", 2);
        PublishedTrack& track = w.publish(alice, "TR_cam", kBoth);
        w.bind(bob, kH264);
        track.info.set_muted(muted);
        w.run(bob, 14'000);
        CHECK(errors(w.sorted(), 2).empty());
        w.run(bob, 19'000);
        CHECK(errors(w.sorted(), 2).size() == (muted ? 0 : 1));
        track.info.set_muted(false);
        w.run(bob, 29'000);
        CHECK(errors(w.sorted(), 2).empty());
        w.run(bob, 60'000);
        CHECK(errors(w.sorted(), 2).size() == (muted ? 1 : 0));
    }
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    PublishedTrack& track = w.publish(alice, "TR_cam", kBoth);
    w.bind(bob, kH264);
    World::flow(track, 1, sfu::ReceiverId(900));
    w.subscriptions.codec_added({&alice, &track});
    w.run(bob, 60'000);
    CHECK(errors(w.sorted(), 2).empty());
}

TEST_CASE("Subscriptions: of one request the first 2000 sids count") {
    for (const std::size_t before : {1'999U, 2'000U}) {
        World w;
        Participant& alice = w.come("alice", 1);
        Participant& bob = w.come("bob", 2, false);
        w.publish(alice, "TR_cam", kVp8);
        std::vector<std::string> sids(before, "TR_other");
        sids.emplace_back("TR_cam");
        w.wish(bob, sids, true);
        CHECK(w.host.needed.size() == (before < 2'000 ? 1 : 0));
    }
}

TEST_CASE("Subscriptions: its own track is no track for a participant [SIG-111]") {
    World w;
    Participant& alice = w.come("alice", 1);
    w.publish(alice, "TR_own", {"video/VP8"});
    (void)w.sorted();
    w.wish(alice, {"TR_own"}, true);
    const auto errors = w.sorted().of(1, Response::kSubscriptionResponse);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].subscription_response().track_sid() == "TR_own");
    CHECK(errors[0].subscription_response().err() == livekit::SE_TRACK_NOTFOUND);
    CHECK(w.host.needed.empty());
    w.run(alice, 100'000);
    CHECK(w.sorted().of(1, Response::kSubscriptionResponse).empty());
}

TEST_CASE("Subscriptions: who wants none by itself gets what it asks for, and no more [SIG-110]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2, false);
    w.publish(alice, "TR_a", kVp8);
    w.publish(alice, "TR_b", kVp8);
    w.subscriptions.subscribe_existing(bob);
    CHECK(w.host.needed.empty());
    w.wish(bob, {"TR_b"}, true);
    REQUIRE(w.host.needed.size() == 1);
    CHECK(w.host.needed[0].track_id == "TR_b");
    w.wish(alice, {"TR_a"}, true);  // its own
    CHECK(w.host.needed.size() == 1);
}

TEST_CASE("Subscriptions: what a client refused is not subscribed again for it [SIG-110]") {
    World w;
    w.at(1'000);
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    w.publish(alice, "TR_a", kVp8);
    w.wish(bob, {"TR_a"}, false);
    w.subscriptions.subscribe_existing(bob);
    w.run(bob, 10'000);
    CHECK(w.host.needed.size() == 1);
    CHECK(w.host.dropped.size() == 1);
}

TEST_CASE("Subscriptions: no section for 15 s of a connection is told once [SIG-111]") {
    for (const bool reconnect : {true, false}) {
        World w;
        w.config.reconnect_on_subscription_error = reconnect;
        Participant& alice = w.come("alice", 1);
        Participant& bob = w.come("bob", 2);
        // As the room does: nothing of it is there afterwards.
        w.host.on_stuck = [&](Participant& p) {
            w.roster.remove(p);
            w.subscriptions.drop_all(p);
            w.subscriptions.remove(p);
        };
        w.publish(alice, "TR_a", kVp8);
        w.publish(alice, "TR_b", kVp8);
        w.host.link->connected = false;
        w.run(bob, 20'000);
        CHECK(errors(w.sorted(), 2).empty());
        w.host.link = Downlink{sfu::PeerId(77), true, w.clock.now};
        w.run(bob, 34'000);
        CHECK(errors(w.sorted(), 2).empty());
        w.run(bob, 39'000);
        CHECK(errors(w.sorted(), 2).size() == (reconnect ? 1 : 2));
        CHECK(w.host.stuck.size() == (reconnect ? 1 : 0));
        if (reconnect) continue;
        w.run(bob, 90'000);
        CHECK(errors(w.sorted(), 2).empty());
    }
}

TEST_CASE("Subscriptions: settings wait for each other, switching on does not [SUB-01]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    w.publish(alice, "TR_cam", kVp8);
    w.bind(bob, kVp8);
    (void)w.sorted();
    livekit::UpdateTrackSettings settings;
    settings.add_track_sids("TR_cam");
    settings.set_disabled(true);
    w.subscriptions.update_settings(bob, settings);
    w.run(bob, 99);
    CHECK(w.sorted().commands_of<sfu::UpdateDownTrack>().empty());
    w.run(bob, 100);
    auto told = w.sorted().commands_of<sfu::UpdateDownTrack>();
    REQUIRE(told.size() == 1);
    CHECK(!told[0].settings.enabled);
    CHECK(!w.host.wished.back().quality);
    settings.set_disabled(false);
    settings.set_quality(livekit::HIGH);
    w.subscriptions.update_settings(bob, settings);
    told = w.sorted().commands_of<sfu::UpdateDownTrack>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].settings.enabled);
    w.run(bob, 1'000);
    CHECK(w.sorted().commands_of<sfu::UpdateDownTrack>().empty());
}

TEST_CASE("Subscriptions: settings of tracks that ended take no place of others [SUB-01]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    // Each was on its way while its track ended; a long call has many.
    for (std::size_t i = 0; i < SubscriptionTable::kMaxEntries; ++i) {
        livekit::UpdateTrackSettings settings;
        settings.add_track_sids("TR_gone" + std::to_string(i));
        settings.set_quality(livekit::HIGH);
        w.subscriptions.update_settings(bob, settings);
    }
    w.publish(alice, "TR_cam", kVp8);
    REQUIRE(w.host.needed.size() == 1);
    w.bind(bob, kVp8);
    CHECK(w.sorted().commands_of<sfu::AddDownTrack>().size() == 1);
}

TEST_CASE("Subscriptions: of one request for settings the first 2000 sids count [IMM-13]") {
    for (const std::size_t before : {1'999U, 2'000U}) {
        World w;
        Participant& alice = w.come("alice", 1);
        Participant& bob = w.come("bob", 2);
        w.publish(alice, "TR_cam", kVp8);
        w.bind(bob, kVp8);
        (void)w.sorted();
        livekit::UpdateTrackSettings settings;
        for (std::size_t i = 0; i < before; ++i)
            settings.add_track_sids("TR_other");
        settings.add_track_sids("TR_cam");
        settings.set_disabled(true);
        w.subscriptions.update_settings(bob, settings);
        w.run(bob, 100);
        CHECK(w.sorted().commands_of<sfu::UpdateDownTrack>().size() == (before < 2'000 ? 1 : 0));
    }
}

TEST_CASE(
    "Subscriptions: a publisher hears of the first who can hear it, not of who has a section alone "
    "[SIG-49]") {
    for (const bool hidden : {false, true}) {
        World w;
        Participant& alice = w.come("alice", 1);
        Participant& bob = w.come("bob", 2);
        bob.info.mutable_permission()->set_hidden(hidden);
        w.host.link->connected = false;
        PublishedTrack& backed = w.publish(alice, "TR_cam", {"video/VP9", "video/VP8"});
        w.bind(bob, kVp8);
        w.publish(alice, "TR_mic", kOpus);
        w.bind(bob, kOpus);
        CHECK(w.host.subscribed.empty());
        w.host.link->connected = true;
        downlink_connected(w.subscriptions, bob);
        const auto told = [&] { return std::exchange(w.host.subscribed, {}); };
        // Of the camera's codec that bob takes nothing flows yet.
        const std::vector<std::string> mic{"TR_mic"}, cam{"TR_cam"}, none;
        CHECK(told() == (hidden ? none : mic));
        World::flow(backed, 1, sfu::ReceiverId(700));
        w.subscriptions.codec_added({&alice, &backed});
        CHECK(told() == (hidden ? none : cam));
    }
}

TEST_CASE(
    "Subscriptions: of who has not said what it shows all layers are wanted at first "
    "[DYN-01] [SUB-04]") {
    for (const bool says : {false, true}) {
        World w;
        Participant& alice = w.come("alice", 1);
        Participant& bob = w.come("bob", 2, true, true);
        if (says) {
            livekit::UpdateTrackSettings small;
            small.add_track_sids("TR_cam");
            small.set_quality(livekit::LOW);
            w.subscriptions.update_settings(bob, small);
        }
        PublishedTrack& track = w.publish(alice, "TR_cam", kVp8);
        for (const auto quality : {livekit::LOW, livekit::MEDIUM, livekit::HIGH}) {
            track.info.add_layers()->set_quality(quality);
            track.info.mutable_layers()->rbegin()->set_spatial_layer(quality);
        }
        w.bind(bob, kVp8);
        REQUIRE(w.host.wished.size() == (says ? 1 : 2));
        if (!says) CHECK(w.host.wished[0].quality == livekit::HIGH);
        CHECK(w.host.wished.back().quality == livekit::LOW);
        CHECK(w.sorted().commands_of<sfu::AddDownTrack>().at(0).settings.max_spatial == 0);
    }
}

TEST_CASE("Subscriptions: an adaptive client starts visible [SUB-04] [SIG-113]") {
    for (const bool adaptive : {true, false}) {
        World w;
        Participant& alice = w.come("alice", 1);
        Participant& bob = w.come("bob", 2, true, adaptive);
        livekit::UpdateTrackSettings hidden;
        hidden.add_track_sids("TR_cam");
        hidden.set_disabled(true);
        w.subscriptions.update_settings(bob, hidden);
        w.publish(alice, "TR_cam", kVp8);
        w.bind(bob, kVp8);
        const auto added = w.sorted().commands_of<sfu::AddDownTrack>();
        REQUIRE(added.size() == 1);
        CHECK(added[0].settings.enabled == adaptive);
    }
}

TEST_CASE("Subscriptions: the stream's state names track and publisher, of pictures [SIG-40]") {
    World w;
    Participant& alice = w.come("alice", 1);
    Participant& bob = w.come("bob", 2);
    w.publish(alice, "TR_cam", kVp8);
    w.bind(bob, kVp8);
    w.publish(alice, "TR_mic", kOpus);
    w.bind(bob, kOpus);
    (void)w.sorted();
    w.at(300);
    w.subscriptions.stream_state(bob, "TR_cam", sfu::StreamState::kActive);
    w.subscriptions.stream_state(bob, "TR_mic", sfu::StreamState::kActive);
    w.subscriptions.stream_state(bob, "TR_gone", sfu::StreamState::kActive);
    const auto out = w.sorted();
    const auto told = out.of(2, Response::kStreamStateUpdate);
    REQUIRE(told.size() == 1);
    CHECK(told[0].stream_state_update().stream_states(0).participant_sid() == alice.sid());
    CHECK(told[0].stream_state_update().stream_states(0).track_sid() == "TR_cam");
    const auto delays = out.observed<MediaDelay>();
    REQUIRE(delays.size() == 1);
    CHECK(delays[0].took == Duration::millis(300));
}

}  // namespace confab::room
