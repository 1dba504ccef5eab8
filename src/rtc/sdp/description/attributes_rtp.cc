// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Attributes of RTP sections: a=rtpmap, a=fmtp (RFC 8866 §6), a=rtcp-fb (RFC 4585 §4.2), a=extmap
// (RFC 8285 §5), a=ssrc, a=ssrc-group (RFC 5576), a=rid (RFC 8851), a=simulcast (RFC 8853), a=msid
// (RFC 8830).
#include <algorithm>

#include "base/text.h"
#include "rtc/sdp/description/attributes.h"
#include "rtc/sdp/description/attributes_common.h"

namespace confab::sdp::detail {
namespace {

// "96 rest": the codec of the m= line with this payload type; nullptr if the line does not name it.
Result<Codec*, SdpError> take_codec(std::string_view& value, MediaSection& section) {
    const auto pt = parse_decimal<std::uint8_t>(next_token(value, ' '));
    if (!pt) return fail(SdpError::kMalformed);
    const auto it = std::ranges::find(section.codecs, *pt, &Codec::pt);
    return it == section.codecs.end() ? nullptr : &*it;
}

Outcome add_feedback(std::string_view value, std::vector<std::string>& out) {
    if (value.empty() || std::ranges::find(out, value) != out.end()) return {};
    if (out.size() == kMaxFeedback) return fail(SdpError::kTooMany);
    out.emplace_back(value);
    return {};
}

// A pause mark tells the initial state only (RFC 8853 §5.1, 02 SDP-09).
std::string_view without_pause_mark(std::string_view rid) {
    if (!rid.empty() && rid.front() == '~') rid.remove_prefix(1);
    return rid;
}

Outcome add_rid(std::string_view rid, std::vector<std::string>& out) {
    if (rid.empty() || std::ranges::find(out, rid) != out.end()) return {};
    if (out.size() == kMaxRids) return fail(SdpError::kTooMany);
    out.emplace_back(rid);
    return {};
}

// "q;~h;f,g": the first of each list of alternatives.
Outcome add_simulcast_list(std::string_view list, std::vector<std::string>& out) {
    while (!list.empty()) {
        std::string_view alternatives = next_token(list, ';');
        CONFAB_TRY_VOID(add_rid(without_pause_mark(next_token(alternatives, ',')), out));
    }
    return {};
}

Result<SsrcInfo*, SdpError> find_or_add_ssrc(std::uint32_t ssrc, MediaSection& out) {
    const auto it = std::ranges::find(out.ssrcs, ssrc, &SsrcInfo::ssrc);
    if (it != out.ssrcs.end()) return &*it;
    if (out.ssrcs.size() == kMaxSsrcs) return fail(SdpError::kTooMany);
    out.ssrcs.emplace_back().ssrc = ssrc;
    return &out.ssrcs.back();
}

Msid split_msid(std::string_view value) {
    Msid out;
    out.stream = next_token(value, ' ');
    if (out.stream.empty()) return out;
    out.track = next_token(value, ' ');
    return out;
}

}  // namespace

Outcome read_rtpmap(std::string_view value, MediaSection& out) {
    CONFAB_TRY(Codec* const codec, take_codec(value, out));
    if (codec == nullptr) return {};
    const std::string_view name = next_token(value, '/');
    const auto clock_rate = parse_decimal<std::uint32_t>(trim(next_token(value, '/')));
    const auto channels = parse_decimal<std::uint16_t>(trim(value));
    if (name.empty() || !clock_rate || (!value.empty() && !channels))
        return fail(SdpError::kMalformed);
    codec->name = name;
    codec->clock_rate = *clock_rate;
    codec->channels = channels.value_or(std::uint16_t{0});
    return {};
}

Outcome read_fmtp(std::string_view value, MediaSection& out) {
    CONFAB_TRY(Codec* const codec, take_codec(value, out));
    if (codec != nullptr) codec->fmtp = trim(value);
    return {};
}

Outcome read_rtcp_fb(std::string_view value, MediaSection& out, SectionExtras& extras) {
    if (value.starts_with("* "))
        return add_feedback(trim(value.substr(2)), extras.wildcard_feedback);
    CONFAB_TRY(Codec* const codec, take_codec(value, out));
    if (codec == nullptr) return {};
    return add_feedback(trim(value), codec->feedback);
}

// "8/sendonly <uri> <attributes>": direction and attributes are taken and not kept (02 SDP-10).
Outcome read_extmap(std::string_view value, MediaSection& out) {
    std::string_view id_text = next_token(value, ' ');
    const auto id = parse_decimal<std::uint16_t>(next_token(id_text, '/'));
    const std::string_view uri = next_token(value, ' ');
    if (!id || *id == 0 || uri.empty()) return fail(SdpError::kMalformed);
    if (*id > 255) return {};  // 4096… stand for ids to be chosen (RFC 8285 §6)
    if (std::ranges::find(out.extensions, uri, &ExtMap::uri) != out.extensions.end()) return {};
    if (out.extensions.size() == kMaxExtensions) return fail(SdpError::kTooMany);
    out.extensions.push_back({static_cast<std::uint8_t>(*id), std::string(uri)});
    return {};
}

Outcome read_ssrc(std::string_view value, MediaSection& out) {
    const auto ssrc = parse_decimal<std::uint32_t>(next_token(value, ' '));
    if (!ssrc) return fail(SdpError::kMalformed);
    CONFAB_TRY(SsrcInfo* const info, find_or_add_ssrc(*ssrc, out));
    const std::string_view name = next_token(value, ':');
    if (name == "cname") {
        info->cname = value;
    } else if (name == "msid") {
        info->msid = split_msid(value);
    }
    return {};
}

Outcome read_ssrc_group(std::string_view value, MediaSection& out) {
    SsrcGroup group;
    group.semantics = next_token(value, ' ');
    while (!value.empty()) {
        const std::string_view text = next_token(value, ' ');
        if (text.empty()) continue;
        const auto ssrc = parse_decimal<std::uint32_t>(text);
        if (!ssrc) return fail(SdpError::kMalformed);
        if (group.ssrcs.size() == kMaxSsrcs) return fail(SdpError::kTooMany);
        group.ssrcs.push_back(*ssrc);
    }
    if (group.semantics.empty()) return fail(SdpError::kMalformed);
    if (out.ssrc_groups.size() == kMaxSsrcGroups) return fail(SdpError::kTooMany);
    out.ssrc_groups.push_back(std::move(group));
    return {};
}

Outcome read_rid(std::string_view value, MediaSection& out) {
    const std::string_view rid = without_pause_mark(next_token(value, ' '));
    const std::string_view direction = next_token(value, ' ');
    if (direction == "send") return add_rid(rid, out.send_rids);
    if (direction == "recv") return add_rid(rid, out.recv_rids);
    return {};
}

Outcome read_simulcast(std::string_view value, MediaSection& out) {
    value = trim(value);
    while (!value.empty()) {
        const std::string_view direction = next_token(value, ' ');
        const std::string_view list = next_token(value, ' ');
        if (direction == "send") {
            CONFAB_TRY_VOID(add_simulcast_list(list, out.simulcast_send));
        } else if (direction == "recv") {
            CONFAB_TRY_VOID(add_simulcast_list(list, out.simulcast_recv));
        }
    }
    return {};
}

void read_msid(std::string_view value, MediaSection& out) {
    if (!out.msid) out.msid = split_msid(value);
}

}  // namespace confab::sdp::detail
