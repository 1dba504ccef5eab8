// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/routes/meeting_tokens.h"

#include <algorithm>
#include <utility>

namespace confab::control {
namespace {

constexpr char kMark = '~';
constexpr std::string_view kLobby = "~lobby";
constexpr std::string_view kHostIdentity = "host";

bool is_id(std::string_view text) {
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return text.size() == 2 * kMeetingIdBytes && std::all_of(text.begin(), text.end(), is_hex);
}

token::Grants participant_of(const TokenRequest& request, const std::string& room) {
    token::Grants grants;
    grants.identity = request.identity;
    grants.name = request.name;
    grants.metadata = request.metadata;
    grants.video.emplace();
    grants.video->room_join = true;
    grants.video->room = room;
    grants.video->can_update_own_metadata = true;
    return grants;
}

// Nothing is sent to it, nothing taken from it, and the others who wait do not see it.
token::Grants waiting(const TokenRequest& request, std::string_view guest_id) {
    token::Grants grants = participant_of(request, lobby_of(request.room));
    // Its own choice alone could be the name of somebody in the meeting.
    grants.identity += "-" + std::string(guest_id);
    grants.video->can_publish = false;
    grants.video->can_publish_data = false;
    grants.video->can_subscribe = false;
    grants.video->can_update_own_metadata = false;
    grants.video->hidden = true;
    return grants;
}

// Administers a room without being able to join it.
token::Grants key_of(const std::string& room) {
    token::Grants grants;
    grants.identity = kHostIdentity;
    grants.video.emplace();
    grants.video->room_admin = true;
    grants.video->room = room;
    return grants;
}

TokenAnswer as_host(const TokenRequest& request, const std::string& room) {
    TokenAnswer answer{room, false, participant_of(request, room), key_of(room),
                       key_of(lobby_of(room))};
    answer.participant.video->room_admin = true;
    return answer;
}

// Tokens of tenants are for rooms of theirs, whatever these are called.
bool is_host(const token::Grants& bearer, const std::string& room) {
    return bearer.tenant.empty() && bearer.video && bearer.video->room_admin &&
           bearer.video->room == room;
}

tl::unexpected<TokenRefusal> refusal(int status, std::string text) {
    return tl::make_unexpected(TokenRefusal{status, std::move(text)});
}

}  // namespace

RoomKind kind_of_room(std::string_view name) {
    const std::size_t mark = name.find(kMark);
    if (mark == name.npos) return RoomKind::kOpen;
    return mark > 0 && is_id(name.substr(mark + 1)) ? RoomKind::kMeeting : RoomKind::kReserved;
}

std::string lobby_of(std::string_view meeting) {
    return std::string(meeting).append(kLobby);
}

Result<TokenRequest, TokenRefusal> parse_token_request(const json::Value* body) {
    if (body == nullptr || body->kind != json::Kind::kObject)
        return refusal(400, "the body must be a JSON object with room_name");
    const auto text = [&](std::string_view name) {
        const json::Value* member = body->find(name);
        return member != nullptr && member->kind == json::Kind::kString ? member->string
                                                                        : std::string();
    };
    const auto is_set = [&](std::string_view name) {
        const json::Value* member = body->find(name);
        return member != nullptr && member->kind == json::Kind::kBool && member->boolean;
    };
    TokenRequest request{text("room_name"),        text("participant_identity"),
                         text("participant_name"), text("participant_metadata"),
                         is_set("lobby"),          is_set("admit"),
                         text("host_key")};
    if (request.identity.empty()) request.identity = request.name;
    if (request.room.empty() || request.identity.empty())
        return refusal(400, "room_name and participant_name are needed");
    return request;
}

Result<TokenAnswer, TokenRefusal> answer_token_request(const TokenRequest& request,
                                                       const token::Grants* bearer,
                                                       std::string_view meeting_id,
                                                       std::string_view guest_id) {
    const RoomKind kind = kind_of_room(request.room);
    if (kind == RoomKind::kReserved || (request.lobby && kind != RoomKind::kOpen))
        return refusal(400, "a room_name with ~ is that of a meeting, which is opened with lobby");
    if (request.lobby) return as_host(request, request.room + kMark + std::string(meeting_id));
    if (kind == RoomKind::kOpen)
        return TokenAnswer{{}, false, participant_of(request, request.room), {}, {}};
    if (bearer == nullptr && !request.admit)
        return TokenAnswer{request.room, true, waiting(request, guest_id), {}, {}};
    if (bearer == nullptr || !is_host(*bearer, request.room))
        return refusal(403, "this host_key does not make a host of this meeting");
    if (!request.admit) return as_host(request, request.room);
    return TokenAnswer{request.room, false, participant_of(request, request.room), {}, {}};
}

}  // namespace confab::control
