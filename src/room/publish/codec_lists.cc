// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/publish/codec_lists.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace confab::room {
namespace {

constexpr std::array<std::pair<std::string_view, sfu::Codec>, 9> kCodecs{{
    {"audio/opus", sfu::Codec::kOpus},
    {"audio/red", sfu::Codec::kRed},
    {"audio/pcmu", sfu::Codec::kPcmu},
    {"audio/pcma", sfu::Codec::kPcma},
    {"video/vp8", sfu::Codec::kVp8},
    {"video/vp9", sfu::Codec::kVp9},
    {"video/h264", sfu::Codec::kH264},
    {"video/h265", sfu::Codec::kH265},
    {"video/av1", sfu::Codec::kAv1},
}};

bool contains(const std::vector<std::string>& mimes, std::string_view mime) {
    return std::any_of(mimes.begin(), mimes.end(),
                       [&](const std::string& m) { return equals_ignore_case(m, mime); });
}

constexpr int kLastRank = 3;
int publish_rank(std::string_view mime) {
    if (equals_ignore_case(mime, "video/VP8")) return 0;
    if (equals_ignore_case(mime, "video/H264")) return 1;
    return mime.starts_with("video/") ? 2 : kLastRank;
}

}  // namespace

sfu::Codec codec_of(std::string_view mime) {
    for (const auto& [name, codec] : kCodecs)
        if (equals_ignore_case(name, mime)) return codec;
    return sfu::Codec::kNone;
}

std::string short_name(std::string_view mime) {
    const std::size_t slash = mime.find('/');
    return to_lower(slash == std::string_view::npos ? mime : mime.substr(slash + 1));
}

bool is_svc_codec(std::string_view mime) {
    const sfu::Codec codec = codec_of(mime);
    return codec == sfu::Codec::kVp9 || codec == sfu::Codec::kAv1;
}

std::vector<livekit::Codec> publish_codecs(const CodecList& enabled,
                                           const sdp::ClientTraits& client) {
    std::vector<livekit::Codec> result;
    for (int rank = 0; rank <= kLastRank; ++rank) {
        for (const sdp::EnabledCodec& codec : enabled) {
            if (publish_rank(codec.mime) != rank) continue;
            if (equals_ignore_case(codec.mime, "video/rtx")) continue;
            if (contains(client.disabled_codecs, codec.mime)) continue;
            if (contains(client.disabled_publish_codecs, codec.mime)) continue;
            livekit::Codec& shown = result.emplace_back();
            shown.set_mime(codec.mime);
            shown.set_fmtp_line(codec.fmtp);
        }
    }
    return result;
}

CodecList publishable(const CodecList& enabled, const sdp::ClientTraits& client) {
    CodecList result;
    for (const livekit::Codec& codec : publish_codecs(enabled, client))
        result.push_back({codec.mime(), codec.fmtp_line()});
    return result;
}

std::string resolve_codec(const CodecList& enabled, std::string_view name,
                          livekit::TrackType type) {
    if (name.empty()) return {};
    const std::string kind = type == livekit::VIDEO ? "video/" : "audio/";
    std::string mime = to_lower(name);
    if (!mime.starts_with(kind)) mime = kind + mime;
    std::string first;
    for (const sdp::EnabledCodec& codec : enabled) {
        const std::string candidate = to_lower(codec.mime);
        if (!candidate.starts_with(kind) || candidate == "video/rtx") continue;
        if (candidate == mime) return mime;
        if (first.empty()) first = candidate;
    }
    return first.empty() ? mime : first;
}

}  // namespace confab::room
