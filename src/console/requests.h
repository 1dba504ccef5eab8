// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a page asks for, within bounds. What is left out or makes no sense has its default: a page
// that asks for too much gets the most there is.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/query.h"
#include "base/time.h"

namespace confab::console {

inline constexpr std::size_t kMaxBody = 4096;  // of those read here
inline constexpr std::size_t kMaxSearch = 256;

// Either a key with its secret, or a password.
struct SignInBody {
    std::string key;
    std::string secret;
    std::string password;
};
std::optional<SignInBody> parse_sign_in(std::string_view body);

struct ReplayBody {
    std::string id;
    std::string url;  // one receiver's; empty: of all that got it
};
std::optional<ReplayBody> parse_replay(std::string_view body);

enum class RoomOrder : std::uint8_t { kName, kParticipants, kCreated, kTracks };
struct RoomsQuery {
    static constexpr std::size_t kUsual = 100;
    static constexpr std::size_t kMost = 2000;
    std::string search;
    RoomOrder order = RoomOrder::kName;
    bool descending = false;
    std::size_t offset = 0;
    std::size_t limit = kUsual;
};
RoomsQuery rooms_query(const api::QueryParams& query);

// Of the past, up to now where nothing else is said.
struct Range {
    UnixTime from;
    UnixTime to;
};
struct HistoryQuery {
    static constexpr std::size_t kUsual = 300;
    static constexpr std::size_t kMost = 2000;
    Range range;
    std::size_t points = kUsual;
};
HistoryQuery history_query(const api::QueryParams& query, UnixTime now);

struct SessionsQuery {
    static constexpr std::size_t kUsual = 100;
    static constexpr std::size_t kMost = 1000;
    std::string room;      // a key (token/room_key.h); empty: any
    std::string identity;  // empty: any
    Range range;           // that they began in
    std::size_t offset = 0;
    std::size_t limit = kUsual;
};
SessionsQuery sessions_query(const api::QueryParams& query, UnixTime now);

struct EventsQuery {
    static constexpr std::size_t kUsual = 100;
    static constexpr std::size_t kMost = 1000;
    UnixTime before;
    std::string kind;  // empty: any
    std::size_t limit = kUsual;
};
EventsQuery events_query(const api::QueryParams& query, UnixTime now);

std::size_t webhooks_limit(const api::QueryParams& query);

// The room that a page means: its name, and whose it is where that is not the operator's.
std::string room_key_of(const api::QueryParams& query, std::string_view name);

}  // namespace confab::console
