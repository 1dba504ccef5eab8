// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The offer of a WHIP client (RFC 9725 §4.2), and the tracks it publishes. Such a client announces
// nothing: its tracks are made up from the sections that send (01 CON-62).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_types.h"
#include "base/result.h"
#include "livekit_rtc.pb.h"
#include "rtc/sdp/description/description.h"

namespace confab::api {

inline constexpr std::size_t kMaxWhipBody = 1024 * 1024;  // CON-60
// Sections that send; an encoder has two or three.
inline constexpr std::size_t kMaxWhipTracks = 16;

struct WhipOffer {
    sdp::Description description;
    std::vector<livekit::AddTrackRequest> tracks;
    std::size_t receiving = 0;  // sections that take something back
};

// What the session part and a section that is not rejected need for a connection. The error is for
// the client: 400, or 413 beyond kMaxWhipBody.
Result<WhipOffer, HttpError> read_whip_offer(std::string_view body);

// The same offer with other ICE credentials and candidates: an ICE restart (RFC 9725 §4.3.2).
struct WhipIce {
    std::string ufrag;
    std::string pwd;
    std::vector<std::string> candidates;  // behind "candidate:"
};
// RFC 8839 §5.4: 4 to 256 characters, and 22 to 256.
bool is_ufrag(std::string_view text);
bool is_ice_pwd(std::string_view text);
std::string restarted_offer(sdp::Description description, const WhipIce& ice);

}  // namespace confab::api
