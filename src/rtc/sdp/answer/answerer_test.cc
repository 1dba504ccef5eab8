// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <algorithm>

#include "rtc/sdp/negotiator.h"
#include "rtc/sdp/offer/offers_testing.h"

namespace confab::sdp {
namespace {

using namespace testing;

AnswererConfig config(bool single = false) {
    AnswererConfig out;
    out.publish_codecs = default_codecs();
    out.subscribe_codecs = default_codecs();
    out.single = single;
    out.session_id = 42;
    out.session_version = 1000;
    return out;
}

struct Result {
    Answer answer;
    Description sdp;
    const MediaSection& section(std::size_t i) const { return sdp.sections.at(i); }
};

Result answer_to(Answerer& answerer, const Description& offer,
                 const std::vector<PendingTrack>& pending = {}) {
    auto answer = answerer.answer(write(offer), pending, local_transport());
    REQUIRE(answer.has_value());
    auto sdp = parse(answer->sdp);
    REQUIRE(sdp.has_value());
    return {std::move(*answer), std::move(*sdp)};
}

NegotiationError error_of(Answerer& answerer, const Description& offer) {
    const auto answer = answerer.answer(write(offer), {}, local_transport());
    REQUIRE_FALSE(answer.has_value());
    return answer.error();
}

std::vector<int> order(const MediaSection& section) {
    std::vector<int> out;
    out.reserve(section.codecs.size());
    for (const Codec& codec : section.codecs)
        out.push_back(codec.pt);
    return out;
}

const Codec& opus(const MediaSection& section) {
    const Codec* codec = find_codec(section, 111);
    REQUIRE(codec != nullptr);
    return *codec;
}

MediaSection off(MediaSection section) {
    section.port = 0;
    section.direction = Direction::kInactive;
    section.codecs.clear();
    return section;
}

constexpr auto kSend = Direction::kSendOnly;
constexpr auto kRecv = Direction::kRecvOnly;
constexpr auto kIdle = Direction::kInactive;

}  // namespace

TEST_CASE(
    "Answerer: directions follow the offer, idle sections are sendonly from the start [SDP-01]") {
    Answerer answerer(config());
    const Result r =
        answer_to(answerer, offer_of({audio("a", kSend, "x"), video("b", kRecv), video("c", kIdle),
                                      data("d"), video("e", Direction::kSendRecv, "y")}));
    CHECK(r.section(0).direction == Direction::kRecvOnly);
    CHECK(r.section(1).direction == Direction::kSendOnly);
    CHECK_FALSE(r.section(1).msid.has_value());
    CHECK(r.section(2).direction == Direction::kInactive);
    CHECK(r.section(3).direction == Direction::kSendRecv);
    CHECK(r.section(4).direction == Direction::kRecvOnly);
    CHECK(*r.sdp.bundle == std::vector<std::string>{"a", "b", "c", "d", "e"});
    CHECK(r.sdp.extmap_allow_mixed);
    CHECK(r.sdp.origin == "- 42 1000 IN IP4 0.0.0.0");
    CHECK(r.answer.remote.max_message_size == 262144);
    CHECK(r.section(3).max_message_size == 65535U);
    Description plain = offer_of({data("d")});
    plain.extmap_allow_mixed = false;
    Answerer other(config());
    CHECK_FALSE(answer_to(other, plain).sdp.extmap_allow_mixed);
}

TEST_CASE("Answerer: version grows by one per answer [SDP-01]") {
    Answerer answerer(config());
    answer_to(answerer, offer_of({data("0")}));
    CHECK(answer_to(answerer, offer_of({data("0")})).sdp.origin == "- 42 1001 IN IP4 0.0.0.0");
}

TEST_CASE(
    "Answerer: a section without a common codec is turned off and out of the bundle [SDP-01]") {
    Answerer answerer(config());
    MediaSection odd = video("1", kSend, "v");
    odd.codecs = {{100, "X-NEW", 90000, 0, "", {}}};
    MediaSection text = base_section(Kind::kOther, "2", kSend);
    text.media = "text";
    text.formats = {"98"};
    MediaSection plain = audio("3", kSend, "p");
    plain.protocol = "RTP/AVP";
    const Result r = answer_to(answerer, offer_of({audio("0", kSend, "x"), odd, text, plain}),
                               {pending("v", Kind::kVideo)});
    for (std::size_t i = 1; i < 4; ++i) {
        CHECK(r.section(i).rejected());
        CHECK(r.section(i).connection == "IN IP4 0.0.0.0");
        CHECK(r.section(i).ufrag.empty());
    }
    CHECK(r.answer.sdp.find("m=video 0 UDP/TLS/RTP/SAVPF 0\r\n") != std::string::npos);
    CHECK(*r.sdp.bundle == std::vector<std::string>{"0"});
    CHECK(r.answer.publish.empty());
}

TEST_CASE("Answerer: an encoder of one other profile is answered with it, and RTX [SDP-22]") {
    Answerer answerer(config());
    MediaSection main = video("0", kSend, "v");
    const std::string fmtp = "packetization-mode=1;profile-level-id=4d401f";
    main.codecs = {{41, "H264", 90000, 0, fmtp, {"nack"}}, {42, "rtx", 90000, 0, "apt=41", {}}};
    const Result r = answer_to(answerer, offer_of({main}), {pending("v", Kind::kVideo)});
    REQUIRE(r.section(0).codecs.size() == 2);
    CHECK(r.section(0).codecs[0].fmtp == fmtp);
    CHECK(r.section(0).codecs[1].pt == 42);
    REQUIRE(r.answer.publish.size() == 1);
    CHECK(r.answer.publish[0].codecs.front().mime == "video/H264");
}

TEST_CASE("Answerer: candidates go to the first section in use [SDP-01]") {
    Answerer answerer(config());
    LocalTransport local = local_transport();
    local.candidates_complete = false;
    local.ice_lite = true;
    const auto answer = answerer.answer(
        write(offer_of({off(audio("0", kIdle)), data("1"), video("2", kRecv)})), {}, local);
    REQUIRE(answer);
    const auto sdp = parse(answer->sdp);
    CHECK(sdp->sections[0].candidates.empty());
    CHECK(sdp->sections[1].candidates == local.candidates);
    CHECK_FALSE(sdp->sections[1].end_of_candidates);
    CHECK(sdp->sections[2].candidates.empty());
    CHECK(sdp->ice_lite);
    CHECK(sdp->sections[1].ufrag == "ufrag");
}

TEST_CASE("Answerer: is DTLS client unless the remote is lite or active, for ever [DTLS-01]") {
    Answerer usual(config());
    Result r = answer_to(usual, offer_of({data("0")}));
    CHECK(r.section(0).setup == Setup::kActive);
    CHECK(r.answer.remote.local_setup == Setup::kActive);
    Description lite = offer_of({data("0")});
    lite.ice_lite = true;
    CHECK(answer_to(usual, lite).section(0).setup == Setup::kActive);  // fixed by now
    Answerer other(config());
    CHECK(answer_to(other, lite).section(0).setup == Setup::kPassive);
    Answerer third(config());
    Description active = offer_of({data("0")});
    active.sections[0].setup = Setup::kActive;
    CHECK(answer_to(third, active).section(0).setup == Setup::kPassive);
    // Lite or not: two that both wait would wait for ever.
    Answerer fourth(config());
    Description passive = lite;
    passive.sections[0].setup = Setup::kPassive;
    CHECK(answer_to(fourth, passive).section(0).setup == Setup::kActive);
}

TEST_CASE(
    "Answerer: client payload types, preferred codec first with all profiles [SDP-22] [SDP-23]") {
    Answerer answerer(config());
    const Description offer = offer_of({video("0", kSend, "cam")});
    const Result r = answer_to(answerer, offer, {pending("cam", Kind::kVideo, {"video/vp9"})});
    CHECK(order(r.section(0)) == std::vector<int>{98, 35, 96, 102, 99, 97});
    REQUIRE(r.answer.publish.size() == 1);
    const PublishSection& published = r.answer.publish[0];
    CHECK(published.cid == "cam");
    CHECK(published.sdp_track_id == "cam");
    REQUIRE(published.codecs.size() == 4);
    CHECK(published.codecs[0].mime == "video/VP9");
    CHECK(published.codecs[0].rtx_pt == 99);
    CHECK(published.codecs[0].nack);
    CHECK(published.extensions.at(std::string(kExtDependencyDescriptor)) == 12);
    CHECK_FALSE(published.extensions.contains(std::string(kExtAbsSendTime)));
    // The order stays with later offers, though nothing is pending then.
    CHECK(order(answer_to(answerer, offer).section(0)) == order(r.section(0)));
}

TEST_CASE(
    "Answerer: Firefox on Linux gets the preferred codec alone, without RTX [SDP-23] [SDP-45]") {
    AnswererConfig c = config();
    c.client.firefox_on_linux_or_android = true;
    c.client.disabled_publish_codecs = {"video/H264"};
    Answerer answerer(c);
    const Result r = answer_to(answerer, offer_of({video("0", kSend, "{cam}"), video("1", kRecv)}),
                               {pending("{cam}", Kind::kVideo, {"video/VP8"})});
    CHECK(order(r.section(0)) == std::vector<int>{96});
    CHECK(order(r.section(1)) == std::vector<int>{96, 98, 35, 97, 99});
    Answerer other(c);
    const Result without = answer_to(other, offer_of({video("0", kSend, "{cam}")}),
                                     {pending("{cam}", Kind::kVideo, {"video/AV1"})});
    CHECK(order(without.section(0)) == std::vector<int>{96, 98, 35, 97, 99});
}

TEST_CASE("Answerer: no RTX where the room has none [SDP-20]") {
    AnswererConfig c = config();
    std::erase_if(c.publish_codecs, [](const auto& e) { return e.mime == "video/rtx"; });
    Answerer answerer(c);
    CHECK(order(answer_to(answerer, offer_of({video("0", kSend, "v")})).section(0)) ==
          std::vector<int>{96, 98, 35, 102});
}

TEST_CASE("Answerer: RED first unless disabled, the asked codec wins [SDP-24] [SIG-93]") {
    const auto first = [](const PendingTrack& track, const MediaSection& section) {
        Answerer answerer(config());
        return answer_to(answerer, offer_of({section}), {track}).section(0).codecs.at(0).pt;
    };
    const MediaSection section = audio("0", kSend, "mic");
    PendingTrack track = pending("mic", Kind::kAudio);
    CHECK(first(track, section) == 63);
    track.disable_red = true;
    CHECK(first(track, section) == 111);
    track.codec_mimes = {"audio/red"};
    CHECK(first(track, section) == 63);
    track.disable_red = false;
    track.codec_mimes = {"audio/opus"};
    CHECK(first(track, section) == 111);
    MediaSection foreign = section;
    foreign.codecs[1].fmtp = "96/96";
    CHECK(first(pending("mic", Kind::kAudio), foreign) == 111);
}

TEST_CASE(
    "Answerer: opus parameters of known tracks, nack kept with RED [SDP-25] [SDP-21] [SIG-93]") {
    Answerer answerer(config());
    MediaSection section = audio("0", kSend, "mic");
    section.codecs[0].fmtp = "minptime=10;stereo=1";
    PendingTrack track = pending("mic", Kind::kAudio);
    Result r = answer_to(answerer, offer_of({section}), {track});
    CHECK(opus(r.section(0)).fmtp == "minptime=10;usedtx=1");
    CHECK(opus(r.section(0)).feedback == std::vector<std::string>{"nack"});
    Answerer music(config());
    track.stereo = true;
    track.disable_dtx = true;
    r = answer_to(music, offer_of({section}), {track});
    CHECK(opus(r.section(0)).fmtp == "minptime=10;stereo=1;maxaveragebitrate=510000");
}

TEST_CASE("Answerer: placeholders keep their first parameters when the client adds some [SDP-26]") {
    Answerer answerer(config(true));
    MediaSection placeholder = audio("0", kRecv);
    answer_to(answerer, offer_of({placeholder}));
    placeholder.codecs[0].fmtp += ";stereo=1";
    CHECK(opus(answer_to(answerer, offer_of({placeholder})).section(0)).fmtp ==
          "minptime=10;useinbandfec=1");
}

TEST_CASE("Answerer: simulcast is answered in offered order [SDP-27] [SDP-09]") {
    Answerer answerer(config());
    MediaSection section = video("0", kSend, "cam");
    section.send_rids = {"2", "1", "0"};
    section.simulcast_send = {"2", "1", "0"};
    const Result r = answer_to(answerer, offer_of({section}), {pending("cam", Kind::kVideo)});
    CHECK(r.answer.sdp.find("a=rid:2 recv\r\na=rid:1 recv\r\na=rid:0 recv\r\n"
                            "a=simulcast:recv 2;1;0\r\n") != std::string::npos);
    CHECK(r.answer.publish.at(0).rids == std::vector<std::string>{"2", "1", "0"});
}

TEST_CASE("Answerer: SSRCs and their RTX partners are reported [SDP-28]") {
    Answerer answerer(config());
    MediaSection section = video("0", kSend);
    section.ssrcs = {{1, "c", {"s", "cam"}}, {2, "c", {"s", "cam"}}, {3, "c", {"s", "cam"}}};
    section.ssrc_groups = {{"FID", {1, 2}}, {"SIM", {1, 3}}};
    const Result r = answer_to(answerer, offer_of({section}), {pending("cam", Kind::kVideo)});
    const PublishSection& published = r.answer.publish.at(0);
    CHECK(published.sdp_track_id == "cam");  // of the a=ssrc line
    CHECK(published.ssrcs == std::vector<std::uint32_t>{1, 3});
    CHECK(published.rtx_of == std::map<std::uint32_t, std::uint32_t>{{1, 2}});
}

TEST_CASE(
    "Answerer: tracks are matched by id first, then the oldest of the kind [SDP-30] [SIG-77]") {
    Answerer answerer(config());
    const Result r = answer_to(answerer,
                               offer_of({video("0", kSend, "unknown"), video("1", kSend, "second"),
                                         audio("2", kSend, "m")}),
                               {pending("first", Kind::kVideo), pending("second", Kind::kVideo),
                                pending("m", Kind::kVideo)});
    REQUIRE(r.answer.publish.size() == 2);
    CHECK(r.answer.publish[0].cid == "first");
    CHECK(r.answer.publish[0].sdp_track_id == "unknown");
    CHECK(r.answer.publish[1].cid == "second");
}

TEST_CASE("Answerer: backup codecs by their cid, later or at once, or by mime [SDP-30]") {
    Answerer answerer(config());
    PendingTrack track = pending("cam", Kind::kVideo, {"video/vp9", "video/vp8"});
    track.codec_cids = {"cam", "cam-vp8"};
    answer_to(answerer, offer_of({video("0", kSend, "cam")}), {track});
    Result r =
        answer_to(answerer, offer_of({video("0", kSend, "cam"), video("1", kSend, "cam-vp8")}));
    REQUIRE(r.answer.publish.size() == 2);
    CHECK(r.answer.publish[1].cid == "cam");
    CHECK(r.answer.publish[1].codec_index == 1);
    CHECK(r.section(1).codecs.at(0).pt == 96);

    Answerer by_mime(config());
    answer_to(by_mime, offer_of({video("0", kSend, "cam")}), {track});
    r = answer_to(by_mime, offer_of({video("0", kSend, "cam"), video("1", kSend, "strange")}));
    // It is that codec's once the codec is announced, whatever it is called.
    CHECK(r.answer.publish.size() == 1);
    CHECK(r.section(1).codecs.at(0).pt == 96);
    PendingTrack backup = pending("cam-vp8", Kind::kVideo, {"video/vp8"});
    const auto late = by_mime.match_late({backup});
    REQUIRE(late.size() == 1);
    CHECK(late[0].cid == "cam-vp8");
    CHECK(late[0].mid == "1");
}

TEST_CASE("Answerer: a track announced after its offer is matched late [SDP-30]") {
    Answerer answerer(config());
    CHECK(answer_to(answerer, offer_of({audio("0", kSend, "mic")})).answer.publish.empty());
    CHECK(answerer.match_late({pending("cam", Kind::kVideo)}).empty());
    const auto found = answerer.match_late({pending("mic", Kind::kAudio)});
    REQUIRE(found.size() == 1);
    CHECK(found[0].cid == "mic");
    CHECK(found[0].codecs.size() == 3);
    CHECK(answerer.match_late({pending("mic2", Kind::kAudio)}).empty());
    CHECK(answer_to(answerer, offer_of({audio("0", kSend, "mic")})).answer.publish.at(0).cid ==
          "mic");
}

TEST_CASE(
    "Answerer: announced late, a section is of the codec that it was answered with [SDP-30]") {
    Answerer answerer(config());
    const Description offer = offer_of({video("0", kSend, "cam")});
    const Result r = answer_to(answerer, offer);
    const std::string first = "video/" + r.section(0).codecs.at(0).name;
    PendingTrack track = pending("cam", Kind::kVideo);
    track.codec_mimes = {"video/AV1", first};
    track.codec_cids = {"cam", ""};
    const auto late = answerer.match_late({track});
    REQUIRE(late.size() == 1);
    CHECK(late[0].codec_index == 1);
    const Result next = answer_to(answerer, offer);
    CHECK("video/" + next.section(0).codecs.at(0).name == first);
    CHECK(next.answer.publish.at(0).codec_index == 1);
    // One of none of them is the first.
    Answerer other(config());
    answer_to(other, offer);
    track.codec_mimes = {"video/AV1", "video/none"};
    CHECK(other.match_late({track}).at(0).codec_index == 0);
}

TEST_CASE(
    "Answerer: what is a backup codec by its codec alone may be announced as anything [SDP-30]") {
    Answerer answerer(config());
    PendingTrack camera = pending("cam", Kind::kVideo);
    const Description one = offer_of({video("0", kSend, "cam")});
    const Description two = offer_of({video("0", kSend, "cam"), video("1", kSend, "other")});
    const std::string first = "video/" + two.sections[1].codecs.at(0).name;
    camera.codec_mimes = {"video/AV1", first};
    camera.codec_cids = {"cam", ""};
    answer_to(answerer, one, {camera});
    Result r = answer_to(answerer, two);
    // Nobody makes a track of it yet, nor ends one with it.
    REQUIRE(r.answer.publish.size() == 1);
    SUBCASE("as the backup") {
        PendingTrack backup = pending("other", Kind::kVideo);
        backup.codec_cids = {"other"};
        backup.codec_mimes = {first};
        const auto late = answerer.match_late({backup});
        REQUIRE(late.size() == 1);
        CHECK(late[0].cid == "other");
        CHECK(late[0].mid == "1");
        CHECK(answer_to(answerer, two).answer.publish.size() == 2);
    }
    SUBCASE("as another track, with the next offer") {
        r = answer_to(answerer, two, {pending("other", Kind::kVideo)});
        CHECK(r.answer.ended_mids.empty());
        REQUIRE(r.answer.publish.size() == 2);
        CHECK(r.answer.publish[1].cid == "other");
        CHECK(r.answer.publish[1].codec_index == 0);
    }
    SUBCASE("as any that waits, where no name fits") {
        CHECK(answerer.match_late({pending("third", Kind::kVideo)}).size() == 1);
        CHECK(answerer.match_late({pending("other", Kind::kVideo)}).empty());
    }
}

TEST_CASE(
    "Answerer: unpublish and republish, on the same and on another section [SDP-30] [SDP-44]") {
    Answerer answerer(config());
    answer_to(answerer, offer_of({video("0", kSend, "one")}), {pending("one", Kind::kVideo)});
    Result r = answer_to(answerer, offer_of({video("0", kIdle)}));
    CHECK(r.answer.ended_mids == std::vector<std::string>{"0"});
    CHECK(r.answer.publish.empty());
    CHECK(answer_to(answerer, offer_of({video("0", kIdle)})).answer.ended_mids.empty());
    r = answer_to(answerer, offer_of({video("0", kSend, "two"), video("1", kSend, "three")}),
                  {pending("three", Kind::kVideo), pending("two", Kind::kVideo)});
    REQUIRE(r.answer.publish.size() == 2);
    CHECK(r.answer.publish[0].cid == "two");
    CHECK(r.answer.publish[1].cid == "three");
    // Straight from one announced track to another.
    r = answer_to(answerer, offer_of({video("0", kSend, "four"), video("1", kSend, "three")}),
                  {pending("four", Kind::kVideo)});
    CHECK(r.answer.ended_mids == std::vector<std::string>{"0"});
    CHECK(r.answer.publish.at(0).cid == "four");
    // A new source of a live track may show another id.
    r = answer_to(answerer, offer_of({video("0", kSend, "four'"), video("1", kSend, "three")}),
                  {pending("five", Kind::kVideo)});
    CHECK(r.answer.ended_mids.empty());
    CHECK(r.answer.publish.at(0).cid == "four");
}

TEST_CASE(
    "Answerer single: senders take free sections, missing ones are counted [SDP-40] [SIG-84]") {
    Answerer answerer(config(true));
    const Description offer = offer_of({audio("0", kRecv), video("1", kRecv), data("2")});
    answerer.add_sender(sender(1, Kind::kVideo));
    answerer.add_sender(sender(2, Kind::kVideo));
    answerer.add_sender(sender(3, Kind::kAudio));
    CHECK(answerer.missing().video == 2);
    Result r = answer_to(answerer, offer);
    CHECK(r.answer.mid_to_track_id ==
          std::map<std::string, std::string>{{"0", "TR_3"}, {"1", "TR_1"}});
    CHECK(r.answer.missing.video == 1);
    CHECK(r.answer.missing.audio == 0);
    CHECK(r.section(1).msid == Msid{"PA_x|TR_1", "TR_1"});
    REQUIRE(r.section(1).ssrc_groups.size() == 1);
    CHECK(r.section(1).ssrc_groups[0].ssrcs == std::vector<std::uint32_t>{1001, 2001});
    CHECK(r.section(1).ssrcs.at(1).cname == "PA_x|TR_1");
    CHECK(r.section(0).ssrcs.size() == 1);
    CHECK(r.section(0).extensions.size() == 2);
    // The client adds what was missing.
    Description more = offer;
    more.sections.push_back(video("3", kRecv));
    more.bundle->push_back("3");
    r = answer_to(answerer, more);
    CHECK(r.answer.mid_to_track_id.at("3") == "TR_2");
    CHECK(r.answer.bound.size() == 3);
    CHECK(r.answer.missing.video == 0);
    CHECK(r.answer.mid_to_track_id.size() == 3);
}

TEST_CASE("Answerer single: feedback of used and unused sections [SDP-21]") {
    Answerer answerer(config(true));
    answerer.add_sender(sender(1, Kind::kVideo));
    answerer.add_sender(sender(2, Kind::kAudio));
    const Description offer =
        offer_of({video("0", kRecv), video("1", kRecv), audio("2", kRecv), audio("3", kRecv)});
    const Result r = answer_to(answerer, offer);
    CHECK_FALSE(has_feedback(r.section(0).codecs[0], "transport-cc"));
    CHECK(has_feedback(r.section(0).codecs[0], "goog-remb"));
    CHECK(has_feedback(r.section(1).codecs[0], "transport-cc"));
    CHECK(has_feedback(r.section(1).codecs[0], "goog-remb"));
    CHECK_FALSE(has_feedback(opus(r.section(2)), "nack"));
    CHECK(has_feedback(opus(r.section(3)), "nack"));
    // Whose publisher wants no RED is repaired by what is asked for again.
    answerer.add_sender(sender(3, Kind::kAudio));
    Sender plain = sender(4, Kind::kAudio);
    plain.disable_red = true;
    answerer.add_sender(plain);
    Description more = offer;
    more.sections.push_back(audio("4", kRecv));
    more.bundle->push_back("4");
    const Result p = answer_to(answerer, more);
    CHECK_FALSE(has_feedback(opus(p.section(3)), "nack"));
    CHECK(has_feedback(opus(p.section(4)), "nack"));
    REQUIRE(p.answer.bound.size() == 4);
    CHECK(p.answer.bound[3].codecs.at(0).nack);
    AnswererConfig send_side = config(true);
    send_side.transport_cc = true;
    Answerer other(send_side);
    other.add_sender(sender(1, Kind::kVideo));
    const Result s = answer_to(other, offer);
    CHECK(has_feedback(s.section(0).codecs[0], "transport-cc"));
    CHECK_FALSE(has_feedback(s.section(0).codecs[0], "goog-remb"));
    // Who can not number packets estimates itself.
    Answerer old(send_side);
    old.add_sender(sender(1, Kind::kVideo));
    Description without = offer;
    for (MediaSection& section : without.sections)
        std::erase_if(section.extensions, [](const ExtMap& e) { return e.uri == kExtTransportCc; });
    const Result t = answer_to(old, without);
    CHECK_FALSE(has_feedback(t.section(0).codecs[0], "transport-cc"));
    CHECK(has_feedback(t.section(0).codecs[0], "goog-remb"));
}

TEST_CASE("Answerer single: the playout delay is taken where the room has one [SDP-10] [IN-41]") {
    for (const bool single : {false, true})
        for (const bool wanted : {false, true}) {
            AnswererConfig with = config(single);
            with.playout_delay = wanted;
            Answerer answerer(with);
            answerer.add_sender(sender(1, Kind::kVideo));
            Description offer = offer_of({video("0", kRecv), audio("1", kRecv)});
            for (MediaSection& section : offer.sections)
                section.extensions.push_back({9, std::string(kExtPlayoutDelay)});
            const Result r = answer_to(answerer, offer);
            const auto taken = [&](std::size_t i) {
                return std::ranges::count(r.section(i).extensions, kExtPlayoutDelay, &ExtMap::uri);
            };
            CHECK(taken(0) == (single && wanted ? 1 : 0));
            CHECK(taken(1) == 0);
            if (!single) continue;
            REQUIRE(r.answer.bound.size() == 1);
            CHECK(r.answer.bound[0].extensions.contains(std::string(kExtPlayoutDelay)) == wanted);
        }
}

TEST_CASE("Answerer single: a freed section is inactive until it is used again [SDP-07] [SIG-84]") {
    Answerer answerer(config(true));
    const Description offer = offer_of({video("0", kRecv)});
    answerer.add_sender(sender(1, Kind::kVideo));
    answer_to(answerer, offer);
    answerer.remove_sender(1);
    Result r = answer_to(answerer, offer);
    CHECK(r.section(0).direction == Direction::kInactive);
    CHECK_FALSE(r.section(0).msid.has_value());
    CHECK(r.answer.mid_to_track_id.empty());
    answerer.add_sender(sender(2, Kind::kVideo));
    CHECK(answerer.missing().video == 0);
    r = answer_to(answerer, offer);
    CHECK(r.section(0).direction == Direction::kSendOnly);
    CHECK(r.section(0).msid->track == "TR_2");

    AnswererConfig no_reuse = config(true);
    no_reuse.client.reuses_transceivers = false;
    Answerer safari(no_reuse);
    safari.add_sender(sender(1, Kind::kVideo));
    answer_to(safari, offer);
    safari.remove_sender(1);
    safari.add_sender(sender(2, Kind::kVideo));
    CHECK(safari.missing().video == 1);
    CHECK(answer_to(safari, offer).answer.bound.empty());
}

// A client hears of a track for sure where nothing came before.
TEST_CASE(
    "Answerer single: a section that showed a track does not show it again at once "
    "[SDP-07] [SIG-84] [TRAP-17]") {
    Answerer answerer(config(true));
    Description offer = offer_of({video("0", kRecv)});
    const auto again = [&](std::uint64_t id) {
        Sender same = sender(id, Kind::kVideo);
        same.stream_id = "PA_x|TR_1";
        same.track_id = "TR_1";
        return same;
    };
    answerer.add_sender(again(1));
    answer_to(answerer, offer);
    answerer.remove_sender(1);
    answerer.add_sender(again(2));
    CHECK(answerer.missing().video == 1);
    Result r = answer_to(answerer, offer);
    CHECK(r.section(0).direction == Direction::kInactive);
    CHECK(r.answer.bound.empty());
    SUBCASE("seen idle, it is there for all") {
        CHECK(r.answer.missing.video == 0);
        CHECK(r.answer.waiting);  // for the next offer
        r = answer_to(answerer, offer);
        CHECK(r.section(0).msid == Msid{"PA_x|TR_1", "TR_1"});
    }
    SUBCASE("another section is there at once, for this track and for another one") {
        answerer.remove_sender(2);
        answerer.add_sender(again(3));
        answer_to(answerer, offer);
        answerer.remove_sender(3);
        answerer.add_sender(again(4));
        answerer.add_sender(sender(5, Kind::kVideo));
        CHECK(answerer.missing().video == 2);
        offer = offer_of({video("0", kRecv), video("1", kRecv)});
        r = answer_to(answerer, offer);
        CHECK(r.section(0).direction == Direction::kInactive);
        CHECK(r.section(1).msid->track == "TR_1");
        CHECK(r.answer.missing.video == 0);  // the first one is seen idle now
        r = answer_to(answerer, offer);
        CHECK(r.section(0).msid->track == "TR_5");
    }
}

TEST_CASE("Answerer single: a sender whose section is taken away waits for another [SIG-84]") {
    Answerer answerer(config(true));
    answerer.add_sender(sender(1, Kind::kVideo));
    answer_to(answerer, offer_of({video("0", kRecv), data("1")}));
    Result r = answer_to(answerer, offer_of({off(video("0", kIdle)), data("1")}));
    CHECK(r.answer.bound.empty());
    CHECK(r.answer.missing.video == 1);
    // The slot comes back as a section of its own.
    r = answer_to(answerer, offer_of({video("9", kRecv), data("1")}));
    CHECK(r.answer.mid_to_track_id == std::map<std::string, std::string>{{"9", "TR_1"}});
}

TEST_CASE("Answerer single: no common codec with the source, and stereo [SIG-84] [SDP-25]") {
    Answerer answerer(config(true));
    answerer.add_sender(sender(1, Kind::kVideo, {"video/AV1"}));
    Sender stereo = sender(2, Kind::kAudio, {"audio/opus"});
    stereo.stereo = true;
    answerer.add_sender(stereo);
    const Result r = answer_to(answerer, offer_of({video("0", kRecv), audio("1", kRecv)}));
    REQUIRE(r.answer.bound.size() == 2);
    CHECK(r.answer.bound[0].codecs.empty());
    REQUIRE(r.answer.bound[1].codecs.size() == 1);
    CHECK(r.answer.bound[1].codecs[0].fmtp == "minptime=10;useinbandfec=1;sprop-stereo=1");
}

TEST_CASE(
    "Answerer single: a sender whose section has no codec at all is told of and not waited for "
    "[SIG-111] [SDP-40] [SIG-84]") {
    AnswererConfig c = config(true);
    c.subscribe_codecs = {{"audio/opus", ""}, {"video/H264", ""}};
    Answerer answerer(c);
    MediaSection vp8 = video("0", kRecv);
    vp8.codecs.resize(2);
    answerer.add_sender(sender(1, Kind::kVideo, {"video/H264"}));
    Result r = answer_to(answerer, offer_of({vp8, audio("1", kRecv)}));
    CHECK(r.section(0).rejected());
    REQUIRE(r.answer.bound.size() == 1);
    CHECK(r.answer.bound[0] == BoundSender{1, "0", {}, {}});
    CHECK(r.answer.missing.video == 0);
    CHECK(r.answer.mid_to_track_id.empty());
    // The client's next one takes the place of it, and is no better.
    vp8.mid = "2";
    r = answer_to(answerer, offer_of({vp8, audio("1", kRecv)}));
    CHECK(r.answer.bound.at(0).mid == "2");
    CHECK(r.answer.missing.video == 0);
    // Another such track waits for a section of its own, as any does.
    answerer.add_sender(sender(2, Kind::kVideo, {"video/H264"}));
    CHECK(answerer.missing().video == 1);
    answerer.remove_sender(1);
    answerer.remove_sender(2);
    CHECK(answer_to(answerer, offer_of({vp8, audio("1", kRecv)})).answer.bound.empty());
}

TEST_CASE(
    "Answerer: sections that changed kind, mid or number are refused, state is kept [IMM-7]") {
    Answerer answerer(config());
    const Description good = offer_of({audio("0", kSend, "mic"), data("1")});
    answer_to(answerer, good, {pending("mic", Kind::kAudio)});
    CHECK(error_of(answerer, offer_of({video("0", kSend, "mic"), data("1")})) ==
          NegotiationError::kSectionsChanged);
    CHECK(error_of(answerer, offer_of({audio("7", kSend, "mic"), data("1")})) ==
          NegotiationError::kSectionsChanged);
    CHECK(error_of(answerer, offer_of({audio("0", kSend, "mic")})) ==
          NegotiationError::kSectionsChanged);
    CHECK(error_of(answerer, offer_of({audio("0", kSend, "mic"), data("1"), video("1", kRecv)})) ==
          NegotiationError::kBadMid);
    CHECK(answer_to(answerer, good).answer.publish.at(0).cid == "mic");
}

TEST_CASE("Answerer: hostile offers give errors [IMM-7] [SDP-40]") {
    Answerer answerer(config(true));
    const auto error = [&](const std::string& text) {
        const auto answer = answerer.answer(text, {}, local_transport());
        REQUIRE_FALSE(answer.has_value());
        return answer.error();
    };
    CHECK(error("not sdp") == NegotiationError::kParse);
    std::string many = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n";
    for (int i = 0; i < 10'000; ++i)
        many += "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:" + std::to_string(i) + "\r\n";
    CHECK(error(many) == NegotiationError::kTooManySections);
    Description no_ice = offer_of({data("0")});
    no_ice.pwd.clear();
    CHECK(error(write(no_ice)) == NegotiationError::kNoTransport);
    Description no_dtls = offer_of({data("0")});
    no_dtls.fingerprints.clear();
    CHECK(error(write(no_dtls)) == NegotiationError::kNoTransport);
    Description no_mid = offer_of({audio("0", kRecv)});
    no_mid.sections[0].mid.clear();
    CHECK(error(write(no_mid)) == NegotiationError::kBadMid);
}

TEST_CASE("Answerer: outside the bundle, and a second data section, are turned off [SDP-01]") {
    Answerer answerer(config());
    Description offer = offer_of({data("0"), data("1"), video("2", kRecv)});
    offer.bundle = std::vector<std::string>{"0", "1"};
    const Result r = answer_to(answerer, offer);
    CHECK_FALSE(r.section(0).rejected());
    CHECK(r.section(1).rejected());
    CHECK(r.section(2).rejected());
    CHECK(*r.sdp.bundle == std::vector<std::string>{"0"});
}

TEST_CASE("Answerer: a bundle of 1024 sections is answered whole [SDP-44]") {
    Answerer answerer(config(true));
    std::vector<MediaSection> sections;
    sections.reserve(kMaxSections);
    for (std::size_t i = 0; i < kMaxSections; ++i)
        sections.push_back(audio(std::to_string(i), kRecv));
    for (std::uint64_t id = 0; id < kMaxSections; ++id)
        answerer.add_sender(sender(id, Kind::kAudio));
    CHECK(answer_to(answerer, offer_of(std::move(sections))).answer.bound.size() == kMaxSections);
}

}  // namespace confab::sdp
