// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The header X-LiveKit-ClientInfo of a WHIP request (01 CON-62): the tracks that have to be in the
// answer, since there is no second one. It may name the address of whoever the sender speaks for,
// which nothing here uses: anybody could write any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_types.h"
#include "base/result.h"

namespace confab::api {

inline constexpr std::string_view kWhipClientInfo = "X-LiveKit-ClientInfo";
inline constexpr std::size_t kMaxAwaitedTracks = 16;  // sections of an offer are no more
inline constexpr std::size_t kMaxWhipClientInfo = 16 * 1024;

struct WhipTrackName {
    std::string identity;  // of who publishes it
    std::string track;
    bool operator==(const WhipTrackName&) const = default;
};

// JSON {clientIp, subscribedParticipantTrackNames: {identity: [track names]}}: each of the names
// once. An empty text names none. The error is for the client: 400.
Result<std::vector<WhipTrackName>, HttpError> read_whip_client_info(std::string_view header);

}  // namespace confab::api
