// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/whip/whip_client_info.h"

#include <utility>

#include "base/net_address.h"
#include "json/json.h"

namespace confab::api {
namespace {

tl::unexpected<HttpError> malformed(std::string_view what) {
    return tl::make_unexpected(
        HttpError{400, "malformed json in client info header: " + std::string(what)});
}

Result<std::vector<WhipTrackName>, HttpError> read_awaited(const json::Value& by_identity) {
    if (by_identity.kind != json::Kind::kObject)
        return malformed("subscribedParticipantTrackNames is no object");
    std::vector<WhipTrackName> awaited;
    for (const json::Member& member : by_identity.members) {
        if (member.value.kind != json::Kind::kArray)
            return malformed("the tracks of a participant are no list");
        for (const json::Value& name : member.value.items) {
            if (name.kind != json::Kind::kString) return malformed("a track's name is no text");
            if (awaited.size() == kMaxAwaitedTracks)
                return malformed("more than " + std::to_string(kMaxAwaitedTracks) + " tracks");
            awaited.push_back({member.name, name.string});
        }
    }
    return awaited;
}

}  // namespace

Result<WhipClientInfo, HttpError> read_whip_client_info(std::string_view header) {
    WhipClientInfo info;
    if (header.empty()) return info;
    const auto json = json::parse(header);
    if (!json || json->kind != json::Kind::kObject) return malformed("not an object");
    if (const json::Value* address = json->find("clientIp");
        address != nullptr && !address->is_null()) {
        if (address->kind != json::Kind::kString) return malformed("clientIp is no text");
        if (IpAddress::parse(address->string)) info.client_address = address->string;
    }
    if (const json::Value* tracks = json->find("subscribedParticipantTrackNames");
        tracks != nullptr && !tracks->is_null()) {
        CONFAB_TRY(info.awaited, read_awaited(*tracks));
    }
    return info;
}

}  // namespace confab::api
