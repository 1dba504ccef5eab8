// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/scope/room_codecs.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace confab::room {
namespace {

constexpr std::string_view kRtx = "video/rtx";

RoomCodecs::Shown shown_of(const CodecList& list) {
    RoomCodecs::Shown result;
    for (const sdp::EnabledCodec& codec : list) {
        livekit::Codec& shown = *result.Add();
        shown.set_mime(codec.mime);
        shown.set_fmtp_line(codec.fmtp);
    }
    return result;
}

}  // namespace

CodecList default_codecs() {
    CodecList result;
    for (const char* mime : {"audio/PCMU", "audio/PCMA", "audio/opus", "audio/red", "video/VP8",
                             "video/H264", "video/VP9", "video/AV1", "video/H265"})
        result.push_back({mime, ""});
    result.push_back({std::string(kRtx), ""});
    return result;
}

void RoomCodecs::use(CodecList configured) {
    if (configured.empty()) configured = default_codecs();
    if (std::ranges::find(configured, kRtx, &sdp::EnabledCodec::mime) == configured.end())
        configured.push_back({std::string(kRtx), ""});
    const auto known = std::ranges::find(lists_, configured);
    current_ = static_cast<std::size_t>(known - lists_.begin());
    if (known != lists_.end()) return;
    shown_.push_back(shown_of(configured));
    lists_.push_back(std::move(configured));
}

}  // namespace confab::room
