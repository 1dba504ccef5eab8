// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Answering one RTP section.
#include "rtc/sdp/answer/section_answer.h"

#include <algorithm>

#include "base/text.h"
#include "rtc/sdp/description/fmtp.h"
#include "rtc/sdp/description/transport_info.h"

namespace confab::sdp {
namespace {

std::string_view name_of_mime(std::string_view mime) {
    next_token(mime, '/');
    return mime;
}

// RED is of use if its blocks are of an opus payload type of the section (SDP-24).
bool has_usable_red(const std::vector<Codec>& codecs) {
    return std::ranges::any_of(codecs, [&](const Codec& red) {
        if (!is_codec(red, "red")) return false;
        const auto target = red_target(red.fmtp);
        return target && std::ranges::any_of(codecs, [&](const Codec& codec) {
                   return is_codec(codec, "opus") && codec.pt == *target;
               });
    });
}

// The name of the codec that goes first; empty to keep the offered order.
std::string_view preferred_codec(const SectionPlan& plan, const std::vector<Codec>& codecs) {
    if (plan.track == nullptr) return {};
    const PendingTrack& track = plan.track->track;
    std::string_view mime;
    if (plan.track->codec_index < track.codec_mimes.size())
        mime = track.codec_mimes[plan.track->codec_index];
    const std::string_view name = name_of_mime(mime);
    if (track.kind != Kind::kAudio) return name;
    const bool wants_red = mime.empty() ? !track.disable_red : equals_ignore_case(name, "red");
    if (!wants_red) return name;
    return has_usable_red(codecs) ? "red" : std::string_view{};
}

// All profiles of the preferred codec first, the others in offered order (SDP-23).
void put_first(std::string_view name, bool drop_others, std::vector<Codec>& codecs) {
    if (name.empty()) return;
    std::vector<Codec> first;
    std::vector<Codec> others;
    for (Codec& codec : codecs)
        (is_codec(codec, name) ? first : others).push_back(std::move(codec));
    if (!drop_others || first.empty())
        first.insert(first.end(), std::make_move_iterator(others.begin()),
                     std::make_move_iterator(others.end()));
    codecs = std::move(first);
}

void add_rtx(const MediaSection& offered, std::vector<Codec>& codecs) {
    const RtxIndex rtx_codecs(offered.codecs);
    const std::size_t count = codecs.size();
    for (std::size_t i = 0; i < count; ++i) {
        const Codec* rtx = rtx_codecs.of(codecs[i].pt);
        if (rtx == nullptr) continue;
        codecs.push_back(*rtx);
        codecs.back().feedback.clear();
    }
}

std::vector<Codec> choose_codecs(const MediaSection& offered, const SectionPlan& plan) {
    std::vector<Codec> out = known_codecs(*plan.codecs, offered);
    const bool video = offered.kind == Kind::kVideo;
    const bool drop_others = video && plan.client->firefox_on_linux_or_android;
    const std::string_view preferred = preferred_codec(plan, out);
    put_first(preferred, drop_others, out);
    // These publishers get no RTX either: upstream looks at the mime type alone (SDP-23).
    const bool others_dropped =
        drop_others && !preferred.empty() && !out.empty() && is_codec(out.front(), preferred);
    if (video && plan.codecs->rtx && !others_dropped) add_rtx(offered, out);
    return out;
}

// The client can number packets for feedback on all of them, and give it.
bool takes_transport_cc(const MediaSection& offered) {
    return std::ranges::find(offered.extensions, kExtTransportCc, &ExtMap::uri) !=
               offered.extensions.end() &&
           std::ranges::any_of(offered.codecs,
                               [](const Codec& c) { return has_feedback(c, "transport-cc"); });
}

void limit_feedback(const SectionPlan& plan, const MediaSection& offered, bool red,
                    std::vector<Codec>& codecs) {
    const bool transport_cc = plan.transport_cc && takes_transport_cc(offered);
    const auto ours = feedback_set(offered.kind, plan.use, transport_cc);
    const bool disable_red = plan.sender != nullptr && plan.sender->disable_red;
    for (Codec& codec : codecs) {
        std::vector<std::string> common;
        for (const std::string_view value : ours)
            if (has_feedback(codec, value)) common.emplace_back(value);
        // RED repairs losses itself where the track may be RED (SDP-21).
        const bool by_red = plan.use == SectionUse::kSubscribe && red && !disable_red &&
                            plan.client->supports_red && is_codec(codec, "opus");
        if (by_red) common.clear();
        codec.feedback = std::move(common);
    }
}

void adjust_opus(const SectionPlan& plan, std::vector<Codec>& codecs) {
    for (Codec& codec : codecs) {
        if (!is_codec(codec, "opus")) continue;
        const auto first = plan.first_fmtp->try_emplace(codec.pt, codec.fmtp).first;
        codec.fmtp = first->second;
        if (plan.track != nullptr)
            codec.fmtp = opus_publish_fmtp(codec.fmtp, !plan.track->track.disable_dtx,
                                           plan.track->track.stereo);
        if (plan.sender != nullptr && plan.sender->stereo) {
            codec.fmtp = fmtp_without(codec.fmtp, {"sprop-stereo"});
            fmtp_append(codec.fmtp, "sprop-stereo=1");
        }
    }
}

std::vector<ExtMap> common_extensions(const MediaSection& offered, const SectionPlan& plan) {
    const auto ours = answerable_extensions(offered.kind, plan.single, plan.playout_delay);
    std::vector<ExtMap> out;
    for (const ExtMap& ext : offered.extensions)
        if (std::ranges::find(ours, ext.uri) != ours.end()) out.push_back(ext);
    return out;
}

}  // namespace

MediaSection answer_section(const MediaSection& offered, const SectionPlan& plan) {
    std::vector<Codec> codecs = choose_codecs(offered, plan);
    if (codecs.empty()) return rejected_section(offered);
    const bool red = std::ranges::any_of(codecs, [](const Codec& c) { return is_codec(c, "red"); });
    limit_feedback(plan, offered, red, codecs);
    if (offered.kind == Kind::kAudio) adjust_opus(plan, codecs);

    MediaSection out;
    out.kind = offered.kind;
    out.media = offered.media;
    out.protocol = offered.protocol;
    out.mid = offered.mid;
    out.direction = plan.direction;
    out.rtcp_mux = true;
    out.rtcp_rsize = offered.rtcp_rsize;
    out.codecs = std::move(codecs);
    out.extensions = common_extensions(offered, plan);
    out.recv_rids = offered.send_rids;
    out.simulcast_recv = offered.simulcast_send;
    if (plan.sender != nullptr && sends(plan.direction)) add_sender_lines(out, *plan.sender);
    return out;
}

void add_sender_lines(MediaSection& section, const Sender& sender) {
    const Msid msid{sender.stream_id, sender.track_id};
    section.msid = msid;
    section.ssrcs.push_back({sender.ssrc, sender.stream_id, msid});
    const bool rtx =
        std::ranges::any_of(section.codecs, [](const Codec& c) { return is_codec(c, "rtx"); });
    if (!rtx || sender.rtx_ssrc == 0) return;
    section.ssrc_groups.push_back({"FID", {sender.ssrc, sender.rtx_ssrc}});
    section.ssrcs.push_back({sender.rtx_ssrc, sender.stream_id, msid});
}

std::map<std::string, std::uint8_t> extension_ids(const MediaSection& section) {
    std::map<std::string, std::uint8_t> out;
    for (const ExtMap& ext : section.extensions)
        out.emplace(ext.uri, ext.id);
    return out;
}

}  // namespace confab::sdp
