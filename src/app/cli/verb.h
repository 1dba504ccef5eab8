// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A verb of the command line (05 section C), declared once: parsing, help, completion and
// docs/reference/cli.md follow from its row. Most verbs are one call of the API and need no code:
// flags fill the fields of the request, the answer is printed as the row says.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "app/commands/command_line.h"
#include "base/result.h"
#include "json/json.h"

namespace confab::app::cli {

class Call;

enum class Kind : std::uint8_t {
    kText,
    kName,    // a text whose flag takes templates: %t, %x … (LKC-06); of what is made, not found
    kNumber,  // a whole one, not below 0
    kBool,
    kList,   // repeatable, and split at commas
    kTexts,  // repeatable, as they are
};

// What completion offers for a value (LKC-08).
enum class Live : std::uint8_t {
    kNone,
    kRoom,
    kIdentity,
    kTrack,
    kDispatch,
    kEgress,
    kIngress,
    kInboundTrunk,
    kOutboundTrunk,
    kRule,
    kProject,
    kFile,
};

struct Param {
    // As CLI11 takes them, "-r,--room,room": short, long and positional form of one value.
    std::string_view names;
    std::string_view help;
    // Where it goes in the request, "trunk.auth_username"; empty: the verb reads it itself.
    std::string_view field = {};
    Kind kind = Kind::kText;
    bool required = false;
    bool hidden = false;
    Live live = Live::kNone;
    std::string_view choices = {};  // with commas: one of these

    // By this the verb finds the value: the long name, else the positional one.
    std::string_view key() const;
    bool has_flag() const { return names.find("--") != std::string_view::npos; }
    std::string_view positional() const;  // empty: it has none
    std::string_view long_name() const;   // without dashes
    std::string_view short_name() const;  // without dash
};

// Of a table: `path` of each item in camelCase, or what `text` makes of the item.
struct Column {
    std::string_view head;
    std::string_view path;
    std::string_view otherwise = {};  // where there is nothing
    std::string (*text)(const json::Value& item) = nullptr;
};

// What the token of a call carries (01 section 2): of these, bits.
namespace grant {
inline constexpr unsigned kCreate = 1, kList = 2, kAdmin = 4, kRecord = 8, kIngress = 16,
                          kSipAdmin = 32, kSipCall = 64;
}

using Prototype = const google::protobuf::Message& (*)();

// One call of the API. `service`: "livekit.RoomService/CreateRoom".
struct Api {
    std::string_view service = {};
    Prototype request = nullptr;
    Prototype response = nullptr;
    unsigned grants = 0;
};

enum class Shape : std::uint8_t {
    kNone,    // the verb prints by itself
    kList,    // a table of `items`
    kObject,  // JSON, or lines of `columns` where there are some
    kDone,    // a sentence; as JSON the answer
};

struct Print {
    Shape shape = Shape::kNone;
    std::string_view items = {};  // the field of the answer that is listed
    std::span<const Column> columns = {};
    std::string_view sentence = {};  // "room {room} is deleted"; also before an object's JSON
    // What lk says of it instead, when we are called so.
    std::string (*as_lk)(const json::Value& answer) = nullptr;
};

// Completes or checks the request before it goes.
using Prepare = Result<void, std::string> (*)(Call& call, google::protobuf::Message& request);
using Run = Outcome (*)(Call& call);

struct Verb {
    std::string_view group;  // "room participants"; empty: none
    std::string_view name;
    std::string_view help;
    std::string_view examples;  // lines, without their indent
    std::span<const Param> params;
    Api api = {};
    Print print = {};
    Prepare prepare = nullptr;
    Run run = nullptr;                // instead of `api`
    std::string_view old_names = {};  // flat ones of upstream, with commas (LKC-09)
    bool hidden = false;
    bool takes_anything = false;  // whatever is behind it is no mistake
};

struct Group {
    std::string_view path;  // "room participants"
    std::string_view help;
    std::string_view other_names = {};  // with commas
    bool hidden = false;
};

template <typename Message>
const google::protobuf::Message& prototype() {
    return Message::default_instance();
}

}  // namespace confab::app::cli
