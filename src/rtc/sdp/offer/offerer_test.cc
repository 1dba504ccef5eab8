// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <algorithm>

#include "rtc/sdp/codec_table.h"
#include "rtc/sdp/negotiator.h"
#include "rtc/sdp/offer/offers_testing.h"

namespace confab::sdp {
namespace {

using namespace testing;

OffererConfig config() {
    OffererConfig out;
    out.codecs = default_codecs();
    out.session_id = 7;
    out.session_version = 100;
    return out;
}

Description offered(Offerer& offerer) {
    auto sdp = parse(offerer.make_offer(local_transport()).sdp);
    REQUIRE(sdp.has_value());
    return std::move(*sdp);
}

AppliedAnswer apply(Offerer& offerer, const Description& answer) {
    auto applied = offerer.apply_answer(write(answer));
    REQUIRE(applied.has_value());
    return std::move(*applied);
}

// One whole exchange with a client that takes everything.
AppliedAnswer negotiate(Offerer& offerer) {
    return apply(offerer, accept(offered(offerer)));
}

NegotiationError error_of(Offerer& offerer, const Description& answer) {
    const auto applied = offerer.apply_answer(write(answer));
    REQUIRE_FALSE(applied.has_value());
    return applied.error();
}

std::string layout(const Description& d) {
    std::string out;
    for (const MediaSection& section : d.sections)
        out += section.mid + section.media.substr(0, 1) + " ";
    return out;
}

}  // namespace

TEST_CASE(
    "Offerer: the data section is mid 0, or follows the tracks of the first offer [SIG-94] "
    "[SDP-06]") {
    Offerer usual(config());
    CHECK(usual.needs_offer());
    CHECK(layout(offered(usual)) == "0a ");
    CHECK_FALSE(usual.needs_offer());
    usual.add_sender(sender(1, Kind::kVideo));
    CHECK(usual.needs_offer());
    CHECK(layout(offered(usual)) == "0a 1v ");

    Offerer late(config());
    late.add_sender(sender(1, Kind::kVideo));
    late.add_sender(sender(2, Kind::kAudio));
    CHECK(layout(offered(late)) == "0v 1a 2a ");
    CHECK(offered(late).sections[2].media == "application");

    OffererConfig no_data = config();
    no_data.application = false;
    Offerer plain(no_data);
    plain.add_sender(sender(1, Kind::kAudio));
    CHECK(layout(offered(plain)) == "0a ");
    CHECK(offered(plain).sections[0].media == "audio");
}

TEST_CASE("Offerer: session lines, transport and role of an offer [SDP-01] [DTLS-01]") {
    Offerer offerer(config());
    offerer.add_sender(sender(1, Kind::kVideo));
    const Offer offer = offerer.make_offer(local_transport());
    const auto d = parse(offer.sdp);
    CHECK(d->origin == "- 7 100 IN IP4 0.0.0.0");
    CHECK(d->extmap_allow_mixed);
    CHECK(d->sections[0].setup == Setup::kActPass);
    CHECK(d->sections[0].direction == Direction::kSendRecv);
    CHECK(offer.mid_to_track_id == std::map<std::string, std::string>{{"0", "TR_1"}});
    CHECK(offerer.has_outstanding_offer());
    const AppliedAnswer applied = apply(offerer, accept(*d));
    CHECK_FALSE(offerer.has_outstanding_offer());
    CHECK(applied.remote.local_setup == Setup::kPassive);
    CHECK(applied.remote.application);
    CHECK(applied.remote.max_message_size == 65535);
    CHECK(offered(offerer).origin == "- 7 101 IN IP4 0.0.0.0");
}

TEST_CASE("Offerer: a sender's lines [SDP-04] [SDP-05] [SIG-75]") {
    Offerer offerer(config());
    offerer.add_sender(sender(1, Kind::kVideo));
    const std::string sdp = offerer.make_offer(local_transport()).sdp;
    for (const char* line :
         {"a=msid:PA_x|TR_1 TR_1\r\n", "a=ssrc-group:FID 1001 2001\r\n",
          "a=ssrc:1001 cname:PA_x|TR_1\r\n", "a=ssrc:1001 msid:PA_x|TR_1 TR_1\r\n",
          "a=ssrc:2001 mslabel:PA_x|TR_1\r\n", "a=ssrc:2001 label:TR_1\r\n"})
        CHECK_MESSAGE(sdp.find(line) != std::string::npos, line);
}

TEST_CASE("Offerer: a section is reused only after the client saw it without a track [SDP-07]") {
    Offerer offerer(config());
    offerer.add_sender(sender(1, Kind::kVideo));
    negotiate(offerer);
    offerer.remove_sender(1);
    offerer.add_sender(sender(2, Kind::kVideo));  // before the removal was offered
    const Description both = offered(offerer);
    REQUIRE(both.sections.size() == 3);
    CHECK(apply(offerer, accept(both)).bound.front().mid == both.sections[2].mid);
    offerer.add_sender(sender(3, Kind::kVideo));
    CHECK(offered(offerer).sections.size() == 3);
}

TEST_CASE(
    "Offerer: removed tracks leave recvonly sections, reused by kind with new SSRCs [SDP-07]") {
    Offerer offerer(config());
    offerer.add_sender(sender(1, Kind::kVideo));
    offerer.add_sender(sender(2, Kind::kAudio));
    negotiate(offerer);
    offerer.remove_sender(1);
    CHECK(offerer.needs_offer());
    Description d = offered(offerer);
    CHECK(d.sections[0].direction == Direction::kRecvOnly);
    CHECK_FALSE(d.sections[0].msid.has_value());
    CHECK(d.sections[0].ssrcs.empty());
    CHECK(apply(offerer, accept(d)).bound.size() == 1);
    offerer.add_sender(sender(3, Kind::kVideo));
    d = offered(offerer);
    CHECK(d.sections.size() == 3);
    CHECK(d.sections[0].direction == Direction::kSendRecv);
    CHECK(d.sections[0].ssrcs.at(0).ssrc == 1003);
    CHECK(apply(offerer, accept(d)).bound.size() == 2);
}

TEST_CASE("Offerer: subscribing and unsubscribing 50 times does not add sections [SDP-07]") {
    Offerer reuses(config());
    OffererConfig no_reuse = config();
    no_reuse.client.reuses_transceivers = false;
    Offerer safari(no_reuse);
    for (std::uint64_t id = 1; id <= 50; ++id) {
        for (Offerer* offerer : {&reuses, &safari}) {
            offerer->add_sender(sender(id, Kind::kVideo));
            CHECK(negotiate(*offerer).bound.size() == 1);
            offerer->remove_sender(id);
            CHECK(negotiate(*offerer).bound.empty());
        }
    }
    CHECK(offered(reuses).sections.size() == 2);
    CHECK(offered(safari).sections.size() == 51);
}

TEST_CASE(
    "Offerer: sections keep what the client accepts, new ones start from it [SDP-26] [SIG-90]") {
    Offerer offerer(config());
    offerer.add_sender(sender(1, Kind::kVideo));
    Description answer = accept(offered(offerer));
    MediaSection& section = answer.sections[0];
    section.codecs = {{98, "VP9", 90000, 0, "max-fs=12288", {"nack", "goog-remb"}},
                      {96, "VP8", 90000, 0, "", {"nack"}},
                      {97, "rtx", 90000, 0, "apt=96", {}},
                      {109, "rtx", 90000, 0, "apt=108", {}},
                      {35, "X", 90000, 0, "", {}}};
    section.extensions = {{3, std::string(kExtAbsSendTime)}, {9, std::string(kExtAbsCaptureTime)}};
    const AppliedAnswer applied = apply(offerer, answer);
    REQUIRE(applied.bound.size() == 1);
    REQUIRE(applied.bound[0].codecs.size() == 2);
    CHECK(applied.bound[0].codecs[0].mime == "video/VP9");
    CHECK_FALSE(applied.bound[0].codecs[0].rtx_pt.has_value());
    CHECK(applied.bound[0].codecs[1].rtx_pt == 97);
    CHECK(applied.bound[0].extensions ==
          std::map<std::string, std::uint8_t>{{std::string(kExtAbsSendTime), 3}});
    offerer.add_sender(sender(2, Kind::kVideo));
    const Description next = offered(offerer);
    for (const std::size_t i : {0U, 2U}) {
        REQUIRE(next.sections[i].codecs.size() == 3);
        CHECK(next.sections[i].codecs[0].fmtp == "max-fs=12288");
        CHECK(next.sections[i].codecs[1].feedback == std::vector<std::string>{"nack"});
    }
    CHECK(next.sections[2].extensions.size() == 3);
}

TEST_CASE(
    "Offerer: a rejected section and a codec not accepted mean unsupported [SIG-94] [SDP-20]") {
    Offerer offerer(config());
    offerer.add_sender(sender(1, Kind::kVideo, {"video/H265"}));
    offerer.add_sender(sender(2, Kind::kAudio));
    Description answer = accept(offered(offerer));
    std::erase_if(answer.sections[0].codecs, [](const Codec& c) { return c.name == "H265"; });
    answer.sections[1].port = 0;
    answer.sections[1].mid.clear();
    AppliedAnswer applied = apply(offerer, answer);
    REQUIRE(applied.bound.size() == 2);
    CHECK(applied.bound[0].codecs.empty());
    CHECK(applied.bound[1].codecs.empty());
    // The rejected section stays where it is and is not used again.
    offerer.remove_sender(2);
    offerer.add_sender(sender(3, Kind::kAudio));
    const Description next = offered(offerer);
    REQUIRE(next.sections.size() == 4);
    CHECK(next.sections[1].rejected());
    CHECK(*next.bundle == std::vector<std::string>{"0", "2", "3"});
    applied = apply(offerer, accept(next));
    CHECK(applied.bound.back().mid == "3");
    CHECK_FALSE(applied.bound.back().codecs.empty());
}

TEST_CASE("Offerer: a track without RED has opus' nack beside others that have RED [SDP-21]") {
    Offerer offerer(config());
    offerer.add_sender(sender(1, Kind::kAudio));
    Sender plain = sender(2, Kind::kAudio);
    plain.disable_red = true;
    offerer.add_sender(plain);
    const Description d = offered(offerer);
    REQUIRE(d.sections.size() >= 2);
    CHECK(find_codec(d.sections[0], 111)->feedback.empty());
    CHECK(find_codec(d.sections[1], 111)->feedback == std::vector<std::string>{"nack"});
}

TEST_CASE(
    "Offerer: RED takes opus' nack where the client has RED, stereo is told [SDP-21] [SDP-25]") {
    Offerer with_red(config());
    Sender stereo = sender(1, Kind::kAudio);
    stereo.stereo = true;
    with_red.add_sender(stereo);
    Description d = offered(with_red);
    CHECK(find_codec(d.sections[0], 111)->feedback.empty());
    CHECK(find_codec(d.sections[0], 0)->feedback == std::vector<std::string>{"nack"});
    CHECK(find_codec(d.sections[0], 111)->fmtp == "minptime=10;useinbandfec=1;sprop-stereo=1");
    apply(with_red, accept(d));
    with_red.remove_sender(1);
    with_red.add_sender(sender(2, Kind::kAudio));
    CHECK(find_codec(offered(with_red).sections[0], 111)->fmtp == "minptime=10;useinbandfec=1");
    OffererConfig no_red = config();
    no_red.client.supports_red = false;
    Offerer firefox(no_red);
    firefox.add_sender(sender(1, Kind::kAudio));
    CHECK(has_feedback(*find_codec(offered(firefox).sections[0], 111), "nack"));
}

TEST_CASE(
    "Offerer: send-side estimation and playout delay change the extensions [SIG-92] [SDP-21]") {
    OffererConfig c = config();
    c.transport_cc = true;
    c.playout_delay = true;
    Offerer offerer(c);
    offerer.add_sender(sender(1, Kind::kVideo));
    const Description d = offered(offerer);
    CHECK(d.sections[0].extensions ==
          std::vector<ExtMap>{{1, std::string(kExtDependencyDescriptor)},
                              {2, std::string(kExtAbsCaptureTime)},
                              {3, std::string(kExtTransportCc)},
                              {4, std::string(kExtPlayoutDelay)}});
    CHECK(has_feedback(d.sections[0].codecs[0], "transport-cc"));
    CHECK_FALSE(has_feedback(d.sections[0].codecs[0], "goog-remb"));
}

TEST_CASE(
    "Offerer: who does not take numbers on all packets is asked for its estimate [SDP-21] "
    "[TRAP-11]") {
    OffererConfig c = config();
    c.transport_cc = true;
    const auto has_uri = [](const MediaSection& section, std::string_view uri) {
        return std::ranges::find(section.extensions, uri, &ExtMap::uri) != section.extensions.end();
    };
    for (const bool without_extension : {true, false}) {
        CAPTURE(without_extension);
        Offerer offerer(c);
        offerer.add_sender(sender(1, Kind::kVideo));
        offerer.add_sender(sender(2, Kind::kAudio));
        Description answer = accept(offered(offerer));
        for (MediaSection& section : answer.sections) {
            if (without_extension)
                std::erase_if(section.extensions,
                              [](const ExtMap& e) { return e.uri == kExtTransportCc; });
            else
                for (Codec& codec : section.codecs)
                    std::erase(codec.feedback, "transport-cc");
        }
        const AppliedAnswer applied = apply(offerer, answer);
        CHECK(applied.bound.size() == 2);  // nothing waits for it
        CHECK(offerer.needs_offer());
        offerer.add_sender(sender(3, Kind::kVideo));
        const Description again = offered(offerer);
        for (const MediaSection& section : again.sections) {
            if (section.kind != Kind::kVideo) continue;
            CHECK(has_uri(section, kExtAbsSendTime));
            CHECK_FALSE(has_uri(section, kExtTransportCc));
            CHECK(has_feedback(section.codecs[0], "goog-remb"));
            CHECK_FALSE(has_feedback(section.codecs[0], "transport-cc"));
            CHECK(section.codecs[1].feedback.empty());  // RTX
        }
        const AppliedAnswer second = apply(offerer, accept(again));
        CHECK(second.bound.size() == 3);
        CHECK_FALSE(offerer.needs_offer());
    }
    Offerer takes(c);
    takes.add_sender(sender(1, Kind::kVideo));
    const AppliedAnswer taken = negotiate(takes);
    CHECK(taken.bound.size() == 1);
    CHECK_FALSE(takes.needs_offer());
}

TEST_CASE("Offerer: a new offer replaces an outstanding one, senders may go meanwhile [SDP-03]") {
    Offerer offerer(config());
    offerer.add_sender(sender(1, Kind::kVideo));
    const Description first = offered(offerer);
    offerer.add_sender(sender(2, Kind::kVideo));
    const Description second = offered(offerer);
    CHECK(error_of(offerer, accept(first)) == NegotiationError::kSectionMismatch);
    CHECK(offerer.has_outstanding_offer());
    offerer.remove_sender(1);
    offerer.add_sender(sender(3, Kind::kVideo));
    const AppliedAnswer applied = apply(offerer, accept(second));
    REQUIRE(applied.bound.size() == 1);  // 1 is gone, 3 was not offered yet
    CHECK(applied.bound[0].id == 2);
    CHECK(offerer.needs_offer());
    CHECK(negotiate(offerer).bound.size() == 2);
}

TEST_CASE("Offerer: answers that do not fit are refused [IMM-7]") {
    Offerer offerer(config());
    const Description answer = offer_of({data("0")});
    CHECK(error_of(offerer, answer) == NegotiationError::kNoOffer);
    offerer.add_sender(sender(1, Kind::kVideo));
    const Description good = accept(offered(offerer));
    CHECK(offerer.apply_answer("v=1").error() == NegotiationError::kParse);
    CHECK(error_of(offerer, answer) == NegotiationError::kSectionMismatch);
    Description other_kind = good;
    other_kind.sections[0] = audio("0", Direction::kRecvOnly);
    CHECK(error_of(offerer, other_kind) == NegotiationError::kSectionMismatch);
    Description other_mid = good;
    other_mid.sections[0].mid = "x";
    CHECK(error_of(offerer, other_mid) == NegotiationError::kSectionMismatch);
    Description no_ice = good;
    no_ice.ufrag.clear();
    CHECK(error_of(offerer, no_ice) == NegotiationError::kNoTransport);
    CHECK(apply(offerer, good).bound.size() == 1);
    CHECK(error_of(offerer, good) == NegotiationError::kNoOffer);
}

TEST_CASE("Offerer: never more sections than the limit [SDP-06]") {
    Offerer offerer(config());
    for (std::uint64_t id = 0; id < kMaxSections + 10; ++id)
        offerer.add_sender(sender(id, Kind::kAudio));
    CHECK(offered(offerer).sections.size() == kMaxSections);
}

}  // namespace confab::sdp
