// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The m= line (RFC 8866 §5.14) and the attributes of a section that are not about RTP payloads:
// BUNDLE (RFC 8843), ICE candidates (RFC 8839 §5.1), SCTP (RFC 8841 §5, §6).
#include <algorithm>
#include <limits>

#include "base/text.h"
#include "rtc/sdp/description/attributes.h"
#include "rtc/sdp/description/attributes_common.h"

namespace confab::sdp::detail {
namespace {

Kind read_kind(std::string_view media) {
    for (const Kind kind : {Kind::kAudio, Kind::kVideo, Kind::kApplication})
        if (media == to_text(kind)) return kind;
    return Kind::kOther;
}

Outcome read_formats(std::string_view formats, MediaSection& out) {
    while (!formats.empty()) {
        const std::string_view format = next_token(formats, ' ');
        if (format.empty()) continue;
        if (out.codecs.size() + out.formats.size() == kMaxCodecs) return fail(SdpError::kTooMany);
        if (!out.is_rtp()) {
            out.formats.emplace_back(format);
            continue;
        }
        const auto pt = parse_decimal<std::uint8_t>(format);
        if (!pt || *pt > 127) return fail(SdpError::kMalformed);
        if (find_codec(out, *pt) != nullptr) continue;
        out.codecs.emplace_back().pt = *pt;
    }
    return {};
}

// Payload types that need no a=rtpmap (RFC 3551 §6), as far as anybody sends them.
void name_static_payload_type(Codec& codec) {
    switch (codec.pt) {
        case 0:
            codec.name = "PCMU";
            break;
        case 8:
            codec.name = "PCMA";
            break;
        case 9:
            codec.name = "G722";
            break;
        default:
            return;
    }
    codec.clock_rate = 8000;
}

bool read_direction(std::string_view name, MediaSection& out) {
    for (const Direction d :
         {Direction::kSendRecv, Direction::kSendOnly, Direction::kRecvOnly, Direction::kInactive}) {
        if (name != to_text(d)) continue;
        out.direction = d;
        return true;
    }
    return false;
}

bool read_flag(std::string_view name, MediaSection& out) {
    if (read_direction(name, out)) return true;
    if (name == "bundle-only") {
        out.bundle_only = true;
    } else if (name == "rtcp-mux") {
        out.rtcp_mux = true;
    } else if (name == "rtcp-rsize") {
        out.rtcp_rsize = true;
    } else if (name == "end-of-candidates") {
        out.end_of_candidates = true;
    } else {
        return false;
    }
    return true;
}

Outcome read_mid(std::string_view value, MediaSection& out) {
    if (value.empty() || value.size() > kMaxMidBytes || value.find(' ') != std::string_view::npos)
        return fail(SdpError::kMalformed);
    out.mid = value;
    return {};
}

Outcome read_candidate(std::string_view value, MediaSection& out) {
    if (out.candidates.size() == kMaxCandidates) return fail(SdpError::kTooMany);
    out.candidates.emplace_back(value);
    return {};
}

Outcome read_sctp(std::string_view name, std::string_view value, MediaSection& out) {
    if (name == "sctp-port") {
        out.sctp_port = parse_decimal<std::uint16_t>(value);
        if (!out.sctp_port) return fail(SdpError::kMalformed);
        return {};
    }
    const auto size = parse_decimal<std::uint64_t>(value);
    if (!size) return fail(SdpError::kMalformed);
    constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
    out.max_message_size = static_cast<std::uint32_t>(std::min(*size, kLargest));
    return {};
}

// Names that only RTP sections have.
Outcome read_rtp_attribute(std::string_view name, std::string_view value, MediaSection& out,
                           SectionExtras& extras) {
    if (name == "rtpmap") return read_rtpmap(value, out);
    if (name == "fmtp") return read_fmtp(value, out);
    if (name == "rtcp-fb") return read_rtcp_fb(value, out, extras);
    if (name == "extmap") return read_extmap(value, out);
    if (name == "ssrc") return read_ssrc(value, out);
    if (name == "ssrc-group") return read_ssrc_group(value, out);
    if (name == "rid") return read_rid(value, out);
    if (name == "simulcast") return read_simulcast(value, out);
    if (name == "msid") read_msid(value, out);
    return {};
}

}  // namespace

Result<MediaSection, SdpError> read_media_line(std::string_view value) {
    MediaSection section;
    section.media = next_token(value, ' ');
    section.kind = read_kind(section.media);
    std::string_view port_text = next_token(value, ' ');
    const auto port = parse_decimal<std::uint16_t>(next_token(port_text, '/'));
    section.protocol = next_token(value, ' ');
    if (section.media.empty() || !port || section.protocol.empty())
        return fail(SdpError::kMalformed);
    section.port = *port;
    section.connection.clear();
    CONFAB_TRY_VOID(read_formats(value, section));
    return section;
}

Outcome read_section_attribute(std::string_view name, std::string_view value, MediaSection& out,
                               SectionExtras& extras) {
    if (read_flag(name, out)) return {};
    if (name == "mid") return read_mid(value, out);
    if (name == "candidate") return read_candidate(value, out);
    if (name == "fingerprint") return read_fingerprint(value, out.fingerprints);
    if (name == "sctp-port" || name == "max-message-size") return read_sctp(name, value, out);
    if (name == "ice-ufrag") {
        out.ufrag = value;
    } else if (name == "ice-pwd") {
        out.pwd = value;
    } else if (name == "setup") {
        out.setup = read_setup(value);
    } else if (out.is_rtp()) {
        return read_rtp_attribute(name, value, out, extras);
    }
    return {};
}

Outcome finish_section(MediaSection& section, const SectionExtras& extras) {
    if (section.rejected()) section.codecs.clear();  // its format list is a mere filler
    for (Codec& codec : section.codecs) {
        if (codec.name.empty() && section.kind == Kind::kAudio) name_static_payload_type(codec);
        for (const std::string& value : extras.wildcard_feedback) {
            if (has_feedback(codec, value)) continue;
            if (codec.feedback.size() == kMaxFeedback) return fail(SdpError::kTooMany);
            codec.feedback.push_back(value);
        }
    }
    std::erase_if(section.codecs, [](const Codec& codec) { return codec.name.empty(); });
    return {};
}

}  // namespace confab::sdp::detail
