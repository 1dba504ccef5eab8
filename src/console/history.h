// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is kept of the past, and what is asked of it. Rooms are named by their keys
// (token/room_key.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"

namespace confab::console {

// One minute of the node.
struct Minute {
    UnixTime at;  // its end
    std::int64_t participants = 0;
    std::int64_t rooms = 0;
    std::int64_t joins = 0;  // let in, in this minute
    std::int64_t refused = 0;
    double bytes_in = 0;  // per second, on average
    double bytes_out = 0;
    double cpu = 0;                 // of the processors, 0 … 1
    std::optional<double> quality;  // on average, 1 … 4.5; nothing: nobody was there
    bool operator==(const Minute&) const = default;
};

// A participant in a room, from its join to its end.
struct SessionStart {
    std::string room;
    std::string room_sid;
    std::string identity;
    std::string sid;
    UnixTime joined;
    std::string sdk;  // of its client, here and below; as far as it says so
    std::string sdk_version;
    std::string os;
    std::string browser;
    bool operator==(const SessionStart&) const = default;
};
struct SessionEnd {
    std::string sid;
    std::string room_sid;
    UnixTime left;
    std::string reason;
    std::string path;               // of its media: "udp", "tcp", "turn"; empty: there was none
    std::optional<double> quality;  // the last that was seen
    bool operator==(const SessionEnd&) const = default;
};

// What there can be.
inline constexpr std::string_view kEventKinds[] = {
    "room_started",     "room_finished",       "participant_joined",
    "participant_left", "participant_aborted", "join_refused",
    "action",           "signed_in",           "signed_out",
    "sign_in_refused",  "server_started",      "server_stopped"};

struct Event {
    UnixTime at;
    std::string kind;
    std::string text;
    std::string room;
    std::string identity;
    std::string who;  // of the console's users, who did it
    bool operator==(const Event&) const = default;
};

using HistoryWrite = std::variant<Minute, SessionStart, SessionEnd, Event>;

struct SessionRow {
    SessionStart start;
    std::optional<SessionEnd> end;
};
struct SessionPage {
    std::size_t total = 0;
    std::vector<SessionRow> rows;  // the newest first
};

}  // namespace confab::console
