// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/descriptions.h"

#include <doctest/doctest.h>

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

}  // namespace
}  // namespace confab::client
