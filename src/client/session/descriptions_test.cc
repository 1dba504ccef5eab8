// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/descriptions.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

namespace confab::client {
namespace {

const LocalDescription kLocal{"ufrg", "password-of-24-characters", "AA:BB"};

TrackPlan camera() {
    TrackPlan plan;
    plan.kind = MediaKind::kVideo;
    plan.layers = {{"q", 1, 2, 320, 180, 1}, {"h", 3, 4, 640, 360, 1}};
    return plan;
}

sdp::Description parsed(const std::string& text) {
    const auto result = sdp::parse(text);
    REQUIRE(result.has_value());
    return *result;
}

TEST_CASE("OfferBuilder: sections to receive, data, then what is sent; they only grow [SIG-84]") {
    OfferBuilder builder(OfferSize::kBrowser, 3);
    const std::string mid = builder.add_sending(camera(), "cam");
    const sdp::Description first = parsed(builder.offer(kLocal));
    REQUIRE(first.sections.size() == 8);
    CHECK(first.bundle->size() == 8);
    CHECK(first.sections[6].kind == sdp::Kind::kApplication);
    CHECK(first.sections[7].mid == mid);
    CHECK(first.sections[7].direction == sdp::Direction::kSendOnly);
    CHECK(first.sections[7].simulcast_send == std::vector<std::string>{"q", "h"});
    CHECK(first.sections[7].msid->track == "cam");
    for (const sdp::MediaSection& section : first.sections) {
        CHECK(section.ufrag == kLocal.ufrag);
        CHECK(section.setup == sdp::Setup::kActPass);
    }
    builder.stop_sending(mid);
    builder.add_receiving(1, 0);
    const sdp::Description second = parsed(builder.offer(kLocal));
    REQUIRE(second.sections.size() == 9);
    CHECK(second.sections[7].direction == sdp::Direction::kInactive);
    CHECK(second.sections[8].direction == sdp::Direction::kRecvOnly);
    CHECK(second.origin != first.origin);
}

TEST_CASE("OfferBuilder: SSRCs are announced where the plan says so [SDP-27]") {
    TrackPlan plan = camera();
    plan.layers.resize(1);
    plan.layers[0].rid.clear();
    plan.announce_ssrcs = true;
    OfferBuilder builder(OfferSize::kLean, 0);
    (void)builder.add_sending(plan, "cam");
    const sdp::MediaSection section = parsed(builder.offer(kLocal)).sections.back();
    REQUIRE(section.ssrcs.size() == 2);
    CHECK(section.ssrc_groups.front().ssrcs == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("answer_to: takes what is sent, with our credentials and as the DTLS client") {
    OfferBuilder builder(OfferSize::kLean, 1);
    (void)builder.add_sending(camera(), "cam");
    const sdp::Description offer = parsed(builder.offer({"other", "their-password", "CC:DD"}));
    const sdp::Description answer = parsed(answer_to(offer, kLocal));
    REQUIRE(answer.sections.size() == offer.sections.size());
    CHECK(answer.sections[0].direction == sdp::Direction::kInactive);
    CHECK(answer.sections[2].direction == sdp::Direction::kSendRecv);
    CHECK(answer.sections[3].direction == sdp::Direction::kRecvOnly);
    for (const sdp::MediaSection& section : answer.sections) {
        CHECK(section.setup == sdp::Setup::kActive);
        CHECK(section.pwd == kLocal.pwd);
    }
}

TEST_CASE("streams_of: what the server sends, with its RTX [SDP-04]") {
    OfferBuilder builder(OfferSize::kBrowser, 1);
    TrackPlan plan = camera();
    plan.layers.resize(1);
    plan.layers[0].rid.clear();
    plan.announce_ssrcs = true;
    (void)builder.add_sending(plan, "TR_cam");
    sdp::Description remote = parsed(builder.offer(kLocal));
    remote.sections.back().msid->stream = "PA_x|TR_cam";
    const RemoteStreams streams = streams_of(remote);
    REQUIRE(streams.size() == 1);
    const RemoteStream expected{"PA_x", "TR_cam", "3",      MediaKind::kVideo,
                                1,      2,        kVp8Type, kVp8RtxType};
    CHECK(streams.at("TR_cam") == expected);
    remote.sections.back().direction = sdp::Direction::kInactive;
    CHECK(streams_of(remote).empty());
}

TEST_CASE("candidate_of: the line of a RTCIceCandidateInit, or nothing [SIG-03]") {
    CHECK(candidate_of(R"({"candidate":"candidate:1 1 udp 5 10.0.0.1 7 typ host","sdpMid":"0"})") ==
          "candidate:1 1 udp 5 10.0.0.1 7 typ host");
    for (const char* text : {"", "{}", R"({"candidate":""})", R"({"candidate":"open)", "candidate"})
        CHECK_FALSE(candidate_of(text).has_value());
    CHECK_FALSE(candidate_of(R"({"candidate":")" + std::string(5000, 'x') + "\"}").has_value());
}

TEST_CASE("OfferBuilder: stops at what can be parsed, with room for one more to send [SDP-07]") {
    OfferBuilder builder(OfferSize::kLean, 0);
    builder.add_receiving(100'000, 100'000);
    CHECK(builder.sections() == sdp::kMaxSections - 1);
    (void)builder.add_sending(camera(), "cam");
    CHECK(parsed(builder.offer(kLocal)).sections.size() == sdp::kMaxSections);
}

TEST_CASE("streams_of: a section that says too little is no stream [SDP-04]") {
    OfferBuilder builder(OfferSize::kLean, 0);
    TrackPlan plan = camera();
    plan.layers.resize(1);
    plan.layers[0].rid.clear();
    plan.announce_ssrcs = true;
    (void)builder.add_sending(plan, "TR_cam");
    const sdp::Description good = parsed(builder.offer(kLocal));
    REQUIRE(streams_of(good).size() == 1);
    const auto without = [&](void (*change)(sdp::MediaSection&)) {
        sdp::Description changed = good;
        change(changed.sections.back());
        return streams_of(changed);
    };
    using Section = sdp::MediaSection;
    CHECK(without([](Section& s) { s.msid.reset(); }).empty());
    CHECK(without([](Section& s) { s.ssrcs.clear(); }).empty());
    CHECK(without([](Section& s) { s.port = 0; }).empty());
    CHECK(without([](Section& s) { s.direction = sdp::Direction::kRecvOnly; }).empty());
    CHECK(without([](Section& s) {
              for (sdp::Codec& codec : s.codecs)
                  codec.name = "H264";
          }).empty());
    // Without RTX it is one all the same.
    for (auto* change : {+[](Section& s) { s.ssrc_groups.clear(); },
                         +[](Section& s) { s.ssrc_groups[0].ssrcs.push_back(9); },
                         +[](Section& s) { s.ssrc_groups[0].semantics = "SIM"; }}) {
        const RemoteStreams streams = without(change);
        REQUIRE(streams.size() == 1);
        CHECK(streams.begin()->second.rtx_ssrc == 0);
    }
}

TEST_CASE("OfferBuilder: payload types and extension ids are unique, RTX names its codec") {
    for (const OfferSize size : {OfferSize::kLean, OfferSize::kBrowser}) {
        OfferBuilder builder(size, 1);
        const sdp::Description offer = parsed(builder.offer(kLocal));
        for (const sdp::MediaSection& section : offer.sections) {
            CAPTURE(section.media);
            std::set<int> types;
            std::set<int> ids;
            for (const sdp::Codec& codec : section.codecs)
                CHECK(types.insert(codec.pt).second);
            for (const sdp::ExtMap& extension : section.extensions)
                CHECK(ids.insert(extension.id).second);
            for (const sdp::Codec& codec : section.codecs) {
                if (codec.name != "rtx") continue;
                REQUIRE(codec.fmtp.starts_with("apt="));
                CHECK(types.contains(std::stoi(codec.fmtp.substr(4))));
            }
        }
        // What a client of ours sends and reads is there in either size.
        const sdp::MediaSection& audio = offer.sections[0];
        const sdp::MediaSection& video = offer.sections[1];
        CHECK(audio.codecs.front().pt == kOpusType);
        CHECK(audio.codecs.front().name == "opus");
        CHECK(audio.codecs.front().channels == 2);
        CHECK(video.codecs[0].pt == kVp8Type);
        CHECK(video.codecs[1].pt == kVp8RtxType);
        CHECK((audio.codecs.size() == 1) == (size == OfferSize::kLean));
        CHECK((video.codecs.size() == 2) == (size == OfferSize::kLean));
        for (const char* feedback : {"nack", "nack pli", "transport-cc", "goog-remb", "ccm fir"})
            CHECK(std::ranges::count(video.codecs[0].feedback, feedback) == 1);
    }
}

TEST_CASE("OfferBuilder: the codecs of a browser, every profile of it") {
    OfferBuilder builder(OfferSize::kBrowser, 1);
    const sdp::Description offer = parsed(builder.offer(kLocal));
    std::map<std::string, int> count;
    std::set<std::string> h264;
    for (const sdp::Codec& codec : offer.sections[1].codecs) {
        ++count[codec.name];
        if (codec.name == "H264") CHECK(h264.insert(codec.fmtp).second);
    }
    CHECK(count == std::map<std::string, int>{{"VP8", 1},
                                              {"VP9", 4},
                                              {"H264", 8},
                                              {"AV1", 2},
                                              {"rtx", 15},
                                              {"red", 1},
                                              {"ulpfec", 1}});
    std::set<std::string> audio;
    for (const sdp::Codec& codec : offer.sections[0].codecs)
        audio.insert(codec.name);
    CHECK(audio ==
          std::set<std::string>{"opus", "red", "G722", "PCMU", "PCMA", "CN", "telephone-event"});
}

TEST_CASE("OfferBuilder: one bundle of all sections, data with its port and size [SDP-01]") {
    OfferBuilder builder(OfferSize::kLean, 2);
    const std::string audio = builder.add_sending({}, "mic");
    const sdp::Description offer = parsed(builder.offer(kLocal));
    std::vector<std::string> mids;
    mids.reserve(offer.sections.size());
    for (const sdp::MediaSection& section : offer.sections)
        mids.push_back(section.mid);
    CHECK(*offer.bundle == mids);
    CHECK(mids == std::vector<std::string>{"0", "1", "2", "3", "4", "5"});
    const sdp::MediaSection& data = offer.sections[4];
    CHECK(data.kind == sdp::Kind::kApplication);
    CHECK(data.direction == sdp::Direction::kSendRecv);
    CHECK(data.sctp_port == 5000);
    CHECK(data.max_message_size == 262'144);
    CHECK(data.formats == std::vector<std::string>{"webrtc-datachannel"});
    CHECK(offer.sections[5].mid == audio);
    CHECK(offer.sections[5].kind == sdp::Kind::kAudio);
    for (const sdp::MediaSection& section : offer.sections) {
        REQUIRE(section.fingerprints.size() == 1);
        CHECK(section.fingerprints[0].value == kLocal.fingerprint);
        CHECK(section.rtcp_mux == section.is_rtp());
    }
}

TEST_CASE("OfferBuilder: a layer without RTX has no group, and stopping forgets them [SDP-27]") {
    TrackPlan plan = camera();
    plan.announce_ssrcs = true;
    plan.layers = {{"", 1, 0, 320, 180, 1}, {"", 3, 4, 640, 360, 1}};
    OfferBuilder builder(OfferSize::kLean, 0);
    const std::string mid = builder.add_sending(plan, "cam");
    const std::string other = builder.add_sending(plan, "other");
    const sdp::Description before = parsed(builder.offer(kLocal));
    CHECK(before.sections[1].ssrcs.size() == 3);
    REQUIRE(before.sections[1].ssrc_groups.size() == 1);
    CHECK(before.sections[1].ssrc_groups[0].ssrcs == std::vector<std::uint32_t>{3, 4});
    CHECK(before.sections[1].send_rids.empty());
    builder.stop_sending(mid);
    builder.stop_sending("no such");
    const sdp::Description after = parsed(builder.offer(kLocal));
    CHECK(after.sections[1].ssrcs.empty());
    CHECK(after.sections[1].ssrc_groups.empty());
    CHECK(after.sections[1].direction == sdp::Direction::kInactive);
    CHECK(after.sections[2].mid == other);
    CHECK(after.sections[2].ssrcs.size() == 3);
    CHECK(after.sections[2].direction == sdp::Direction::kSendOnly);
}

TEST_CASE("answer_to: nothing of the other's own stays in it") {
    TrackPlan plan = camera();
    plan.announce_ssrcs = true;
    OfferBuilder builder(OfferSize::kLean, 0);
    (void)builder.add_sending(plan, "cam");
    sdp::Description offer = parsed(builder.offer({"other", "their-password", "CC:DD"}));
    offer.ice_lite = true;
    offer.ufrag = "sess";
    offer.pwd = "password-of-the-session-x";
    offer.setup = sdp::Setup::kActPass;
    offer.sections[1].candidates = {"candidate:1 1 udp 5 10.0.0.1 7 typ host"};
    offer.sections[1].end_of_candidates = true;
    const std::string text = answer_to(offer, kLocal);
    for (const char* theirs :
         {"other", "their-password", "CC:DD", "sess\r", "password-of-the-session", "candidate",
          "ice-lite", "a=ssrc", "a=msid:", "actpass"})
        CHECK_MESSAGE(text.find(theirs) == std::string::npos, theirs);
    const sdp::Description answer = parsed(text);
    CHECK(answer.sections[1].mid == offer.sections[1].mid);
    CHECK(answer.sections[1].codecs.size() == offer.sections[1].codecs.size());
    CHECK(*answer.bundle == *offer.bundle);
}

}  // namespace
}  // namespace confab::client
