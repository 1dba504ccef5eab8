// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/sdp/codec_table.h"

#include <doctest/doctest.h>

#include "rtc/sdp/description/fmtp.h"
#include "rtc/sdp/feature_sets.h"
#include "rtc/sdp/offer/offers_testing.h"

namespace confab::sdp {
namespace {

std::string payload_types(const std::vector<Codec>& codecs) {
    std::string out;
    for (const Codec& codec : codecs)
        out += std::to_string(codec.pt) + " ";
    return out;
}

CodecSet set_of(const std::vector<EnabledCodec>& enabled, Purpose purpose,
                const ClientTraits& client = {}) {
    return enabled_codecs(enabled, client, purpose);
}

Codec h264(const std::string& fmtp) {
    return {102, "H264", 90000, 0, fmtp, {}};
}

}  // namespace

TEST_CASE("codec table: payload types of our offers in their order [SIG-90] [ROOM-08]") {
    const CodecSet set = set_of(testing::default_codecs(), Purpose::kSubscribe);
    CHECK(payload_types(offered_codecs(set, Kind::kVideo)) ==
          "96 97 98 99 100 101 125 126 108 109 104 105 102 103 35 36 116 117 ");
    CHECK(payload_types(offered_codecs(set, Kind::kAudio)) == "111 63 0 8 ");
    const auto video = offered_codecs(set, Kind::kVideo);
    CHECK(video[1].fmtp == "apt=96");
    CHECK(video[6].fmtp ==
          "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f");
}

TEST_CASE("codec table: rooms choose mimes, fmtp and RTX [SDP-20]") {
    const CodecSet plain = set_of({{"video/vp8", ""}, {"audio/OPUS", ""}}, Purpose::kSubscribe);
    CHECK(payload_types(offered_codecs(plain, Kind::kVideo)) == "96 ");
    CHECK(payload_types(offered_codecs(plain, Kind::kAudio)) == "111 ");
    CHECK_FALSE(plain.rtx);
    CHECK_FALSE(plain.red);
    const CodecSet exact = set_of(
        {{"video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f"}},
        Purpose::kSubscribe);
    CHECK(payload_types(offered_codecs(exact, Kind::kVideo)) == "106 ");
}

TEST_CASE("codec table: codecs a client's browser can not do are left out [SIG-69] [SDP-42]") {
    ClientTraits safari;
    safari.disabled_codecs = {"video/av1"};
    safari.disabled_publish_codecs = {"video/VP9"};
    const auto codecs = testing::default_codecs();
    const Codec av1{45, "AV1", 90000, 0, "", {}};
    const Codec vp9{98, "VP9", 90000, 0, "", {}};
    const CodecSet publish = set_of(codecs, Purpose::kPublish, safari);
    const CodecSet subscribe = set_of(codecs, Purpose::kSubscribe, safari);
    CHECK(match_codec(publish, Kind::kVideo, av1) == nullptr);
    CHECK(match_codec(subscribe, Kind::kVideo, av1) == nullptr);
    CHECK(match_codec(publish, Kind::kVideo, vp9) == nullptr);
    CHECK(match_codec(subscribe, Kind::kVideo, vp9) != nullptr);
}

TEST_CASE(
    "codec table: H264 by mode and profile, not by level; High for publishers only [SDP-22]") {
    const CodecSet publish = set_of(testing::default_codecs(), Purpose::kPublish);
    const CodecSet subscribe = set_of(testing::default_codecs(), Purpose::kSubscribe);
    const auto pt = [](const CodecSet& set, const std::string& fmtp) {
        const CodecEntry* entry = match_codec(set, Kind::kVideo, h264(fmtp));
        return entry == nullptr ? -1 : int{entry->pt};
    };
    CHECK(pt(publish, "packetization-mode=1;profile-level-id=42E034") == 108);
    CHECK(pt(publish, "profile-level-id=42e01f") == 125);
    CHECK(pt(publish, "profile-level-id=42001f;packetization-mode=1") == 102);
    CHECK(pt(publish, "") == 104);
    CHECK(pt(publish, "packetization-mode=1;profile-level-id=4d001f") == -1);
    CHECK(pt(publish, "packetization-mode=1;profile-level-id=640032") == 123);
    CHECK(pt(subscribe, "packetization-mode=1;profile-level-id=640032") == -1);
}

TEST_CASE("codec table: VP9 and AV1 by profile, opus by channels [SDP-22]") {
    const CodecSet set = set_of(testing::default_codecs(), Purpose::kPublish);
    const auto known = [&](Kind kind, const Codec& c) {
        return match_codec(set, kind, c) != nullptr;
    };
    CHECK(known(Kind::kVideo, {98, "vp9", 90000, 0, "profile-id=1", {}}));
    CHECK_FALSE(known(Kind::kVideo, {98, "VP9", 90000, 0, "profile-id=2", {}}));
    CHECK(known(Kind::kVideo, {45, "AV1", 90000, 0, "level-idx=5;profile=0;tier=0", {}}));
    CHECK_FALSE(known(Kind::kVideo, {45, "AV1", 90000, 0, "level-idx=5;profile=1;tier=0", {}}));
    CHECK(known(Kind::kAudio, {109, "opus", 48000, 2, "maxplaybackrate=48000", {}}));
    CHECK_FALSE(known(Kind::kAudio, {109, "opus", 48000, 1, "", {}}));
    CHECK(known(Kind::kAudio, {0, "PCMU", 8000, 1, "", {}}));
    CHECK_FALSE(known(Kind::kVideo, {109, "opus", 48000, 2, "", {}}));
}

TEST_CASE("codec table: a section of other variants alone has them by their name [SDP-22]") {
    const CodecSet set = set_of(testing::default_codecs(), Purpose::kPublish);
    const Codec main{41, "H264", 90000, 0, "packetization-mode=1;profile-level-id=4d001f", {}};
    const Codec high{43, "H264", 90000, 0, "packetization-mode=1;profile-level-id=640c1f", {}};
    const Codec ten_bit{98, "VP9", 90000, 0, "profile-id=2", {}};
    const Codec constrained = h264("packetization-mode=1;profile-level-id=42e01f");
    const auto known = [](const CodecSet& in, std::vector<Codec> codecs) {
        MediaSection section;
        section.kind = Kind::kVideo;
        section.codecs = std::move(codecs);
        return known_codecs(in, section);
    };
    CHECK(known(set, {main, high, ten_bit}) == std::vector<Codec>{main, high, ten_bit});
    CHECK(known(set, {main, constrained, ten_bit}) == std::vector<Codec>{constrained});
    CHECK(
        known(set, {{96, "X-NEW", 90000, 0, "", {}}, {97, "rtx", 90000, 0, "apt=96", {}}}).empty());
    ClientTraits no_h264;
    no_h264.disabled_publish_codecs = {"video/H264"};
    const CodecSet without = set_of(testing::default_codecs(), Purpose::kPublish, no_h264);
    CHECK(known(without, {main}).empty());
    CHECK(known(without, {main, ten_bit}) == std::vector<Codec>{ten_bit});
}

TEST_CASE("fmtp: opus parameters for publishers replace stale ones [SDP-25]") {
    CHECK(opus_publish_fmtp("minptime=10;stereo=1;useinbandfec=1", true, false) ==
          "minptime=10;useinbandfec=1;usedtx=1");
    CHECK(opus_publish_fmtp("minptime=10; usedtx=1", false, true) ==
          "minptime=10;stereo=1;maxaveragebitrate=510000");
    CHECK(opus_publish_fmtp("", false, false).empty());
    // Who states none may read none (esp_peer).
    CHECK(opus_publish_fmtp("", true, true).empty());
    CHECK(fmtp_value("A=1; b = 2 ;c", "B") == "2");
    CHECK(fmtp_value("a=1;c", "c") == "");
    CHECK_FALSE(fmtp_value("a=1", "b").has_value());
    CHECK(red_target("111/111") == 111U);
    CHECK_FALSE(red_target("111/112").has_value());
    CHECK_FALSE(red_target("").has_value());
}

TEST_CASE("feature sets: extensions and feedback of each use [SDP-21] [SIG-91] [SIG-92]") {
    using Strings = std::vector<std::string_view>;
    CHECK(feedback_set(Kind::kAudio, SectionUse::kPublish, false) == Strings{"nack"});
    CHECK(feedback_set(Kind::kVideo, SectionUse::kPublish, false) ==
          Strings{"transport-cc", "ccm fir", "nack", "nack pli"});
    CHECK(feedback_set(Kind::kVideo, SectionUse::kSinglePublish, false) ==
          Strings{"transport-cc", "ccm fir", "nack", "nack pli", "goog-remb"});
    CHECK(feedback_set(Kind::kVideo, SectionUse::kSubscribe, false) ==
          Strings{"ccm fir", "nack", "nack pli", "goog-remb"});
    CHECK(feedback_set(Kind::kVideo, SectionUse::kSubscribe, true) ==
          Strings{"transport-cc", "ccm fir", "nack", "nack pli"});
    const auto offered = offered_extensions(Kind::kVideo, true, true);
    REQUIRE(offered.size() == 4);
    CHECK(offered[2] == ExtMap{3, std::string(kExtTransportCc)});
    CHECK(offered[3] == ExtMap{4, std::string(kExtPlayoutDelay)});
    CHECK(answerable_extensions(Kind::kVideo, true, false).back() == kExtAbsSendTime);
    CHECK(answerable_extensions(Kind::kVideo, true, false).size() == 8);
    CHECK(answerable_extensions(Kind::kVideo, true, true).size() == 9);
    CHECK(answerable_extensions(Kind::kVideo, false, true).size() == 7);
    CHECK(answerable_extensions(Kind::kAudio, true, true).size() == 4);
}

TEST_CASE("negotiated_for: the source's codecs in its order, RED falls back to opus [SDP-24]") {
    MediaSection section = testing::audio("0", Direction::kSendOnly);
    Sender sender = testing::sender(1, Kind::kAudio, {"audio/red"});
    sender.red = true;
    ClientTraits client;
    auto codecs = negotiated_for(sender, section, client);
    REQUIRE(codecs.size() == 2);
    CHECK(codecs[0].mime == "audio/red");
    CHECK(codecs[1].mime == "audio/opus");
    client.supports_red = false;
    codecs = negotiated_for(sender, section, client);
    REQUIRE(codecs.size() == 1);
    CHECK(codecs[0].pt == 111);
    const auto video = negotiated_for(testing::sender(2, Kind::kVideo, {"video/h264", "video/vp8"}),
                                      testing::video("1", Direction::kSendOnly), client);
    REQUIRE(video.size() == 2);
    CHECK(video[0].mime == "video/H264");
    CHECK_FALSE(video[0].rtx_pt.has_value());
    CHECK(video[1].rtx_pt == 97);
    CHECK(video[1].nack);
    CHECK(negotiated_for(testing::sender(3, Kind::kVideo, {"video/AV1"}),
                         testing::video("1", Direction::kSendOnly), client)
              .empty());
}

}  // namespace confab::sdp
