// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Replays recorded connections: each client offer through Answerer, each server offer against
// Offerer, with the client's answer applied. Compared by section: place, kind, mid, direction,
// setup, order of real codecs, payload types with parameters and feedback as sets, extension ids,
// rids, msid and SSRC lines. RTX order and extension order were random in the recordings.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "rtc/sdp/answer/publish_section.h"
#include "rtc/sdp/codec_table.h"
#include "rtc/sdp/description/fmtp.h"
#include "rtc/sdp/negotiator.h"
#include "rtc/sdp/offer/offers_testing.h"
#include "rtc/sdp/recorded_testing.h"

namespace confab::sdp {
namespace {

using testing::default_codecs;
using testing::local_transport;
using testing::RecordedConnection;
using testing::RecordedMessage;

ClientTraits traits_of(const RecordedConnection& connection) {
    ClientTraits out;
    if (!connection.name.starts_with("firefox")) return out;
    out.firefox = true;
    out.firefox_on_linux_or_android = true;
    out.supports_red = false;
    out.disabled_publish_codecs = {"video/H264"};
    return out;
}

std::string codec_text(const MediaSection& section, const Codec& codec) {
    std::string out = std::to_string(codec.pt) + " " + codec.name + "/" +
                      std::to_string(codec.clock_rate) + "/" +
                      std::to_string(std::max<int>(codec.channels, 1)) + " ";
    // The recorded answers to browsers went through their SDK: it writes the track's bit rate into
    // its section, and gives all other audio sections the parameters of that one (02 SDP-26).
    std::vector<std::string_view> not_compared = {"maxaveragebitrate"};
    if (section.direction != Direction::kRecvOnly)
        not_compared.insert(not_compared.end(), {"usedtx", "stereo"});
    out += section.kind == Kind::kAudio ? fmtp_without(codec.fmtp, not_compared) : codec.fmtp;
    std::vector<std::string> feedback = codec.feedback;
    std::ranges::sort(feedback);
    for (const std::string& value : feedback)
        out += "," + value;
    return out;
}

std::vector<std::string> summary(const MediaSection& section) {
    std::vector<std::string> out = {section.media + " " + section.mid,
                                    section.rejected() ? "rejected" : "port 9",
                                    std::string(to_text(section.direction))};
    if (section.setup) out.push_back("setup " + std::string(to_text(*section.setup)));
    std::string order = "order";
    std::set<std::string> facts;
    for (const Codec& codec : section.codecs) {
        if (!is_codec(codec, "rtx")) order += " " + std::to_string(codec.pt);
        facts.insert("codec " + codec_text(section, codec));
    }
    for (const ExtMap& ext : section.extensions)
        facts.insert("ext " + std::to_string(ext.id) + " " + ext.uri);
    for (const SsrcInfo& info : section.ssrcs)
        facts.insert("ssrc " + std::to_string(info.ssrc) + " " + info.cname + " " +
                     info.msid.stream + " " + info.msid.track);
    for (const SsrcGroup& group : section.ssrc_groups) {
        std::string text = "group " + group.semantics;
        for (const auto ssrc : group.ssrcs)
            text += " " + std::to_string(ssrc);
        facts.insert(text);
    }
    if (section.msid) facts.insert("msid " + section.msid->stream + " " + section.msid->track);
    if (section.sctp_port) facts.insert("sctp " + std::to_string(*section.sctp_port));
    if (section.max_message_size) facts.insert("max " + std::to_string(*section.max_message_size));
    out.push_back(order);
    std::string rids = "rids";
    for (const std::string& rid : section.recv_rids)
        rids += " " + rid;
    rids += " simulcast";
    for (const std::string& rid : section.simulcast_recv)
        rids += " " + rid;
    out.push_back(rids);
    out.insert(out.end(), facts.begin(), facts.end());
    return out;
}

// Rows in which we knowingly differ.
struct Exception {
    std::string_view connection;  // beginning of its name
    std::string_view difference;  // what one side has alone
    std::string_view reason;
    mutable bool needed = false;  // by a recording that really differs
};
const Exception kExceptions[] = {
    {"pion-v0-publisher", "rids q h f simulcast q h f",
     "pion lists rids as recv in its own inactive offer, they are mirrored as recv; we leave them "
     "out"},
    {"pion-v0-publisher", "rids simulcast", "our side of the same difference"},
};
bool is_excepted(const std::string& connection, const std::string& difference) {
    for (const Exception& e : kExceptions)
        if (connection.starts_with(e.connection) && difference == e.difference)
            return e.needed = true;
    return false;
}

// Chromium's placeholders use 35 and 36 for VP9 profile 1 and its RTX, its camera sections do not
// offer them. The recorded answers hold them there all the same, as profile 2, and the SDK copies
// that to the placeholders; a payload type that was not offered can not be answered (RFC 3264
// §6.1).
void drop_unoffered_vp9(const std::string& connection, Description& description) {
    if (!connection.starts_with("chromium-v1-alice")) return;
    for (MediaSection& section : description.sections)
        std::erase_if(section.codecs, [](const Codec& c) { return c.pt == 35 || c.pt == 36; });
}

void compare(const std::string& connection, const std::string& step, const std::string& ours_text,
             const std::string& theirs_text) {
    auto ours = parse(ours_text);
    auto theirs = parse(theirs_text);
    REQUIRE(ours);
    REQUIRE(theirs);
    drop_unoffered_vp9(connection, *ours);
    drop_unoffered_vp9(connection, *theirs);
    REQUIRE(ours->sections.size() == theirs->sections.size());
    CHECK(ours->bundle == theirs->bundle);
    CHECK(ours->extmap_allow_mixed == theirs->extmap_allow_mixed);
    CHECK(ours->msid_semantic == "WMS *");
    for (std::size_t i = 0; i < ours->sections.size(); ++i) {
        const auto a = summary(ours->sections[i]);
        const auto b = summary(theirs->sections[i]);
        for (const std::string& text : a)
            if (std::ranges::find(b, text) == b.end() && !is_excepted(connection, text))
                FAIL_CHECK(connection << " " << step << " section " << i
                                      << ": only ours: " << text);
        for (const std::string& text : b)
            if (std::ranges::find(a, text) == a.end() && !is_excepted(connection, text))
                FAIL_CHECK(connection << " " << step << " section " << i
                                      << ": only recorded: " << text);
        CHECK(ours->sections[i].candidates.size() == (i == 0 ? 1 : 0));
        CHECK(ours->sections[i].end_of_candidates == (i == 0));
    }
}

// The senders a recorded description of the server holds, taken from its msid and SSRC lines.
std::map<std::uint64_t, Sender> senders_of(const RecordedMessage& message) {
    std::map<std::uint64_t, Sender> out;
    const auto description = parse(message.sdp);
    REQUIRE(description);
    for (const MediaSection& section : description->sections) {
        if (!section.msid || section.ssrcs.empty()) continue;
        Sender sender;
        sender.kind = section.kind;
        sender.stream_id = section.msid->stream;
        sender.track_id = section.msid->track;
        sender.ssrc = section.ssrcs[0].ssrc;
        if (!section.ssrc_groups.empty()) {
            sender.ssrc = section.ssrc_groups[0].ssrcs.at(0);
            sender.rtx_ssrc = section.ssrc_groups[0].ssrcs.at(1);
        }
        sender.id = sender.ssrc;
        out.emplace(sender.id, sender);
    }
    return out;
}

// Removes the senders that the recorded message has no more; whether there were any.
template <typename Negotiator>
bool remove_gone(Negotiator& negotiator, std::map<std::uint64_t, Sender>& known,
                 const RecordedMessage& message) {
    const auto wanted = senders_of(message);
    return std::erase_if(known, [&](const auto& entry) {
               if (wanted.contains(entry.first)) return false;
               negotiator.remove_sender(entry.first);
               return true;
           }) > 0;
}

// Adds and removes senders until they are those of the recorded message.
template <typename Negotiator>
void follow_senders(Negotiator& negotiator, std::map<std::uint64_t, Sender>& known,
                    const RecordedMessage& message) {
    remove_gone(negotiator, known, message);
    const auto wanted = senders_of(message);
    for (const auto& [id, sender] : wanted)
        if (known.emplace(id, sender).second) negotiator.add_sender(sender);
}

std::string mime_of_step(const RecordedConnection& connection, std::string_view step) {
    if (connection.name.starts_with("firefox")) return "video/vp8";  // whatever was asked (SDP-45)
    if (step.find("vp9") != std::string_view::npos) return "video/vp9";
    if (step.find("av1") != std::string_view::npos) return "video/av1";
    if (step.find("h264") != std::string_view::npos) return "video/h264";
    return "video/vp8";
}

// Announces the tracks of sections that began to send with this offer.
std::vector<PendingTrack> announced(const RecordedConnection& connection,
                                    const RecordedMessage& offer, std::set<std::string>& live) {
    std::vector<PendingTrack> out;
    std::set<std::string> now;
    const auto description = parse(offer.sdp);
    REQUIRE(description);
    for (const MediaSection& section : description->sections) {
        if (!section.is_rtp() || section.rejected() || !sends(section.direction)) continue;
        const std::string id = track_id_of(section);
        now.insert(id);
        if (live.contains(id)) continue;
        PendingTrack track;
        track.cid = id;
        track.kind = section.kind;
        if (section.kind == Kind::kVideo)
            track.codec_mimes = {mime_of_step(connection, offer.step)};
        out.push_back(track);
    }
    live = now;
    return out;
}

AnswererConfig answerer_config(const RecordedConnection& connection) {
    AnswererConfig out;
    out.client = traits_of(connection);
    out.publish_codecs = default_codecs();
    out.subscribe_codecs = default_codecs();
    out.single = connection.name.find("-v1-") != std::string::npos;
    return out;
}

std::size_t replay_client_offers(const RecordedConnection& connection) {
    Answerer answerer(answerer_config(connection));
    std::map<std::uint64_t, Sender> senders;
    std::set<std::string> live;
    for (std::size_t i = 0; i + 1 < connection.messages.size(); i += 2) {
        const RecordedMessage& offer = connection.messages[i];
        const RecordedMessage& recorded = connection.messages[i + 1];
        // The recorded server may move a new track onto a section in the very answer that takes the
        // old one away. Ours answers it idle first (AnswerSection::shown); the offer is as the
        // last.
        if (i > 0 && remove_gone(answerer, senders, recorded))
            REQUIRE(answerer.answer(connection.messages[i - 2].sdp, {}, local_transport()));
        follow_senders(answerer, senders, recorded);
        const auto pending = announced(connection, offer, live);
        const auto answer = answerer.answer(offer.sdp, pending, local_transport());
        REQUIRE(answer);
        compare(connection.name, offer.step, answer->sdp, recorded.sdp);
        CHECK(answer->publish.size() == live.size());
        for (const PublishSection& section : answer->publish) {
            CHECK(section.cid == section.sdp_track_id);
            CHECK_FALSE(section.codecs.empty());
        }
        CHECK(answer->bound.size() == senders.size());
        CHECK(answer->missing.audio + answer->missing.video == 0);
        for (const BoundSender& bound : answer->bound) {
            CHECK_FALSE(bound.codecs.empty());
            CHECK(answer->mid_to_track_id.at(bound.mid) == senders.at(bound.id).track_id);
        }
        CHECK(answer->remote.application);
        CHECK(answer->remote.local_setup == Setup::kActive);
    }
    return connection.messages.size() / 2;
}

std::size_t replay_server_offers(const RecordedConnection& connection) {
    OffererConfig config;
    config.client = traits_of(connection);
    config.codecs = default_codecs();
    Offerer offerer(config);
    std::map<std::uint64_t, Sender> senders;
    // Some recordings begin when a track was already there; the data section came first all the
    // same.
    if (senders_of(connection.messages[0]).size() > 1) return 0;
    if (!senders_of(connection.messages[0]).empty()) offerer.make_offer(local_transport());
    for (std::size_t i = 0; i + 1 < connection.messages.size(); i += 2) {
        const RecordedMessage& recorded = connection.messages[i];
        // The recorded server may move a new track onto a section in the very offer that takes the
        // old one away. Ours offers it idle first (OfferSection::idle); the answer is as the last.
        if (i > 0 && remove_gone(offerer, senders, recorded)) {
            offerer.make_offer(local_transport());
            REQUIRE(offerer.apply_answer(connection.messages[i - 1].sdp));
        }
        follow_senders(offerer, senders, recorded);
        const Offer offer = offerer.make_offer(local_transport());
        CHECK_FALSE(offerer.needs_offer());
        compare(connection.name, recorded.step, offer.sdp, recorded.sdp);
        CHECK(offer.mid_to_track_id.size() == senders.size());
        const auto applied = offerer.apply_answer(connection.messages[i + 1].sdp);
        REQUIRE(applied);
        CHECK(applied->bound.size() == senders.size());
        for (const BoundSender& bound : applied->bound) {
            CHECK_FALSE(bound.codecs.empty());
            CHECK(offer.mid_to_track_id.at(bound.mid) == senders.at(bound.id).track_id);
        }
        CHECK(applied->remote.local_setup == Setup::kPassive);
        CHECK(applied->remote.application);
    }
    return connection.messages.size() / 2;
}

}  // namespace

TEST_CASE(
    "Answerer: answers recorded client offers as recorded "
    "[SDP-01] [SDP-10] [SDP-21] [SDP-22] [SDP-23] [SDP-24] [SDP-27] [SDP-30] [SDP-40] "
    "[SDP-44] [SDP-45] [SIG-77] [SIG-84] [SIG-91] [SIG-93]") {
    std::map<std::string, std::size_t> pairs;
    for (const RecordedConnection& connection : testing::recorded_connections())
        if (!connection.messages[0].by_server)
            pairs[connection.name.substr(0, connection.name.find('-') + 3)] +=
                replay_client_offers(connection);
    CHECK(pairs["pion-v0"] == 6);
    CHECK(pairs["pion-v1"] == 12);
    CHECK(pairs["chromium-v0"] == 8);
    CHECK(pairs["chromium-v1"] == 15);
    CHECK(pairs["firefox-v0"] == 7);
    CHECK(pairs["firefox-v1"] == 14);
    for (const Exception& e : kExceptions)
        CHECK_MESSAGE(e.needed, "not needed: ", e.connection, " ", e.difference);
}

TEST_CASE(
    "Offerer: makes the recorded offers and takes the recorded answers "
    "[SDP-01] [SDP-04] [SDP-05] [SDP-06] [SDP-07] [SDP-21] [SIG-75] [SIG-90] [SIG-92] "
    "[SIG-94]") {
    std::map<std::string, std::size_t> pairs;
    for (const RecordedConnection& connection : testing::recorded_connections())
        if (connection.messages[0].by_server)
            pairs[connection.name.substr(0, connection.name.find('-') + 3)] +=
                replay_server_offers(connection);
    CHECK(pairs["pion-v0"] == 7);
    CHECK(pairs["chromium-v0"] == 10);
    CHECK(pairs["firefox-v0"] == 7);
}

TEST_CASE(
    "parse: reads every recorded description and writes it back unchanged [SDP-01] [SDP-45]") {
    std::size_t count = 0;
    for (const RecordedConnection& connection : testing::recorded_connections()) {
        for (const RecordedMessage& message : connection.messages) {
            const auto first = parse(message.sdp);
            REQUIRE(first);
            const auto second = parse(write(*first));
            REQUIRE(second);
            CHECK(*first == *second);
            ++count;
        }
    }
    CHECK(count > 150);
}

}  // namespace confab::sdp
