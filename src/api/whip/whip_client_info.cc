// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/whip/whip_client_info.h"

#include <algorithm>
#include <utility>

#include "json/json.h"

namespace confab::api {
namespace {

using Names = std::vector<WhipTrackName>;

tl::unexpected<HttpError> malformed(std::string_view what) {
    return tl::make_unexpected(
        HttpError{400, "malformed json in client info header: " + std::string(what)});
}

Result<void, HttpError> add(Names& names, WhipTrackName name) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return {};
    if (names.size() == kMaxAwaitedTracks)
        return malformed("more than " + std::to_string(kMaxAwaitedTracks) + " tracks");
    names.push_back(std::move(name));
    return {};
}

Result<Names, HttpError> read_names(const json::Value& by_identity) {
    if (by_identity.kind != json::Kind::kObject)
        return malformed("subscribedParticipantTrackNames is no object");
    Names names;
    for (const json::Member& member : by_identity.members) {
        if (member.value.is_null()) continue;
        if (member.value.kind != json::Kind::kArray)
            return malformed("the tracks of a participant are no list");
        for (const json::Value& name : member.value.items) {
            if (name.kind != json::Kind::kString) return malformed("a track's name is no text");
            CONFAB_TRY_VOID(add(names, {member.name, name.string}));
        }
    }
    return names;
}

}  // namespace

Result<std::vector<WhipTrackName>, HttpError> read_whip_client_info(std::string_view header) {
    if (header.empty()) return Names{};
    if (header.size() > kMaxWhipClientInfo)
        return malformed("longer than " + std::to_string(kMaxWhipClientInfo) + " octets");
    const auto json = json::parse(header);
    if (!json || json->kind != json::Kind::kObject) return malformed("not an object");
    const json::Value* const address = json->find("clientIp");
    if (address != nullptr && !address->is_null() && address->kind != json::Kind::kString)
        return malformed("clientIp is no text");
    const json::Value* const names = json->find("subscribedParticipantTrackNames");
    if (names == nullptr || names->is_null()) return Names{};
    return read_names(*names);
}

}  // namespace confab::api
