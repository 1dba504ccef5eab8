// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Every setting is declared once, as a row of the table in rows/ (07 §10.2). Parser, flags,
// environment, sample file and reference are made from these rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace confab::config {

// Where a value goes; which alternative it is says the type of the setting.
using Slot = std::variant<std::monostate, bool*, std::uint16_t*, std::uint32_t*, std::int32_t*,
                          double*, Duration*, std::string*, SecretText*, PortRange*,
                          std::vector<std::string>*, std::vector<Duration>*,
                          std::map<std::string, std::string>*, StringLists*, KeySecrets*,
                          std::vector<TurnServer>*, std::vector<Codec>*, JsonByName*, JsonList*>;

enum class Kind : std::uint8_t {  // in the order of Slot
    kNone,
    kBool,
    kUint16,
    kUint32,
    kInt32,
    kFloat,
    kDuration,
    kString,
    kSecret,
    kPortRange,
    kStrings,
    kDurations,
    kStringMap,
    kStringLists,
    kKeys,
    kTurnServers,
    kCodecs,
    kJsonByName,
    kJsonList,
};
constexpr Kind kind_of(const Slot& slot) {
    return static_cast<Kind>(slot.index());
}
// Kinds with one value: only these have a flag and an environment variable (CLI-02).
constexpr bool is_scalar(Kind kind) {
    return kind > Kind::kNone && kind <= Kind::kPortRange;
}

enum class Status : std::uint8_t {
    kUsed,
    kLater,       // valid and checked, but this release does nothing with it
    kOther,       // valid and checked; confab does otherwise what it tunes, `help` says how
    kDeprecated,  // `instead` names the key to use; without one it has no effect
};

inline constexpr std::string_view kNoEntries = "-";  // an empty map is all there can be

struct Option {
    std::string_view path;  // "rtc.tcp_port"
    Kind kind = Kind::kNone;
    std::string_view help;            // one sentence without full stop
    Slot (*slot)(Config&) = nullptr;  // null: the value is checked and dropped
    std::string_view
        default_text{};  // without slot: as YAML; with slot: shown instead of the value
    Status status = Status::kUsed;
    std::string_view instead{};
    std::string_view flag{};     // a second flag, "node-ip"
    std::string_view env{};      // a second variable, "NODE_IP"
    std::string_view choices{};  // "any|cpuload"
    std::string_view entries{};  // of trees: the keys of each entry, "name|lat"; kNoEntries
    double min = 0;              // both 0 = no bounds beside those of the type
    double max = 0;
    bool live = false;  // a reload makes it hold without a restart

    constexpr Option named(std::string_view second_flag, std::string_view variable = {}) const {
        Option o = *this;
        o.flag = second_flag;
        o.env = variable;
        return o;
    }
    constexpr Option range(double low, double high) const {
        Option o = *this;
        o.min = low;
        o.max = high;
        return o;
    }
    constexpr Option one_of(std::string_view values) const {
        Option o = *this;
        o.choices = values;
        return o;
    }
    constexpr Option with_entries(std::string_view names) const {
        Option o = *this;
        o.entries = names;
        return o;
    }
    constexpr Option shown(std::string_view text) const {
        Option o = *this;
        o.default_text = text;
        return o;
    }
    constexpr Option reloaded() const {
        Option o = *this;
        o.live = true;
        return o;
    }
    constexpr Option later() const {
        Option o = *this;
        o.status = Status::kLater;
        return o;
    }
    constexpr Option replaced_by(std::string_view key) const {
        Option o = *this;
        o.status = Status::kDeprecated;
        o.instead = key;
        return o;
    }
};

// A field of the elements of a list, by the same rules.
template <typename T>
struct Field {
    std::string_view name;
    std::string_view help;
    Slot (*slot)(T&) = nullptr;
};

// All rows; those of a section stand together.
std::span<const Option> options();
// LiveKit's configuration does not have it.
constexpr bool is_own(const Option& option) {
    return option.path.starts_with("confab.") || option.path.starts_with("tls.");
}
// Null if there is no such key.
const Option* find_option(std::string_view path);
// True for "rtc" and "rtc.pli_throttle": a key with keys below it.
bool is_section(std::string_view path);
// The names directly below a section, "" for the top, each once.
std::vector<std::string_view> child_names(std::string_view section);

std::span<const Field<TurnServer>> turn_server_fields();
std::span<const Field<Codec>> codec_fields();

// "LIVEKIT_RTC_TCP_PORT"; of our own "CONFAB_WORKERS", "CONFAB_TLS_DOMAIN".
std::string env_name(const Option& option);
// The default as one line of YAML.
std::string default_text(const Option& option);

// Why a value other than the default is as good as none; empty: it is not.
std::string ignored_because(const Option& option);

// What upstream calls the type in its error texts, for example "time.Duration".
std::string_view type_name(Kind kind);

}  // namespace confab::config
