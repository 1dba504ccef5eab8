// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include "rtc/sdp/description/description.h"
#include "rtc/sdp/offer/offers_testing.h"

namespace confab::sdp {
namespace {

const std::string kHead = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
const std::string kVideo = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtpmap:96 VP8/90000\r\n";

SdpError error_of(const std::string& text) {
    const auto result = parse(text);
    REQUIRE_FALSE(result.has_value());
    return result.error();
}

std::string repeat(std::string_view text, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

}  // namespace

TEST_CASE("parse: lines end with CRLF or LF, the last one may be open [SDP-09]") {
    const std::string text = kHead + kVideo;
    std::string unix_text;
    for (const char c : text)
        if (c != '\r') unix_text.push_back(c);
    const auto crlf = parse(text);
    const auto lf = parse(unix_text);
    const auto open = parse(text.substr(0, text.size() - 2));
    REQUIRE(crlf);
    REQUIRE(lf);
    REQUIRE(open);
    CHECK(*crlf == *lf);
    CHECK(*crlf == *open);
    REQUIRE(crlf->sections.size() == 1);
    CHECK(crlf->sections[0].codecs.at(0).name == "VP8");
}

TEST_CASE("parse: IPv6 written behind IP4 and pause marks of rids are taken [SDP-09]") {
    const auto d = parse(kHead +
                         "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 fd00::2\r\na=mid:0\r\n"
                         "a=rtpmap:96 VP8/90000\r\na=rid:q send\r\na=rid:~h send pt=96\r\n"
                         "a=simulcast:send q;~h,x recv z\r\n");
    REQUIRE(d);
    const MediaSection& section = d->sections.at(0);
    CHECK(section.connection == "IN IP4 fd00::2");
    CHECK(section.send_rids == std::vector<std::string>{"q", "h"});
    CHECK(section.simulcast_send == std::vector<std::string>{"q", "h"});
    CHECK(section.simulcast_recv == std::vector<std::string>{"z"});
}

TEST_CASE("parse: port 0 rejects a section, but not with bundle-only [SDP-45]") {
    const std::string off =
        "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtpmap:96 VP8/90000\r\n";
    CHECK(parse(kHead + off)->sections.at(0).rejected());
    CHECK_FALSE(parse(kHead + off + "a=bundle-only\r\n")->sections.at(0).rejected());
}

TEST_CASE(
    "parse: static payload types, wildcard feedback, extmap directions, first msid [SDP-10]") {
    const auto d = parse(kHead +
                         "m=audio 9/2 UDP/TLS/RTP/SAVPF 0 8 9 18 101 0\r\na=mid:a\r\n"
                         "a=rtpmap:101 opus/48000/2\r\na=rtcp-fb:* nack\r\na=rtcp-fb:101 nack\r\n"
                         "a=extmap:3/sendonly urn:x opt\r\na=extmap:4097 urn:y\r\n"
                         "a=msid:s t\r\na=msid:s2 t2\r\na=rtpmap:77 unknown/1\r\na=new:thing\r\n");
    REQUIRE(d);
    const MediaSection& section = d->sections.at(0);
    REQUIRE(section.codecs.size() == 4);  // 18 has no name here, the second 0 is a repetition
    CHECK(section.codecs[0].name == "PCMU");
    CHECK(section.codecs[1].name == "PCMA");
    CHECK(section.codecs[3].channels == 2);
    CHECK(section.codecs[3].feedback == std::vector<std::string>{"nack"});
    CHECK(section.extensions == std::vector<ExtMap>{{3, "urn:x"}});
    CHECK(section.msid == Msid{"s", "t"});
}

TEST_CASE("parse: what is no session description is told apart from a broken one [IMM-7]") {
    CHECK(error_of("") == SdpError::kNotSdp);
    CHECK(error_of("hello") == SdpError::kNotSdp);
    CHECK(error_of("v=1\r\n") == SdpError::kNotSdp);
    CHECK(error_of("v=0\r\ns=-\r\n") == SdpError::kNotSdp);
    CHECK(error_of(kHead + "garbage\r\n") == SdpError::kMalformed);
    CHECK(error_of(kHead + "m=video x UDP/TLS/RTP/SAVPF 96\r\n") == SdpError::kMalformed);
    CHECK(error_of(kHead + "m=video 70000 UDP/TLS/RTP/SAVPF 96\r\n") == SdpError::kMalformed);
    CHECK(error_of(kHead + "m=video 9 UDP/TLS/RTP/SAVPF 128\r\n") == SdpError::kMalformed);
    CHECK(error_of(kHead + kVideo + "a=rtpmap:96 VP8/x\r\n") == SdpError::kMalformed);
    CHECK(error_of(kHead + kVideo + "a=extmap:0 urn:x\r\n") == SdpError::kMalformed);
    CHECK(error_of(kHead + kVideo + "a=ssrc:4294967296 cname:x\r\n") == SdpError::kMalformed);
    CHECK(error_of(kHead + kVideo + "a=fmtp:-1 x\r\n") == SdpError::kMalformed);
    CHECK(error_of(kHead + kVideo + "a=mid:" + repeat("m", 65) + "\r\n") == SdpError::kMalformed);
}

TEST_CASE("parse: a lone CR or NUL can not smuggle a line into our answer [IMM-7]") {
    CHECK(error_of(kHead + kVideo + "a=fmtp:96 x\ra=ice-lite\r\n") == SdpError::kMalformed);
    CHECK(error_of(kHead + kVideo + std::string("a=fmtp:96 \0x\r\n", 14)) == SdpError::kMalformed);
}

TEST_CASE("parse: every list has its limit [IMM-7]") {
    CHECK(error_of(kHead + repeat("m=video 0 x 0\r\n", 10'000)) == SdpError::kTooManySections);
    CHECK(parse(kHead + repeat("m=video 0 x 0\r\n", kMaxSections)).has_value());
    CHECK(error_of(kHead + "a=x:" + repeat("y", kMaxLineBytes) + "\r\n") == SdpError::kTooLarge);
    CHECK(error_of(kHead + repeat("a=x\r\n", kMaxDescriptionBytes / 5 + 1)) == SdpError::kTooLarge);
    const std::string v = kHead + kVideo;
    CHECK(error_of(v + repeat("a=candidate:1 1 udp 1 1.1.1.1 1 typ host\r\n",
                              kMaxCandidates + 1)) == SdpError::kTooMany);
    CHECK(error_of(v + repeat("a=fingerprint:sha-256 00\r\n", kMaxFingerprints + 1)) ==
          SdpError::kTooMany);
    CHECK(error_of(v + repeat("a=ssrc-group:FID 1 2\r\n", kMaxSsrcGroups + 1)) ==
          SdpError::kTooMany);
    std::string ssrcs;
    std::string extensions;
    std::string rids;
    std::string feedback;
    for (int i = 1; i <= 200; ++i) {
        const std::string n = std::to_string(i);
        ssrcs += "a=ssrc:" + n + " cname:x\r\n";
        extensions += "a=extmap:" + n + " urn:" + n + "\r\n";
        rids += "a=rid:r" + n + " send\r\n";
        feedback += "a=rtcp-fb:96 f" + n + "\r\n";
    }
    CHECK(error_of(v + ssrcs) == SdpError::kTooMany);
    CHECK(error_of(v + extensions) == SdpError::kTooMany);
    CHECK(error_of(v + rids) == SdpError::kTooMany);
    CHECK(error_of(v + feedback) == SdpError::kTooMany);
    CHECK(error_of(kHead + "m=application 9 UDP/DTLS/SCTP" + repeat(" x", kMaxCodecs + 1) +
                   "\r\n") == SdpError::kTooMany);
}

TEST_CASE("parse: a description cut at any length gives a result or an error [IMM-7]") {
    const std::string text = write(
        testing::offer_of({testing::audio("0", Direction::kSendOnly, "a"),
                           testing::video("1", Direction::kSendOnly, "v"), testing::data("2")}));
    std::size_t good = 0;
    for (std::size_t size = 0; size <= text.size(); ++size)
        if (parse(std::string_view(text).substr(0, size))) ++good;
    CHECK(good > 0);
    CHECK(good < text.size());
}

TEST_CASE("write: session lines stand in the order clients were tested with [SDP-01]") {
    Description d = testing::offer_of({testing::data("0")});
    d.ufrag.clear();
    d.pwd.clear();
    d.msid_semantic = "WMS *";
    d.ice_lite = true;
    CHECK(
        write(d).starts_with("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
                             "a=msid-semantic:WMS *\r\na=fingerprint:sha-256 11:22\r\n"
                             "a=ice-lite\r\na=extmap-allow-mixed\r\na=group:BUNDLE 0\r\n"
                             "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                             "c=IN IP4 0.0.0.0\r\n"));
    const auto again = parse(write(d));
    REQUIRE(again);
    CHECK(*again == d);
}

}  // namespace confab::sdp
