// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Publications by themselves: connections and subscribers are a small host's.
#include "room/publish/publications.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "room/roster/part_testing.h"
#include "rtc/sdp/feature_sets.h"

namespace confab::room {
namespace {

using testing::PartWorld;
using Response = livekit::SignalResponse;
using Reason = livekit::RequestResponse;

struct Host : PublicationsHost {
    std::optional<Uplink> uplink(const Participant&) const override { return link; }
    std::vector<sdp::PublishSection> late_sections(Participant&) override {
        return std::exchange(late, {});
    }
    void track_announced(const Publication& track) override {
        announced.push_back(track.track->info.sid());
    }
    void codec_changed(const Publication& track) override {
        recoded.push_back(track.track->info.mime_type());
    }
    void codec_added(const Publication& track) override {
        added.push_back(track.track->info.sid());
    }
    void sizes_changed(const Publication& track) override {
        sized.push_back(track.track->info.sid());
    }
    void track_ending(const Publication& track) override { on_ending(track); }
    void track_unpublished(Participant&, const livekit::TrackInfo& track) override {
        unpublished.push_back(track.sid());
    }
    void tracks_changed(Participant&) override { ++changes; }

    std::optional<Uplink> link = Uplink{sfu::PeerId(55), true, Timestamp()};
    std::vector<sdp::PublishSection> late;
    std::vector<std::string> announced;
    std::vector<std::string> added;
    std::vector<std::string> recoded;
    std::vector<std::string> sized;
    std::vector<std::string> unpublished;
    std::function<void(const Publication&)> on_ending = [](const Publication&) {};
    int changes = 0;
};

sdp::PublishSection section_of(const std::string& cid, const std::string& mid,
                               const std::string& mime) {
    sdp::PublishSection section;
    section.cid = cid;
    section.mid = mid;
    section.sdp_track_id = cid;
    section.kind = mime.starts_with("video") ? sdp::Kind::kVideo : sdp::Kind::kAudio;
    section.codecs.emplace_back().mime = mime;
    section.codecs.back().pt = 96;
    section.ssrcs = {4711};
    return section;
}

struct World : PartWorld {
    Participant& come(const std::string& identity, std::uint64_t session) {
        Participant& p = join(identity, session);
        publications.add(p);
        return p;
    }
    static livekit::AddTrackRequest request_of(const std::string& cid,
                                               livekit::TrackSource source) {
        livekit::AddTrackRequest request;
        request.set_cid(cid);
        const bool video = source == livekit::CAMERA || source == livekit::SCREEN_SHARE;
        request.set_type(video ? livekit::VIDEO : livekit::AUDIO);
        request.set_source(source);
        if (video) {
            request.set_width(1280);
            request.set_height(720);
            for (const auto quality : {livekit::LOW, livekit::MEDIUM, livekit::HIGH}) {
                livekit::VideoLayer& layer = *request.add_layers();
                layer.set_quality(quality);
            }
        }
        return request;
    }
    void add_track(Participant& p, const std::string& cid,
                   livekit::TrackSource source = livekit::CAMERA) {
        publications.add_track(p, request_of(cid, source));
    }
    void offer(Participant& p, std::vector<sdp::PublishSection> begun,
               std::vector<std::string> ended = {}) {
        sdp::Answer answer;
        answer.publish = std::move(begun);
        answer.ended_mids = std::move(ended);
        publications.take_sections(p, answer);
    }
    // The sid of a camera that is there.
    std::string publish(Participant& p, const std::string& cid, const std::string& mid) {
        add_track(p, cid);
        offer(p, {section_of(cid, mid, "video/VP8")});
        return publications.announced().of(p).back().track->info.sid();
    }
    std::string only_sid(const Sorted& effects, std::uint64_t session) {
        const auto told = effects.of(session, Response::kTrackPublished);
        REQUIRE(told.size() == 1);
        return told[0].track_published().track().sid();
    }

