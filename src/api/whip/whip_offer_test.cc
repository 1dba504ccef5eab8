// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/whip/whip_offer.h"

#include <doctest/doctest.h>

#include "api/whip/whip_testing.h"

namespace confab::api {

using testing::audio;
using testing::kSession;
using testing::video;

namespace {

WhipOffer read(const std::string& sdp) {
    auto offer = read_whip_offer(sdp);
    REQUIRE_MESSAGE(offer.has_value(), offer.error().text);
    return *std::move(offer);
}

std::string without(std::string text, std::string_view part) {
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part))
        text.erase(at, part.size());
    return text;
}

}  // namespace

TEST_CASE("WHIP offer: tracks are made up from what is sent [CON-62]") {
    const WhipOffer offer = read(testing::offer());
    REQUIRE(offer.tracks.size() == 2);
    CHECK(offer.tracks[0].type() == livekit::AUDIO);
    CHECK(offer.tracks[0].source() == livekit::MICROPHONE);
    CHECK(offer.tracks[0].name() == "synthesized-microphone");
    CHECK(offer.tracks[1].type() == livekit::VIDEO);
    CHECK(offer.tracks[1].source() == livekit::CAMERA);
    CHECK(offer.tracks[1].name() == "synthesized-camera");
    CHECK(offer.tracks[1].layers().empty());
    CHECK(offer.receiving == 0);
}

TEST_CASE("WHIP offer: a track has the id of its section's, or one of its own [CON-62]") {
    const WhipOffer offer =
        read(std::string(kSession) + audio("0", "a=sendonly\r\na=msid:s t1\r\n") + video("cam"));
    CHECK(offer.tracks[0].cid() == "t1");
    CHECK(offer.tracks[1].cid() == "whip-cam");
}

TEST_CASE("WHIP offer: further tracks of a kind are of no known source [CON-62]") {
    const WhipOffer offer = read(std::string(kSession) + video("0") + video("1"));
    CHECK(offer.tracks[0].source() == livekit::CAMERA);
    CHECK(offer.tracks[1].source() == livekit::UNKNOWN);
    CHECK(offer.tracks[1].name() == "synthesized-camera-1");
}

TEST_CASE("WHIP offer: simulcast has a layer for each encoding, three at most [CON-62]") {
    const auto rids = [](int count) {
        std::string text = "a=sendonly\r\n";
        std::string list;
        for (int i = 0; i < count; ++i) {
            text += "a=rid:" + std::to_string(i) + " send\r\n";
            list += (i == 0 ? "" : ";") + std::to_string(i);
        }
        return read(std::string(kSession) + video("0", text + "a=simulcast:send " + list + "\r\n"))
            .tracks[0];
    };
    CHECK(rids(1).layers_size() == 0);
    CHECK(rids(2).layers_size() == 2);
    CHECK(rids(3).layers_size() == 3);
    CHECK(rids(3).layers(2).quality() == livekit::HIGH);
    CHECK(rids(4).layers_size() == 3);
}

TEST_CASE("WHIP offer: what only receives is no track [CON-60]") {
    const WhipOffer offer = read(std::string(kSession) + audio("0") + video("1", "a=recvonly\r\n"));
    CHECK(offer.tracks.size() == 1);
    CHECK(offer.receiving == 1);
    CHECK(read(std::string(kSession) + audio("0", "a=inactive\r\n") + video("1")).tracks.size() ==
          1);
}

TEST_CASE("WHIP offer: what is missing is named [CON-60]") {
    const auto error = [](const std::string& body) {
        const auto offer = read_whip_offer(body);
        REQUIRE_FALSE(offer.has_value());
        CHECK(offer.error().status == 400);
        return offer.error().text;
    };
    CHECK(error("") == "the body has no SDP offer");
    CHECK(error("hello").starts_with("invalid SDP offer: "));
    CHECK(error(std::string(kSession)) == "the SDP offer has no media");
    CHECK(error(without(testing::offer(), "a=ice-ufrag:abcd\r\n")) ==
          "the SDP offer has no valid a=ice-ufrag");
    CHECK(error(without(testing::offer(), "a=ice-pwd:0123456789012345678901\r\n")) ==
          "the SDP offer has no valid a=ice-pwd");
    CHECK(error(without(testing::offer(), "a=mid:1\r\n")) == "the SDP offer has no a=mid");
    std::string bare = testing::offer();
    const std::size_t print = bare.find("a=fingerprint");
    bare.erase(print, bare.find("\r\n", print) + 2 - print);
    CHECK(error(bare) == "the SDP offer has no a=fingerprint");
}

TEST_CASE("WHIP offer: ICE credentials are as long as RFC 8839 has them [CON-60] [CON-61]") {
    for (const std::size_t size : {4U, 256U})
        CHECK(is_ufrag(std::string(size, 'u')));
    for (const std::size_t size : {0U, 3U, 257U})
        CHECK_FALSE(is_ufrag(std::string(size, 'u')));
    for (const std::size_t size : {22U, 256U})
        CHECK(is_ice_pwd(std::string(size, 'p')));
    for (const std::size_t size : {0U, 21U, 257U})
        CHECK_FALSE(is_ice_pwd(std::string(size, 'p')));
}

TEST_CASE("WHIP offer: tracks of one id are told apart [CON-62]") {
    const std::string same = "a=sendonly\r\na=msid:- all\r\n";
    const WhipOffer offer = read(std::string(kSession) + audio("0", same) + video("1", same));
    CHECK(offer.tracks[0].cid() == "all");
    CHECK(offer.tracks[1].cid() == "whip-1");
}

TEST_CASE("WHIP offer: a mebibyte is read, more is too large [CON-60]") {
    std::string body = testing::offer();
    const std::string line = "a=x:" + std::string(1000, 'y') + "\r\n";
    while (body.size() + line.size() + 8 <= kMaxWhipBody)
        body += line;
    body += "a=" + std::string(kMaxWhipBody - body.size() - 4, 'z') + "\r\n";
    REQUIRE(body.size() == kMaxWhipBody);
    CHECK(read_whip_offer(body).has_value());
    const auto larger = read_whip_offer(body + "\n");
    REQUIRE_FALSE(larger.has_value());
    CHECK(larger.error().status == 413);
}

TEST_CASE("WHIP offer: so many tracks, and no more [CON-60]") {
    const auto with = [](std::size_t count) {
        std::string sdp(kSession);
        for (std::size_t i = 0; i < count; ++i)
            sdp += audio(std::to_string(i));
        return read_whip_offer(sdp).has_value();
    };
    CHECK(with(kMaxWhipTracks));
    CHECK_FALSE(with(kMaxWhipTracks + 1));
}

TEST_CASE("WHIP offer: a restart has other credentials and candidates in all sections [CON-61]") {
    const WhipOffer offer = read(testing::offer());
    const auto restarted = sdp::parse(restarted_offer(
        offer.description, {"efgh", "a-new-password-of-22-c", {"1 1 UDP 1 1.2.3.4 5 typ host"}}));
    REQUIRE(restarted.has_value());
    REQUIRE(restarted->sections.size() == 2);
    for (const sdp::MediaSection& section : restarted->sections) {
        CHECK(section.ufrag == "efgh");
        CHECK(section.pwd == "a-new-password-of-22-c");
    }
    CHECK(restarted->sections[0].candidates.size() == 1);
    CHECK(restarted->sections[1].candidates.empty());
    CHECK(restarted->fingerprints == offer.description.fingerprints);
}

}  // namespace confab::api
