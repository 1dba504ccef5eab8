// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What tokens the demo page gets (DEMO-02, DEMO-03). A meeting is a room whose guests wait in
// another room, its lobby, without any right until somebody who administers the meeting asks for a
// token for them. Nothing is remembered: the name of a room says what it is ("NAME~ID",
// "NAME~ID~lobby"), and a token with roomAdmin for it who is its host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/json.h"
#include "token/grants.h"

namespace confab::control {

// Octets of what nobody may guess: of a meeting's name, and of a guest's identity.
inline constexpr std::size_t kMeetingIdBytes = 8;
inline constexpr std::size_t kGuestIdBytes = 6;

enum class RoomKind : std::uint8_t {
    kOpen,      // everybody may join
    kMeeting,   // "standup~0123456789abcdef"
    kReserved,  // another name with "~"; a lobby is one of them
};
RoomKind kind_of_room(std::string_view name);
std::string lobby_of(std::string_view meeting);

struct TokenRequest {
    std::string room;
    std::string identity;  // the name, if none was given
    std::string name;
    std::string metadata;
    bool lobby = false;    // open a new meeting, as its host
    bool admit = false;    // a host asks for somebody who waits, whose identity this is
    std::string host_key;  // a token; in the body, since proxies have their own use of headers
};

struct TokenAnswer {
    std::string room;      // of the meeting; empty: an open room
    bool waiting = false;  // the token is for the lobby
    token::Grants participant;
    // Of a host: to come back as one and to let in; to see and to refuse who waits.
    std::optional<token::Grants> host_key;
    std::optional<token::Grants> lobby_key;
};

struct TokenRefusal {
    int status = 0;
    std::string text;
};

// {room_name, participant_name, participant_identity, participant_metadata, lobby, admit,
// host_key}.
Result<TokenRequest, TokenRefusal> parse_token_request(const json::Value* body);

// `bearer`: whose host_key it is, which was verified; null: there is none.
// `meeting_id`, `guest_id`: unpredictable hexadecimal digits for this answer alone.
Result<TokenAnswer, TokenRefusal> answer_token_request(const TokenRequest& request,
                                                       const token::Grants* bearer,
                                                       std::string_view meeting_id,
                                                       std::string_view guest_id);

}  // namespace confab::control
