// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Single values as text: reading for flags, environment and YAML, writing for dumps.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "config/options.h"

namespace confab::config {

// A duration as Go writes it, "1h2m3.5s"; units ns us µs ms s m h. A unit is needed: a bare 0 is
// refused (CFG-06). Parts below a microsecond are cut off.
std::optional<Duration> parse_duration(std::string_view text);
// "500ms", "1m30s", "0s".
std::string format_duration(Duration duration);

// "7882" or "50000-60000"; "" and "0" are the unset range.
std::optional<PortRange> parse_port_range(std::string_view text);

// Reads a scalar into its slot. The error says what was expected, for example "a whole number from
// 0 to 65535". Slots that are no scalars are refused. Nothing is written on error.
// Numbers may have single underscores between their digits, durations are not below 0.
Result<void, std::string> read_scalar(const Slot& slot, std::string_view text);
// The bounds and choices of the row for the value in the slot; error as above.
Result<void, std::string> check_bounds(const Option& option, const Slot& slot);

enum class Secrets { kShown, kRedacted };
inline constexpr std::string_view kRedacted = "<redacted>";
// The value in flow style on one line: what YAML reads back as the same value.
std::string format_value(const Slot& slot, Secrets secrets);
std::string format_number(double value);
// Text as a YAML and JSON string in double quotes.
std::string quote(std::string_view text);

// The default of the row in the form of format_value().
std::string default_value(const Option& option);

// True for 0, false, "" and what is empty: under a deprecated name that meant "not set" (CFG-05).
bool says_nothing(const Slot& slot);

// Storage for rows without a member.
struct Scratch {
    bool boolean = false;
    std::uint16_t uint16 = 0;
    std::uint32_t uint32 = 0;
    std::int32_t int32 = 0;
    double number = 0;
    Duration duration;
    std::string text;
    SecretText secret;
    PortRange ports;
    std::vector<std::string> texts;
    std::vector<Duration> durations;
    std::map<std::string, std::string> text_map;
    StringLists text_lists;
    KeySecrets keys;
    std::vector<TurnServer> turn_servers;
    std::vector<Codec> codecs;
    JsonByName trees;
    JsonList tree_list;
};
Slot scratch_slot(Kind kind, Scratch& scratch);
// The member of the row, or scratch space of its kind.
Slot slot_of(const Option& option, Config& config, Scratch& scratch);
// The kind of the row, also if it has a member.
Kind kind_of(const Option& option);

}  // namespace confab::config