    Host host;
    Publications publications{scope, nullptr, sfu::RoomId(9), roster, ssrcs, host};
};

std::vector<Reason::Reason> refusals(const PartWorld::Sorted& out, std::uint64_t session) {
    std::vector<Reason::Reason> result;
    for (const auto& told : out.of(session, Response::kRequestResponse))
        result.push_back(told.request_response().reason());
    return result;
}

std::vector<std::string> told_gone(const PartWorld::Sorted& out, std::uint64_t session) {
    std::vector<std::string> result;
    for (const auto& told : out.of(session, Response::kTrackUnpublished))
        result.push_back(told.track_unpublished().track_sid());
    return result;
}

}  // namespace

TEST_CASE(
    "Publications: features of packet trailers are announced, each one once [IN-42] [SIG-100]") {
    for (const int asked :
         {0, kMaxTrailerFeatures - 1, kMaxTrailerFeatures, kMaxTrailerFeatures + 1}) {
        World w;
        Participant& alice = w.come("alice", 1);
        auto request = World::request_of("cam", livekit::CAMERA);
        for (int i = 0; i < asked; ++i)
            for (int times = 0; times < 2; ++times)
                request.mutable_packet_trailer_features()->Add(i);
        w.publications.add_track(alice, request);
        const auto told = w.sorted().of(1, Response::kTrackPublished);
        REQUIRE(told.size() == 1);
        const auto& features = told[0].track_published().track().packet_trailer_features();
        REQUIRE(features.size() == std::min(asked, kMaxTrailerFeatures));
        for (int i = 0; i < features.size(); ++i)
            CHECK(features.Get(i) == i);
    }
}

TEST_CASE("Publications: asked for, a section, announced once the connection is up [SIG-100]") {
    for (const bool connected : {true, false}) {
        World w;
        Participant& alice = w.come("alice", 1);
        w.host.link->ever_connected = connected;
        w.add_track(alice, "cam");
        const std::string sid = w.only_sid(w.sorted(), 1);
        CHECK(!w.publications.announced().find(sid));
        CHECK(w.publications.pending_sections(alice).size() == 1);
        w.offer(alice, {section_of("cam", "1", "video/VP8")});
        const auto out = w.sorted();
        const auto receivers = out.commands_of<sfu::AddReceiver>();
        REQUIRE(receivers.size() == 1);
        CHECK(receivers[0].peer == sfu::PeerId(55));
        CHECK(receivers[0].room == sfu::RoomId(9));
        CHECK(w.media.receivers.contains(receivers[0].receiver));
        CHECK(w.publications.publishes_on(alice, "1"));
        CHECK(w.host.announced.size() == (connected ? 1 : 0));
        CHECK(bool(w.publications.announced().find(sid)) == connected);
        if (!connected) w.publications.connected(alice);
        CHECK(w.host.announced == std::vector<std::string>{sid});
        CHECK(w.publications.announced().find(sid).publisher == &alice);
        livekit::ParticipantInfo info;
        w.publications.describe(alice, info);
        CHECK(info.tracks_size() == 1);
        // Nothing is made or told twice.
        w.publications.connected(alice);
        w.offer(alice, {section_of("cam", "1", "video/VP8")});
        CHECK(w.host.announced.size() == 1);
        CHECK(w.sorted().commands_of<sfu::AddReceiver>().empty());
    }
}

TEST_CASE(
    "Publications: other codecs in a later answer are those of the receiver that is there "
    "[IN-12] [SIG-100]") {
    for (const bool connected : {true, false}) {
        World w;
        Participant& alice = w.come("alice", 1);
        w.host.link->ever_connected = connected;
        w.add_track(alice, "cam");
        sdp::PublishSection section = section_of("cam", "1", "video/VP8");
        w.offer(alice, {section});
        const auto made = w.sorted().commands_of<sfu::AddReceiver>().at(0);
        w.host.changes = 0;
        // One more behind the first, or another extension: nothing that others are told.
        section.codecs.emplace_back().mime = "video/VP9";
        w.offer(alice, {section});
        section.extensions[std::string(sdp::kExtDependencyDescriptor)] = 12;
        w.offer(alice, {section});
        auto again = w.sorted().commands_of<sfu::AddReceiver>();
        REQUIRE(again.size() == 2);
        CHECK(again[0].codecs.size() == 2);
        CHECK(again[1].extensions.dependency_descriptor == 12);
        CHECK(w.host.recoded.empty());
        CHECK(w.host.changes == 0);
        section.codecs = section_of("cam", "1", "video/AV1").codecs;
        w.offer(alice, {section});
        again = w.sorted().commands_of<sfu::AddReceiver>();
        REQUIRE(again.size() == 1);
        CHECK(again[0].receiver == made.receiver);
        CHECK(again[0].mid == "1");
        REQUIRE(again[0].codecs.size() == 1);
        CHECK(again[0].codecs[0].codec == sfu::Codec::kAv1);
        CHECK(w.host.changes == (connected ? 1 : 0));
        CHECK(w.host.recoded ==
              (connected ? std::vector<std::string>{"video/AV1"} : std::vector<std::string>{}));
        w.publications.connected(alice);
        const auto& track = *w.publications.announced().of(alice).at(0).track;
        CHECK(track.info.mime_type() == "video/AV1");
        CHECK(track.info.codecs(0).mime_type() == "video/AV1");
        CHECK(track.slots[0].codec == sfu::Codec::kAv1);
        // As it is, so it goes to another worker.
        const auto moved = receivers_of(w.publications, alice);
        REQUIRE(moved.size() == 1);
        CHECK(moved[0].codecs == again[0].codecs);
        w.offer(alice, {section});
        section.codecs.clear();
        w.offer(alice, {section});
        CHECK(w.sorted().commands_of<sfu::AddReceiver>().empty());
    }
}

TEST_CASE(
    "Publications: which codec nobody named it is, its first packet says [SIG-100] [SIG-67]") {
    for (const bool go : {true, false})
        for (const bool other : {true, false}) {
            CAPTURE(go);
            CAPTURE(other);
            World w;
            Participant& alice = w.come("alice", 1);
            if (go) alice.client.set_sdk(livekit::ClientInfo::GO);
            w.add_track(alice, "cam");
            sdp::PublishSection section = section_of("cam", "1", "video/VP8");
            section.codecs.push_back(section.codecs.front());
            section.codecs.back().mime = "video/H264";
            section.codecs.back().pt = 102;
            w.offer(alice, {section});
            auto made = w.sorted().commands_of<sfu::AddReceiver>();
            REQUIRE(made.size() == 1);
            CHECK(made[0].any_codec);
            CHECK(w.host.announced.size() == (go ? 0 : 1));
            w.publications.connected(alice);
            CHECK(w.host.announced.size() == (go ? 0 : 1));
            sfu::LayerStarted started;
            started.receiver = made[0].receiver;
            started.ssrc = Ssrc(4711);
            started.codec = other ? sfu::Codec::kH264 : sfu::Codec::kVp8;
            const std::string sid = w.media.receivers.at(started.receiver).track_sid;
            w.publications.layer_started(alice, sid, started);
            REQUIRE(w.host.announced.size() == 1);
            const auto& track = *w.publications.announced().of(alice).at(0).track;
            CHECK(track.info.mime_type() == (other ? "video/H264" : "video/VP8"));
            CHECK(w.host.recoded.size() == (other && !go ? 1 : 0));
            // Its worker found that out by itself; it is made so elsewhere, and stays so whatever
            // the next answers have first.
            w.offer(alice, {section});
            CHECK(w.sorted().commands_of<sfu::AddReceiver>().empty());
            const auto moved = receivers_of(w.publications, alice);
            CHECK(moved[0].codecs.front().codec == started.codec);
            CHECK_FALSE(moved[0].any_codec);
            section.codecs.pop_back();
            w.offer(alice, {section});
            CHECK(track.info.mime_type() == "video/VP8");
        }
    // Of a muted one no packet comes, and one that is named is known.
    World w;
    Participant& alice = w.come("alice", 1);
    alice.client.set_sdk(livekit::ClientInfo::GO);
    auto request = World::request_of("muted", livekit::CAMERA);
    request.set_muted(true);
    w.publications.add_track(alice, request);
    request = World::request_of("named", livekit::CAMERA);
    request.add_simulcast_codecs()->set_codec("vp8");
    w.publications.add_track(alice, request);
    w.add_track(alice, "mic", livekit::MICROPHONE);
    w.offer(alice, {section_of("muted", "1", "video/VP8"), section_of("named", "2", "video/VP8"),
                    section_of("mic", "3", "audio/opus")});
    CHECK(w.host.announced.size() == 3);
}

TEST_CASE(
    "Publications: a track whose encoder failed stays what was announced, to be sent as what comes "
    "[IN-09] [DYN-01]") {
    World w;
    Participant& alice = w.come("alice", 1);
    auto request = World::request_of("cam", livekit::CAMERA);
    request.add_simulcast_codecs()->set_codec("h264");
    w.publications.add_track(alice, request);
    sdp::PublishSection section = section_of("cam", "1", "video/H264");
    section.codecs.push_back(section.codecs.front());
    section.codecs.back().mime = "video/VP8";
    section.codecs.back().pt = 102;
    w.offer(alice, {section});
    w.publications.connected(alice);
    const auto made = w.sorted().commands_of<sfu::AddReceiver>();
    REQUIRE(made.size() == 1);
    const auto& track = *w.publications.announced().of(alice).at(0).track;
    sfu::LayerStarted started;
    started.receiver = made[0].receiver;
    started.ssrc = Ssrc(4711);
    started.codec = sfu::Codec::kVp8;
    // What its worker knew before the last answer changes nothing.
    w.publications.layer_started(alice, track.info.sid(), started);
    CHECK(w.host.recoded.empty());
    started.other_codec = true;
    w.publications.layer_started(alice, track.info.sid(), started);
    CHECK(w.host.recoded.size() == 1);
    CHECK(track.info.codecs(0).mime_type() == "video/H264");
    CHECK(track.info.mime_type() == "video/H264");
    CHECK(sent_mime(track, 0) == "video/VP8");
    CHECK(track.slots[0].codec == sfu::Codec::kVp8);
    CHECK(receivers_of(w.publications, alice)[0].codecs.front().codec == sfu::Codec::kVp8);
    // The next answers have the announced one first, as they had; what comes stays.
    section.codecs.front().nack = !section.codecs.front().nack;
    w.offer(alice, {section});
    CHECK(track.info.codecs(0).mime_type() == "video/H264");
    CHECK(sent_mime(track, 0) == "video/VP8");
    // A section without it has another one, under its own name.
    section.codecs.pop_back();
    w.offer(alice, {section});
    CHECK(sent_mime(track, 0) == "video/H264");
    CHECK(track.slots[0].codec == sfu::Codec::kH264);
}

TEST_CASE("Publications: a section that came before its announcement is taken [SIG-04]") {
    World w;
    Participant& alice = w.come("alice", 1);
    w.offer(alice, {section_of("cam", "1", "video/VP8")});
    CHECK(w.sorted().commands_of<sfu::AddReceiver>().empty());
    w.host.late = {section_of("cam", "1", "video/VP8")};
    w.add_track(alice, "cam");
    CHECK(w.sorted().commands_of<sfu::AddReceiver>().size() == 1);
    CHECK(w.host.announced.size() == 1);
}

TEST_CASE("Publications: a source that is not granted is refused [SIG-101]") {
    World w;
    Participant& alice = w.come("alice", 1);
    alice.info.mutable_permission()->add_can_publish_sources(livekit::MICROPHONE);
    w.add_track(alice, "cam", livekit::CAMERA);
    auto out = w.sorted();
    CHECK(refusals(out, 1) == std::vector{Reason::NOT_ALLOWED});
    CHECK(out.of(1, Response::kTrackPublished).empty());
    CHECK(w.publications.pending_sections(alice).empty());
    w.add_track(alice, "mic", livekit::MICROPHONE);
    CHECK(refusals(w.sorted(), 1).empty());
}

TEST_CASE("Publications: revoked before its section comes, it never flows [TOK-13]") {
    World w;
    Participant& alice = w.come("alice", 1);
    w.add_track(alice, "cam");
    const std::string sid = w.only_sid(w.sorted(), 1);
    alice.info.mutable_permission()->set_can_publish(false);
    w.offer(alice, {section_of("cam", "1", "video/VP8")});
    const auto out = w.sorted();
    CHECK(out.commands_of<sfu::AddReceiver>().empty());
    CHECK(told_gone(out, 1) == std::vector{sid});
    CHECK(w.host.announced.empty());
    CHECK(w.host.unpublished.empty());
}

TEST_CASE("Publications: narrowed sources end what they leave out, pending or there [TOK-13]") {
    World w;
    Participant& alice = w.come("alice", 1);
    const std::string camera = w.publish(alice, "cam", "1");
    w.add_track(alice, "mic", livekit::MICROPHONE);
    w.offer(alice, {section_of("mic", "2", "audio/opus")});
    (void)w.sorted();
    w.add_track(alice, "screen", livekit::SCREEN_SHARE);
    const std::string screen = w.only_sid(w.sorted(), 1);
    alice.info.mutable_permission()->add_can_publish_sources(livekit::MICROPHONE);
    auto gone = w.publications.rights_changed(alice);
    const auto out = w.sorted();
    CHECK(told_gone(out, 1).empty());  // the room tells it, once it knows its new rights
    std::sort(gone.begin(), gone.end());
    auto expected = std::vector{camera, screen};
    std::sort(expected.begin(), expected.end());
    CHECK(gone == expected);
    CHECK(out.commands_of<sfu::RemoveReceiver>().size() == 1);
    CHECK(w.host.unpublished == std::vector{camera});  // nobody knew of the other
    CHECK(w.publications.announced().of(alice).size() == 1);
    CHECK(!w.publications.knows(alice, screen));
}

TEST_CASE("Publications: so many may wait for their sections [SIG-101]") {
    World w;
    Participant& alice = w.come("alice", 1);
    for (std::size_t i = 0; i < PublishFlow::kMaxPending; ++i)
        w.add_track(alice, "cam" + std::to_string(i));
    CHECK(refusals(w.sorted(), 1).empty());
    w.add_track(alice, "more");
    CHECK(refusals(w.sorted(), 1) == std::vector{Reason::LIMIT_EXCEEDED});
    w.offer(alice, {section_of("cam0", "1", "video/VP8")});
    w.add_track(alice, "more");
    CHECK(refusals(w.sorted(), 1).empty());
}

TEST_CASE("Publications: kMaxTracks of one participant, whatever waits for its section [SIG-101]") {
    World w;
    Participant& alice = w.come("alice", 1);
    for (std::size_t i = 0; i < PublishFlow::kMaxTracks; ++i)
        (void)w.publish(alice, "cam" + std::to_string(i), std::to_string(i));
    CHECK(refusals(w.sorted(), 1).empty());
    w.add_track(alice, "more");
    CHECK(refusals(w.sorted(), 1) == std::vector{Reason::LIMIT_EXCEEDED});
    w.offer(alice, {}, {"7"});
    w.add_track(alice, "more");
    CHECK(refusals(w.sorted(), 1).empty());
}

TEST_CASE("Publications: kMaxQueuedPerCid wait for a cid, and a bounded number for all [SIG-101]") {
    World w;
    Participant& alice = w.come("alice", 1);
    constexpr std::size_t kCids = PublishFlow::kMaxPending;
    for (std::size_t i = 0; i <= kCids; ++i)
        (void)w.publish(alice, "cam" + std::to_string(i), std::to_string(i));
    (void)w.sorted();
    for (std::size_t i = 0; i < kCids; ++i) {
        for (std::size_t k = 0; k < PublishFlow::kMaxQueuedPerCid; ++k) {
            w.add_track(alice, "cam" + std::to_string(i));
            CHECK(refusals(w.sorted(), 1) == std::vector{Reason::QUEUED});
        }
        w.add_track(alice, "cam" + std::to_string(i));
        CHECK(refusals(w.sorted(), 1) == std::vector{Reason::LIMIT_EXCEEDED});
    }
    w.add_track(alice, "cam" + std::to_string(kCids));
    CHECK(refusals(w.sorted(), 1) == std::vector{Reason::LIMIT_EXCEEDED});
}

TEST_CASE("Publications: a request of more than kMaxRequestBytes is refused [SIG-101] [IMM-13]") {
    World w;
    Participant& alice = w.come("alice", 1);
    constexpr std::size_t kMost = PublishFlow::kMaxRequestBytes;
    auto request = World::request_of("cam", livekit::CAMERA);
    request.set_name(std::string(kMost - 1'000, 'n'));
    const std::size_t rest = request.ByteSizeLong() - (kMost - 1'000);
    for (const std::size_t size : {kMost + 1, kMost}) {
        request.set_name(std::string(size - rest, 'n'));
        REQUIRE(request.ByteSizeLong() == size);
        w.publications.add_track(alice, request);
        CHECK(refusals(w.sorted(), 1).empty() == (size <= kMost));
    }
}

TEST_CASE(
    "Publications: sizes that nobody announced are those of the pictures, the track's that of its "
    "largest layer [SDP-27] [SUB-02]") {
    for (const bool layered : {true, false})
        for (const bool announced : {true, false}) {
            CAPTURE(layered);
            CAPTURE(announced);
            World w;
            Participant& alice = w.come("alice", 1);
            auto request = World::request_of("cam", livekit::CAMERA);
            if (!layered) request.clear_layers();
            if (!announced) {
                request.clear_width();
                request.clear_height();
            }
            w.publications.add_track(alice, request);
            w.offer(alice, {section_of("cam", "1", "video/VP8")});
            const auto& track = *w.publications.announced().of(alice).back().track;
            sfu::LayerStarted event;
            event.receiver = *track.slots[0].receiver;
            const auto start = [&](std::uint8_t spatial, std::uint32_t width) {
                event.spatial = spatial;
                event.width = width;
                event.height = width * 9 / 16;
                w.host.sized.clear();
                w.publications.layer_started(alice, track.info.sid(), event);
                return !w.host.sized.empty();
            };
            CHECK_FALSE(start(0, 0));
            CHECK(start(0, 320) == (layered || !announced));
            CHECK_FALSE(start(0, 320));
            CHECK(track.info.width() == (announced ? 1280 : 320));
            if (layered) {
                CHECK(start(2, 640));
                CHECK(start(1, 480));
                CHECK(track.info.layers(0).height() == 180);
                CHECK(track.info.layers(2).height() == 360);
                CHECK(track.info.width() == (announced ? 1280 : 640));
                CHECK(track.info.height() == (announced ? 720 : 360));
            }
            // What its publisher says later counts.
            livekit::UpdateLocalVideoTrack update;
            update.set_track_sid(track.info.sid());
            update.set_width(200);
            update.set_height(100);
            w.host.sized.clear();
            w.publications.update_video(alice, update);
            CHECK(w.host.sized.size() == 1);
            CHECK_FALSE(start(0, 4'000));
            CHECK(track.info.width() == 200);
        }
}

TEST_CASE("Publications: of a track that changes its SSRC for ever 64 are kept apart [IMM-15]") {
    World w;
    Participant& alice = w.come("alice", 1);
    const std::string sid = w.publish(alice, "cam", "1");
    sfu::LayerStarted event;
    event.receiver = *w.publications.find(alice, sid)->slots[0].receiver;
    for (std::uint32_t i = 1; i <= 100; ++i) {
        event.ssrc = Ssrc(i);
        w.publications.layer_started(alice, sid, event);
    }
    CHECK(w.ssrcs.size() == 64);
    CHECK(w.ssrcs.contains(Ssrc(1)));
    w.offer(alice, {}, {"1"});
    CHECK(w.ssrcs.size() == 0);
}

TEST_CASE("Publications: the same cid waits until the first track ends [SIG-76] [SIG-101]") {
    for (const bool leaving : {false, true}) {
        World w;
        Participant& alice = w.come("alice", 1);
        (void)w.publish(alice, "cam", "1");
        (void)w.sorted();
        w.add_track(alice, "cam");
        CHECK(refusals(w.sorted(), 1) == std::vector{Reason::QUEUED});
        alice.closing = leaving;
        w.offer(alice, {}, {"1"});
        CHECK(w.sorted().of(1, Response::kTrackPublished).size() == (leaving ? 0 : 1));
    }
}

TEST_CASE("Publications: while a track ends it is found, afterwards nothing is left [SIG-105]") {
    World w;
    Participant& alice = w.come("alice", 1);
    const std::string sid = w.publish(alice, "cam", "1");
    CHECK(w.ssrcs.contains(Ssrc(4711)));
    bool found = false;
    w.host.on_ending = [&](const Publication& track) {
        found = w.publications.announced().find(sid).track == track.track;
        CHECK(w.sorted().commands_of<sfu::RemoveReceiver>().empty());
    };
    w.offer(alice, {}, {"1"});
    CHECK(found);
    const auto out = w.sorted();
    CHECK(out.commands_of<sfu::RemoveReceiver>().size() == 1);
    CHECK(told_gone(out, 1).empty());  // it ended it itself
    CHECK(w.host.unpublished == std::vector{sid});
    CHECK(!w.publications.announced().find(sid));
    CHECK(w.publications.announced().publishers().empty());
    CHECK(w.media.receivers.empty());
    CHECK(w.ssrcs.size() == 0);
}

TEST_CASE("Publications: one that leaves takes along what is there and what waits [OBS-01]") {
    World w;
    Participant& alice = w.come("alice", 1);
    (void)w.publish(alice, "cam", "1");
    w.add_track(alice, "mic", livekit::MICROPHONE);
    (void)w.sorted();
    alice.closing = true;
    w.publications.unpublish_all(alice);
    std::vector<TrackStep> steps;
    for (const PublicationStep& step : w.sorted().observed<PublicationStep>())
        steps.push_back(step.step);
    CHECK(steps == std::vector{TrackStep::kEnd, TrackStep::kCancel});
    CHECK(w.publications.pending_sections(alice).empty());
    w.publications.remove(alice);
    CHECK(w.publications.next_deadline(alice).is_never());
}

TEST_CASE("Publications: a backup codec of an announced track is told as such [SIG-102]") {
    World w;
    Participant& alice = w.come("alice", 1);
    auto request = World::request_of("cam", livekit::CAMERA);
    request.add_simulcast_codecs()->set_codec("vp8");
    request.mutable_simulcast_codecs(0)->set_cid("cam");
    request.add_simulcast_codecs()->set_codec("h264");
    w.publications.add_track(alice, request);
    w.offer(alice, {section_of("cam", "1", "video/VP8")});
    const std::string sid = w.host.announced.at(0);
    request.set_sid(sid);
    request.mutable_simulcast_codecs(1)->set_cid("backup");
    w.publications.add_track(alice, request);
    CHECK(w.host.added.empty());
    w.offer(alice, {section_of("backup", "2", "video/H264")});
    CHECK(w.host.added == std::vector{sid});
    CHECK(w.host.announced.size() == 1);
    request.set_sid("TR_nobody");
    (void)w.sorted();
    w.publications.add_track(alice, request);
    CHECK(refusals(w.sorted(), 1) == std::vector{Reason::NOT_FOUND});
}

TEST_CASE("Publications: a backup codec's section may come before its own add_track [SIG-102]") {
    World w;
    Participant& alice = w.come("alice", 1);
    auto request = World::request_of("cam", livekit::CAMERA);
    request.add_simulcast_codecs()->set_codec("vp8");
    request.mutable_simulcast_codecs(0)->set_cid("cam");
    request.add_simulcast_codecs()->set_codec("h264");
    request.mutable_simulcast_codecs(1)->set_cid("backup");
    w.publications.add_track(alice, request);
    w.offer(alice, {section_of("cam", "1", "video/VP8")});
    const std::string sid = w.host.announced.at(0);
    // As the negotiation recognises it, by the cid of its codec.
    auto early = section_of("cam", "2", "video/H264");
    early.codec_index = 1;
    early.sdp_track_id = "backup";
    w.offer(alice, {early});
    CHECK(w.host.added == std::vector{sid});
    request.set_sid(sid);
    w.publications.add_track(alice, request);
    CHECK(w.publications.pending_sections(alice).empty());
    const livekit::TrackInfo& info = w.publications.announced().find(sid).track->info;
    CHECK(info.codecs(0).mid() == "1");
    CHECK(info.codecs(1).mid() == "2");
    CHECK(info.codecs(1).mime_type() == "video/H264");
    // There is one section for each of its codecs.
    early.mid = "3";
    w.offer(alice, {early});
    CHECK(w.host.added.size() == 1);
}

TEST_CASE("Publications: what was announced gets its section in 30 s, if it is to send [SIG-107]") {
    World w;
    w.config.reconnect_on_publication_error = true;
    Participant& alice = w.come("alice", 1);
    auto muted = World::request_of("mic", livekit::MICROPHONE);
    muted.set_muted(true);
    w.publications.add_track(alice, muted);
    CHECK(w.publications.next_deadline(alice).is_never());
    w.add_track(alice, "cam");
    w.at(29'999);
    CHECK(!w.publications.overdue(alice));
    w.at(30'000);
    CHECK(w.publications.overdue(alice));
    CHECK(w.publications.next_deadline(alice) == w.clock.now);
    w.offer(alice, {section_of("cam", "1", "video/VP8")});
    CHECK(!w.publications.overdue(alice));
}

TEST_CASE("Publications: the 30 s begin when it is to send: not muted, and connected [SIG-107]") {
    World w;
    w.config.reconnect_on_publication_error = true;
    Participant& alice = w.come("alice", 1);
    w.host.link->ever_connected = false;
    auto muted = World::request_of("mic", livekit::MICROPHONE);
    muted.set_muted(true);
    w.publications.add_track(alice, muted);
    const std::string sid = w.only_sid(w.sorted(), 1);
    w.at(40'000);
    CHECK(w.publications.mute(alice, sid, false) != nullptr);
    CHECK(w.publications.next_deadline(alice).is_never());
    CHECK(!w.publications.overdue(alice));
    w.host.link->ever_connected = true;
    CHECK(w.publications.next_deadline(alice) == w.clock.now + Publications::kSectionTimeout);
    // To say it once more is no new beginning.
    w.at(50'000);
    CHECK(w.publications.mute(alice, sid, false) != nullptr);
    CHECK(w.publications.next_deadline(alice) ==
          Timestamp() + Duration::seconds(40) + Publications::kSectionTimeout);
    w.host.link->connected_at = w.clock.now;
    w.at(79'999);
    CHECK(!w.publications.overdue(alice));
    w.at(80'000);
    CHECK(w.publications.overdue(alice));
    CHECK(w.publications.mute(alice, sid, true) != nullptr);
    CHECK(!w.publications.overdue(alice));
    CHECK(w.publications.mute(alice, "TR_none", true) == nullptr);
}

TEST_CASE("Publications: the publisher and its worker hear what is wanted [SIG-115] [IN-21]") {
    World w;
    Participant& alice = w.come("alice", 1);
    const std::string sid = w.publish(alice, "cam", "1");
    const Publication track = w.publications.announced().find(sid);
    (void)w.sorted();
    w.publications.announced().want_quality(track, {sfu::DownTrackId(1), 0, std::uint8_t{1}, {}});
    auto out = w.sorted();
    CHECK(out.of(1, Response::kSubscribedQualityUpdate).size() == 1);
    REQUIRE(out.commands_of<sfu::WantLayers>().size() == 1);
    CHECK(out.commands_of<sfu::WantLayers>()[0].max_spatial == 1);
    // A muted one is not told; the state follows.
    CHECK(w.publications.mute(alice, sid, true) != nullptr);
    w.publications.announced().want_quality(track, {sfu::DownTrackId(2), 0, std::uint8_t{2}, {}});
    CHECK(w.sorted().of(1, Response::kSubscribedQualityUpdate).empty());
    CHECK(w.publications.mute(alice, sid, false) != nullptr);
    CHECK(w.sorted().commands_of<sfu::WantLayers>().back().max_spatial == 2);
    // With nobody left it is off, after the delay.
    w.publications.announced().unwant_quality(track, sfu::DownTrackId(1));
    w.publications.announced().unwant_quality(track, sfu::DownTrackId(2));
    CHECK(w.sorted().commands_of<sfu::WantLayers>().empty());
    const Timestamp at = w.publications.next_deadline(alice);
    CHECK(at == w.clock.now + w.config.dynacast_pause_delay);
    w.clock.now = at;
    w.publications.handle_timeout(alice, at);
    out = w.sorted();
    REQUIRE(out.commands_of<sfu::WantLayers>().size() == 1);
    CHECK(out.commands_of<sfu::WantLayers>()[0].max_spatial == -1);
}

TEST_CASE("Publications: that somebody subscribed is told once [SIG-49]") {
    World w;
    Participant& alice = w.come("alice", 1);
    const Publication track = w.publications.announced().find(w.publish(alice, "cam", "1"));
    (void)w.sorted();
    w.publications.announced().subscribed(track);
    w.publications.announced().subscribed(track);
    CHECK(w.sorted().of(1, Response::kTrackSubscribed).size() == 1);
}

TEST_CASE("Publications: who can read neither is not told of subscribers, nor answered [SIG-67]") {
    World w;
    Participant& alice = w.come("alice", 1);
    alice.traits.gates.track_subscribed = alice.traits.gates.request_response = false;
    const Publication track = w.publications.announced().find(w.publish(alice, "cam", "1"));
    (void)w.sorted();
    w.publications.announced().subscribed(track);
    livekit::UpdateLocalAudioTrack update;
    update.set_track_sid("TR_nobody");
    w.publications.update_audio(alice, update);
    const auto told = w.sorted();
    CHECK(told.of(1, Response::kTrackSubscribed).empty());
    CHECK(told.of(1, Response::kRequestResponse).empty());
}

TEST_CASE("Publications: mute and features of a pending track are kept, of none refused [SIG-05]") {
    World w;
    Participant& alice = w.come("alice", 1);
    w.add_track(alice, "mic", livekit::MICROPHONE);
    const std::string sid = w.only_sid(w.sorted(), 1);
    REQUIRE(w.publications.mute(alice, sid, true) != nullptr);
    livekit::UpdateLocalAudioTrack update;
    update.set_track_sid(sid);
    update.add_features(livekit::TF_ECHO_CANCELLATION);
    w.publications.update_audio(alice, update);
    CHECK(w.host.changes == 0);  // nobody knows it
    w.offer(alice, {section_of("mic", "1", "audio/opus")});
    CHECK(w.sorted().commands_of<sfu::MuteReceiver>().size() == 1);
    CHECK(w.publications.announced().find(sid).track->info.audio_features_size() == 1);
    w.publications.update_audio(alice, update);
    CHECK(w.host.changes == 1);
    CHECK(w.publications.mute(alice, "TR_nobody", true) == nullptr);
    update.set_track_sid("TR_nobody");
    w.publications.update_audio(alice, update);
    CHECK(refusals(w.sorted(), 1) == std::vector{Reason::NOT_FOUND});
}

TEST_CASE(
    "Publications: a codec that a client may not publish is one that it may, once [SIG-69] "
    "[SDP-42]") {
    World w;
    Participant& alice = w.come("alice", 1);
    alice.traits.sdp.disabled_publish_codecs = {"video/H264"};
    livekit::AddTrackRequest request = World::request_of("cam", livekit::CAMERA);
    for (const char* codec : {"vp9", "h264", "vp8", "av1"})
        request.add_simulcast_codecs()->set_codec(codec);
    w.publications.add_track(alice, request);
    const auto told = w.sorted().of(1, Response::kTrackPublished);
    REQUIRE(told.size() == 1);
    const auto& codecs = told[0].track_published().track().codecs();
    REQUIRE(codecs.size() == 3);
    CHECK(codecs[0].mime_type() == "video/vp9");
    CHECK(codecs[1].mime_type() == "video/vp8");
    CHECK(codecs[2].mime_type() == "video/av1");
}

TEST_CASE("Publications: features tell whether sound is stereo, and sent in silence too [SIG-05]") {
    World w;
    Participant& alice = w.come("alice", 1);
    w.add_track(alice, "mic", livekit::MICROPHONE);
    const std::string sid = w.only_sid(w.sorted(), 1);
    livekit::UpdateLocalAudioTrack update;
    update.set_track_sid(sid);
    update.add_features(livekit::TF_STEREO);
    w.publications.update_audio(alice, update);
    REQUIRE(w.publications.pending_sections(alice).size() == 1);
    CHECK(w.publications.pending_sections(alice)[0].stereo);
    CHECK_FALSE(w.publications.pending_sections(alice)[0].disable_dtx);
    w.offer(alice, {section_of("mic", "1", "audio/opus")});
    const livekit::TrackInfo& info = w.publications.announced().find(sid).track->info;
    CHECK(info.stereo());
    update.clear_features();
    update.add_features(livekit::TF_NO_DTX);
    w.publications.update_audio(alice, update);
    CHECK_FALSE(info.stereo());
    CHECK(info.disable_dtx());
}

TEST_CASE("Publications: so many codecs and features of one track, and no more [IMM-13]") {
    World w;
    Participant& alice = w.come("alice", 1);
    livekit::AddTrackRequest request = World::request_of("cam", livekit::CAMERA);
    for (const char* codec : {"vp8", "vp8", "h264", "vp9", "theora", "av1", "h265", "h264"})
        request.add_simulcast_codecs()->set_codec(codec);
    w.publications.add_track(alice, request);
    w.add_track(alice, "mic", livekit::MICROPHONE);
    const auto told = w.sorted().of(1, Response::kTrackPublished);
    REQUIRE(told.size() == 2);
    CHECK(told[0].track_published().track().codecs_size() == 4);
    livekit::UpdateLocalAudioTrack update;
    update.set_track_sid(told[1].track_published().track().sid());
    for (int i = 0; i < 40; ++i)
        update.add_features(livekit::TF_ECHO_CANCELLATION);
    w.publications.update_audio(alice, update);
    w.offer(alice, {section_of("mic", "1", "audio/opus")});
    CHECK(w.publications.announced().of(alice).at(0).track->info.audio_features_size() == 16);
}

TEST_CASE("Publications: layers that start one after the other are told together [SIG-131]") {
    for (const bool told_meanwhile : {false, true}) {
        World w;
        Participant& alice = w.come("alice", 1);
        const std::string sid = w.publish(alice, "cam", "1");
        const sfu::ReceiverId receiver = *w.publications.find(alice, sid)->slots[0].receiver;
        for (std::uint8_t layer = 0; layer < 3; ++layer) {
            w.at(10 * layer);
            sfu::LayerStarted event;
            event.receiver = receiver;
            event.spatial = layer;
            event.ssrc = Ssrc(100U + layer);
            w.publications.layer_started(alice, sid, event);
        }
        CHECK(w.publications.announced().find(sid).track->info.layers(2).ssrc() == 102);
        CHECK(w.host.changes == 0);
        if (told_meanwhile) w.publications.told(alice);
        w.at(100);
        w.publications.handle_timeout(alice, w.clock.now);
        w.publications.handle_timeout(alice, w.clock.now);
        CHECK(w.host.changes == (told_meanwhile ? 0 : 1));
    }
}

TEST_CASE("Publications: who publishes and what, in the order of identities") {
    World w;
    Participant& bob = w.come("bob", 2);
    Participant& alice = w.come("alice", 1);
    (void)w.publish(bob, "cam", "1");
    (void)w.publish(alice, "cam", "1");
    (void)w.publish(alice, "cam2", "2");
    CHECK(w.publications.announced().publishers() == std::vector<Participant*>{&alice, &bob});
    REQUIRE(w.publications.announced().all().size() == 3);
    CHECK(w.publications.announced().all().back().publisher == &bob);
    CHECK(w.publications.announced().of(alice).size() == 2);
    w.offer(alice, {}, {"1"});
    CHECK(w.publications.announced().publishers().size() == 2);
    w.offer(alice, {}, {"2"});
    CHECK(w.publications.announced().publishers() == std::vector<Participant*>{&bob});
}

}  // namespace confab::room
