// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// TrackSender by itself: one track, one subscriber, what the worker is told.
#include "room/subscribe/track_sender.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "room/roster/part_testing.h"
#include "rtc/sdp/feature_sets.h"

namespace confab::room {
namespace {

using testing::PartWorld;

struct World : PartWorld {
    // A camera that alice publishes in these codecs; the first flows.
    explicit World(const std::vector<std::string>& mimes) {
        track.info.set_sid("TR_cam");
        track.info.set_type(livekit::VIDEO);
        track.info.set_stream("camera");
        track.info.set_mime_type(mimes[0]);
        track.slots.resize(mimes.size());
        for (const std::string& mime : mimes)
            track.info.add_codecs()->set_mime_type(mime);
        for (const auto quality : {livekit::LOW, livekit::MEDIUM, livekit::HIGH}) {
            livekit::VideoLayer& layer = *track.info.add_layers();
            layer.set_quality(quality);
            layer.set_spatial_layer(quality);
        }
        flow(0);
        sender.open(shared, bob, "TR_cam");
    }
    void flow(std::size_t codec) { track.slots[codec].receiver = sfu::ReceiverId(500 + codec); }
    Publication publication() { return {&alice, &track}; }
    bool bind(const std::vector<std::string>& mimes,
              const std::map<std::string, std::uint8_t>& extensions = {}) {
        sdp::BoundSender bound;
        bound.extensions = extensions;
        bound.mid = "3";
        for (const std::string& mime : mimes)
            bound.codecs.emplace_back().mime = mime;
        return sender.bind(track, bound);
    }
    void attach() { sender.attach(shared, bob, publication(), sfu::PeerId(77)); }
    void move() { sender.move(shared, bob, publication()); }
    template <typename T>
    std::vector<T> told() {
        return sorted().commands_of<T>();
    }

