// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The header X-LiveKit-ClientInfo of a WHIP request (01 CON-62): whom the sender speaks for, and
// the tracks that have to be in the answer, since there is no second one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_types.h"
#include "base/result.h"

namespace confab::api {

inline constexpr std::string_view kWhipClientInfo = "X-LiveKit-ClientInfo";
inline constexpr std::size_t kMaxAwaitedTracks = 16;  // sections of an offer are no more

struct WhipTrackName {
    std::string identity;
    std::string track;
    bool operator==(const WhipTrackName&) const = default;
};

struct WhipClientInfo {
    std::string client_address;  // empty: that of the request
    std::vector<WhipTrackName> awaited;
};

// JSON {clientIp, subscribedParticipantTrackNames: {identity: [track names]}}; an empty text says
// nothing. The error is for the client: 400.
Result<WhipClientInfo, HttpError> read_whip_client_info(std::string_view header);

}  // namespace confab::api
