// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What of a room's codecs a client may publish (01 SIG-103, SIG-104), and the way between mime
// types and sfu::Codec.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "room/scope/room_codecs.h"
#include "room/scope/types.h"

namespace confab::room {

// kNone for anything unknown; case does not matter, "video/vp8".
sfu::Codec codec_of(std::string_view mime);
// "vp8" of "video/VP8", as subscribed_quality_update names codecs.
std::string short_name(std::string_view mime);
bool is_svc_codec(std::string_view mime);

// What join tells a client it may publish: VP8, H264, other video, audio; without rtx and without
// those its device cannot encode.
std::vector<livekit::Codec> publish_codecs(const CodecList& enabled,
                                           const sdp::ClientTraits& client);
// The same as a list to look codecs up in.
CodecList publishable(const CodecList& enabled, const sdp::ClientTraits& client);
// The mime type for a codec named in add_track ("vp8", "video/vp8"), lower case; when it is not
// enabled, the first enabled of that kind. Empty stays the empty string.
std::string resolve_codec(const CodecList& enabled, std::string_view name, livekit::TrackType type);

}  // namespace confab::room