    PublishedTrack track;
    Participant& alice = join("alice", 1);
    Participant& bob = join("bob", 2);
    SendScope shared{scope, nullptr, ssrcs, {"trailer", false, {}}};
    TrackSender sender;
};

}  // namespace

TEST_CASE("TrackSender: the ids it has are its own until it closes") {
    World w({"video/VP8"});
    const sfu::DownTrackId first = w.sender.id();
    CHECK(w.media.down_tracks.at(first).participant == &w.bob);
    CHECK(w.media.down_tracks.at(first).track_sid == "TR_cam");
    CHECK(w.ssrcs.size() == 2);
    const sdp::Sender section = w.sender.section(w.shared, w.bob, w.publication());
    CHECK(section.id == first.value());
    CHECK(w.ssrcs.contains(Ssrc(section.ssrc)));
    CHECK(w.ssrcs.contains(Ssrc(section.rtx_ssrc)));
    CHECK_FALSE(w.sender.close(w.shared, w.bob, true));
    CHECK(w.media.down_tracks.empty());
    CHECK(w.ssrcs.size() == 0);
    CHECK(w.sorted().commands.empty());
    w.sender.open(w.shared, w.bob, "TR_cam");
    CHECK(w.sender.id() != first);
}

TEST_CASE("TrackSender: Opus that stays Opus is asked for again, what may be RED is not [SDP-21]") {
    struct Row {
        const char* mime;
        bool disable_red, makes_red, asked;
    };
    for (const Row& row :
         {Row{"audio/opus", false, false, true}, Row{"audio/opus", true, true, true},
          Row{"audio/opus", false, true, false}, Row{"audio/red", false, true, false},
          Row{"audio/red", false, false, false}, Row{"", false, false, false}}) {
        CAPTURE(row.mime);
        World w({row.mime});
        w.config.active_red_encoding = row.makes_red;
        w.track.info.set_mime_type(row.mime);
        w.track.info.set_disable_red(row.disable_red);
        CHECK(w.sender.section(w.shared, w.bob, w.publication()).disable_red == row.asked);
    }
}

TEST_CASE("TrackSender: section and packets name the same stream [SDP-04]") {
    for (const bool together : {true, false}) {
        World w({"video/VP8"});
        w.shared.settings.sync_streams = together;
        w.bob.traits.gates.sync_streams = true;
        w.bob.client.set_protocol(9);
        REQUIRE(w.bind({"video/VP8"}));
        w.attach();
        const auto added = w.told<sfu::AddDownTrack>();
        REQUIRE(added.size() == 1);
        CHECK(added[0].cname == w.alice.sid() + (together ? "|camera" : "|TR_cam"));
        CHECK(w.sender.section(w.shared, w.bob, w.publication()).stream_id == added[0].cname);
    }
}

TEST_CASE(
    "TrackSender: packets are numbered across the transport only where feedback is used [BWE-20]") {
    for (const bool send_side : {true, false}) {
        World w({"video/VP8"});
        w.config.send_side_bwe = send_side;
        REQUIRE(w.bind({"video/VP8"}, {{std::string(sdp::kExtTransportCc), 4},
                                       {std::string(sdp::kExtAbsSendTime), 5}}));
        w.attach();
        const auto added = w.told<sfu::AddDownTrack>();
        REQUIRE(added.size() == 1);
        CHECK(added[0].extensions.transport_cc == (send_side ? 4 : 0));
        CHECK(added[0].extensions.abs_send_time == (send_side ? 0 : 5));
    }
}

TEST_CASE("TrackSender: only Go clients get media before there is any [SIG-67]") {
    for (const auto sdk : {livekit::ClientInfo::GO, livekit::ClientInfo::JS}) {
        World w({"video/VP8"});
        w.bob.client.set_sdk(sdk);
        REQUIRE(w.bind({"video/VP8"}));
        w.attach();
        const auto added = w.told<sfu::AddDownTrack>();
        REQUIRE(added.size() == 1);
        CHECK(added[0].early_media == (sdk == livekit::ClientInfo::GO));
    }
}

TEST_CASE(
    "TrackSender: trailers are cut off for who does not know them, where there are any [SIG-66]") {
    for (const bool announced : {true, false})
        for (const bool knows : {true, false}) {
            World w({"video/VP8"});
            if (announced) w.track.info.add_packet_trailer_features(livekit::PTF_FRAME_ID);
            w.bob.traits.packet_trailers = knows;
            REQUIRE(w.bind({"video/VP8"}));
            w.attach();
            const auto added = w.told<sfu::AddDownTrack>();
            REQUIRE(added.size() == 1);
            CHECK(added[0].strip_packet_trailers == (announced && !knows));
        }
}

TEST_CASE("TrackSender: a section without a codec of the track binds nothing [IN-09]") {
    World w({"video/VP8"});
    CHECK_FALSE(w.bind({"video/H264"}));
    CHECK_FALSE(w.sender.takes(sfu::Codec::kH264));
    CHECK(w.bind({"video/H264", "video/VP8"}));
    CHECK(w.sender.takes(sfu::Codec::kH264));
}

TEST_CASE("TrackSender: what flows is taken before what would have to be started [SIG-102]") {
    World w({"video/VP8", "video/H264"});
    w.track.slots[0].receiver.reset();
    w.flow(1);
    REQUIRE(w.bind({"video/VP8", "video/H264"}));
    CHECK(w.sender.codec() == 1);
    // And of two that flow the first, unless everybody left it (DYN-05).
    w.flow(0);
    REQUIRE(w.bind({"video/VP8", "video/H264"}));
    CHECK(w.sender.codec() == 0);
    w.track.regressed = true;
    REQUIRE(w.bind({"video/VP8", "video/H264"}));
    CHECK(w.sender.codec() == 1);
}

TEST_CASE("TrackSender: attached once, when its codec has a receiver") {
    World w({"video/VP8"});
    REQUIRE(w.bind({"video/VP8"}));
    w.track.slots[0].receiver.reset();
    w.attach();
    CHECK(w.told<sfu::AddDownTrack>().empty());
    CHECK_FALSE(w.sender.settled());
    w.flow(0);
    w.attach();
    w.attach();
    const auto added = w.told<sfu::AddDownTrack>();
    REQUIRE(added.size() == 1);
    CHECK(added[0].down_track == w.sender.id());
    CHECK(added[0].receiver == sfu::ReceiverId(500));
    CHECK(added[0].peer == sfu::PeerId(77));
    CHECK(w.sender.settled());
}

TEST_CASE(
    "TrackSender: an attached one ends at the worker, with or without blank frames [FWD-15]") {
    for (const bool blank : {true, false}) {
        World w({"video/VP8"});
        REQUIRE(w.bind({"video/VP8"}));
        w.attach();
        CHECK(w.sender.close(w.shared, w.bob, blank));
        const auto removed = w.told<sfu::RemoveDownTrack>();
        REQUIRE(removed.size() == 1);
        CHECK(removed[0].down_track == w.sender.id());
        CHECK(removed[0].blank_frames == blank);
        CHECK_FALSE(w.sender.takes(sfu::Codec::kVp8));
    }
}

TEST_CASE("TrackSender: each codec is tried once, and again after it was opened anew [IN-09]") {
    World w({"video/VP8", "video/H264"});
    REQUIRE(w.bind({"video/VP8", "video/H264"}));
    w.attach();
    CHECK(w.sender.try_another(w.track) == std::size_t{0});
    CHECK(w.sender.codec() == 1);
    CHECK_FALSE(w.sender.settled());
    w.move();  // it has no receiver yet
    CHECK(w.told<sfu::SwitchDownTrack>().empty());
    w.flow(1);
    w.move();
    w.move();
    const auto switched = w.told<sfu::SwitchDownTrack>();
    REQUIRE(switched.size() == 1);
    CHECK(switched[0].receiver == sfu::ReceiverId(501));
    CHECK(w.sender.settled());
    CHECK_FALSE(w.sender.try_another(w.track));
    (void)w.sender.close(w.shared, w.bob, false);
    w.sender.open(w.shared, w.bob, "TR_cam");
    REQUIRE(w.bind({"video/VP8", "video/H264"}));
    CHECK(w.sender.codec() == 0);
}

TEST_CASE("TrackSender: another codec before it is attached needs no switch [DYN-05]") {
    World w({"video/VP8", "video/H264"});
    REQUIRE(w.bind({"video/VP8", "video/H264"}));
    CHECK(w.sender.switch_to(1) == 0);
    w.flow(1);
    w.move();
    CHECK(w.told<sfu::SwitchDownTrack>().empty());
    w.attach();
    CHECK(w.told<sfu::AddDownTrack>().at(0).receiver == sfu::ReceiverId(501));
}

TEST_CASE("TrackSender: the worker hears of settings that changed, the wish follows [SUB-01]") {
    World w({"video/VP8"});
    sfu::DownTrackSettings settings;
    settings.max_spatial = 1;
    REQUIRE(w.bind({"video/VP8"}));
    CHECK(w.sender.apply(w.shared, w.bob, settings));
    CHECK(w.told<sfu::UpdateDownTrack>().empty());  // it comes with AddDownTrack
    w.attach();
    CHECK(w.told<sfu::AddDownTrack>().at(0).settings == settings);
    CHECK_FALSE(w.sender.apply(w.shared, w.bob, settings));
    CHECK(w.sender.wish(w.track).quality == WantedQuality(1));
    settings.enabled = false;
    CHECK(w.sender.apply(w.shared, w.bob, settings));
    CHECK(w.told<sfu::UpdateDownTrack>().size() == 1);
    CHECK_FALSE(w.sender.enabled());
    CHECK_FALSE(w.sender.wish(w.track, 0).quality);
    CHECK(w.sender.wish(w.track, 0).instead_of == std::size_t{0});
}

}  // namespace confab::room
