// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sections of our own offers.
#include "rtc/sdp/offer/offer_section.h"

#include <algorithm>

#include "base/text.h"
#include "rtc/sdp/answer/section_answer.h"
#include "rtc/sdp/codec_table.h"
#include "rtc/sdp/description/fmtp.h"
#include "rtc/sdp/description/transport_info.h"

namespace confab::sdp {
namespace {

// The client's codec under our payload type, if it is the codec we offered there.
std::optional<Codec> common_codec(const Codec& answered, const std::vector<Codec>& offered,
                                  Kind kind) {
    const auto it = std::ranges::find(offered, answered.pt, &Codec::pt);
    if (it == offered.end() || !equals_ignore_case(it->name, answered.name) ||
        it->clock_rate != answered.clock_rate)
        return std::nullopt;
    Codec out = *it;
    std::erase_if(out.feedback,
                  [&](const std::string& value) { return !has_feedback(answered, value); });
    if (kind == Kind::kVideo && !is_codec(out, "rtx")) out.fmtp = answered.fmtp;
    return out;
}

}  // namespace

MediaSection describe_offer(const OfferSection& section, const Sender* sender) {
    MediaSection out;
    out.kind = section.kind;
    out.media = to_text(section.kind);
    out.protocol = kRtpProtocol;
    out.mid = section.mid;
    if (section.rejected) return rejected_section(out);
    out.rtcp_mux = true;
    out.rtcp_rsize = true;
    out.codecs = section.codecs;
    out.extensions = section.extensions;
    // Upstream's directions (SDP-01): browsers answer recvonly and inactive.
    out.direction = sender != nullptr ? Direction::kSendRecv : Direction::kRecvOnly;
    if (sender == nullptr) return out;
    if (sender->stereo)
        for (Codec& codec : out.codecs)
            if (is_codec(codec, "opus")) fmtp_append(codec.fmtp, "sprop-stereo=1");
    add_sender_lines(out, *sender);
    return out;
}

void apply_section_answer(const MediaSection& answered, OfferSection& section) {
    std::vector<Codec> codecs;
    for (const Codec& codec : answered.codecs)
        if (auto common = common_codec(codec, section.codecs, section.kind))
            codecs.push_back(std::move(*common));
    std::erase_if(codecs, [&](const Codec& codec) {
        const auto target = rtx_target(codec);
        return target && std::ranges::find(codecs, *target, &Codec::pt) == codecs.end();
    });
    section.codecs = std::move(codecs);
    section.rejected =
        answered.rejected() ||
        std::ranges::all_of(section.codecs, [](const Codec& c) { return is_codec(c, "rtx"); });
    if (section.rejected) section.codecs.clear();
    std::erase_if(section.extensions, [&](const ExtMap& ext) {
        return std::ranges::find(answered.extensions, ext) == answered.extensions.end();
    });
}

}  // namespace confab::sdp
