// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Reading accepts what upstream's YAML library does for a typed field: the words of YAML 1.1 for
// truth values, numbers as Go writes them.
#include "config/yaml/value.h"

#include <array>
#include <cmath>
#include <type_traits>

#include "base/text.h"
#include "config/yaml/yaml_tree.h"

namespace confab::config {
namespace {

using Outcome = Result<void, std::string>;

Outcome expected(std::string text) {
    return tl::make_unexpected(std::move(text));
}

template <typename T>
std::string whole_number_text() {
    return "a whole number from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
           std::to_string(std::numeric_limits<T>::max());
}

Outcome read(bool& out, std::string_view text) {
    const std::string lower = to_lower(text);
    for (const std::string_view word : {"true", "yes", "on", "y", "t", "1"})
        if (lower == word) return out = true, Outcome{};
    for (const std::string_view word : {"false", "no", "off", "n", "f", "0"})
        if (lower == word) return out = false, Outcome{};
    return expected("true or false");
}

bool is_digit_at(std::string_view text, std::size_t at) {
    return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

// Without the underscores between digits: LiveKit's sample has 1_000_000_000.
std::string ungrouped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] != '_' || i == 0 || !is_digit_at(text, i - 1) || !is_digit_at(text, i + 1))
            out += text[i];
    return out;
}

// Takes what says the base away: 0x1F, 0o17, 0b11, and 017, which is 15.
int take_base(std::string_view& digits) {
    if (digits.size() < 2 || digits[0] != '0') return 10;
    constexpr std::pair<char, int> kBases[] = {{'x', 16}, {'o', 8}, {'b', 2}};
    for (const auto& [letter, base] : kBases) {
        if (digits[1] != letter && digits[1] != letter - 'a' + 'A') continue;
        digits.remove_prefix(2);
        return base;
    }
    return digits.find_first_not_of("01234567") == digits.npos ? 8 : 10;  // 08 is 8
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    const std::string plain = ungrouped(text);
    std::string_view digits = plain;
    const bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.remove_prefix(1);
    const int base = take_base(digits);
    std::int64_t value = 0;
    const char* const last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, value, base);
    if (error != std::errc{} || end != last || digits.front() == '-') return std::nullopt;
    return negative ? -value : value;
}

std::optional<double> number(std::string_view text) {
    if (const auto whole = whole_number(text)) return static_cast<double>(*whole);
    double value = 0;
    const std::string plain = ungrouped(text);
    if (plain.starts_with("+-")) return std::nullopt;
    const char* const first = plain.data() + (plain.starts_with('+') ? 1 : 0);
    const char* const last = plain.data() + plain.size();
    const auto [end, error] = std::from_chars(first, last, value);
    if (error != std::errc{} || end != last || !std::isfinite(value)) return std::nullopt;
    return value;
}

template <typename T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
Outcome read(T& out, std::string_view text) {
    const auto value = number(text);  // 1e3 is a whole one, too; 1.5 is none, upstream takes 1
    if (!value || *value != std::trunc(*value) || *value < std::numeric_limits<T>::min() ||
        *value > std::numeric_limits<T>::max())
        return expected(whole_number_text<T>());
    out = static_cast<T>(*value);
    return {};
}

Outcome read(double& out, std::string_view text) {
    const auto value = number(text);
    if (!value) return expected("a number");
    out = *value;
    return {};
}

Outcome read(Duration& out, std::string_view text) {
    const auto value = parse_duration(text);
    if (!value || *value < Duration::zero())
        return expected("a duration with its unit, for example 500ms, 2s or 0s");
    out = *value;
    return {};
}

Outcome read(std::string& out, std::string_view text) {
    out = text;
    return {};
}

Outcome read(SecretText& out, std::string_view text) {
    out = SecretText(text);
    return {};
}

Outcome read(PortRange& out, std::string_view text) {
    const auto value = parse_port_range(text);
    if (!value) return expected("a port or a range start-end, for example 7882 or 50000-60000");
    out = *value;
    return {};
}

std::string join(const std::vector<std::string>& items) {
    std::string text = "[";
    for (const std::string& item : items) {
        if (text.size() > 1) text += ", ";
        text += item;
    }
    return text + "]";
}

std::string braces(const std::vector<std::string>& items) {
    std::string text = join(items);
    text.front() = '{';
    text.back() = '}';
    return text;
}

std::string secret_text(const SecretText& secret, Secrets how) {
    if (secret.empty() || how == Secrets::kShown) return quote(secret.reveal());
    return quote(kRedacted);
}

// One overload per type of Slot.
struct Formatter {
    Secrets secrets;

    std::string operator()(std::monostate) const { return "~"; }
    std::string operator()(const bool* v) const { return *v ? "true" : "false"; }
    std::string operator()(const std::uint16_t* v) const { return std::to_string(*v); }
    std::string operator()(const std::uint32_t* v) const { return std::to_string(*v); }
    std::string operator()(const std::int32_t* v) const { return std::to_string(*v); }
    std::string operator()(const double* v) const { return format_number(*v); }
    std::string operator()(const Duration* v) const { return format_duration(*v); }
    std::string operator()(const std::string* v) const { return quote(*v); }
    std::string operator()(const SecretText* v) const { return secret_text(*v, secrets); }
    std::string operator()(const PortRange* v) const {
        if (v->start == v->end) return std::to_string(v->start);
        return std::to_string(v->start) + "-" + std::to_string(v->end);
    }
    std::string operator()(const std::vector<std::string>* v) const {
        std::vector<std::string> items;
        for (const std::string& item : *v)
            items.push_back(quote(item));
        return join(items);
    }
    std::string operator()(const std::vector<Duration>* v) const {
        std::vector<std::string> items;
        for (const Duration item : *v)
            items.push_back(format_duration(item));
        return join(items);
    }
    std::string operator()(const std::map<std::string, std::string>* v) const {
        std::vector<std::string> items;
        for (const auto& [name, value] : *v)
            items.push_back(quote(name) + ": " + quote(value));
        return braces(items);
    }
    std::string operator()(const StringLists* v) const {
        std::vector<std::string> items;
        for (const auto& [name, texts] : *v)
            items.push_back(quote(name) + ": " + (*this)(&texts));
        return braces(items);
    }
    std::string operator()(const KeySecrets* v) const {
        std::vector<std::string> items;
        for (const auto& [name, value] : *v)
            items.push_back(quote(name) + ": " + secret_text(value, secrets));
        return braces(items);
    }
    std::string operator()(const std::vector<TurnServer>* v) const {
        return elements(*v, turn_server_fields());
    }
    std::string operator()(const std::vector<Codec>* v) const {
        return elements(*v, codec_fields());
    }
    std::string operator()(const JsonByName* v) const {
        std::vector<std::string> items;
        items.reserve(v->items.size());
        for (const auto& [name, json] : v->items)
            items.push_back(quote(name) + ": " + tree_text(json));
        return braces(items);
    }
    std::string operator()(const JsonList* v) const {
        std::vector<std::string> items;
        items.reserve(v->items.size());
        for (const std::string& json : v->items)
            items.push_back(tree_text(json));
        return join(items);
    }
    std::string tree_text(const std::string& json) const {
        return secrets == Secrets::kShown ? json : without_secrets(json, quote(kRedacted));
    }

    template <typename T>
    std::string elements(const std::vector<T>& list, std::span<const Field<T>> fields) const {
        std::vector<std::string> items;
        for (const T& element : list) {
            T copy = element;  // slots are writable
            T empty;
            std::vector<std::string> members;
            for (const Field<T>& field : fields) {
                std::string text = format_value(field.slot(copy), secrets);
                if (text == format_value(field.slot(empty), secrets)) continue;
                members.push_back(std::string(field.name) + ": " + std::move(text));
            }
            items.push_back(braces(members));
        }
        return join(items);
    }
};

std::optional<double> number_in(const Slot& slot) {
    return std::visit(
        [](auto value) -> std::optional<double> {
            if constexpr (std::is_pointer_v<decltype(value)>) {
                using T = std::remove_pointer_t<decltype(value)>;
                if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)
                    return static_cast<double>(*value);
            }
            return std::nullopt;
        },
        slot);
}

}  // namespace

std::optional<PortRange> parse_port_range(std::string_view text) {
    std::string_view rest = text;
    const auto start = parse_decimal<std::uint16_t>(trim(next_token(rest, '-')));
    if (text.empty() || (start && *start == 0 && text.find('-') == text.npos)) return PortRange{};
    if (!start || *start == 0) return std::nullopt;
    if (text.find('-') == text.npos) return PortRange{*start, *start};
    const auto end = parse_decimal<std::uint16_t>(trim(rest));
    if (!end || *end < *start) return std::nullopt;
    return PortRange{*start, *end};
}

Result<void, std::string> read_scalar(const Slot& slot, std::string_view text) {
    return std::visit(
        [text](auto out) -> Outcome {
            if constexpr (std::is_pointer_v<decltype(out)>) {
                if constexpr (requires { read(*out, text); }) return read(*out, text);
            }
            return expected("a list or a map");
        },
        slot);
}

Result<void, std::string> check_bounds(const Option& option, const Slot& slot) {
    if (option.min != option.max) {
        const auto value = number_in(slot);
        if (value && (*value < option.min || *value > option.max))
            return expected("a number from " + format_number(option.min) + " to " +
                            format_number(option.max));
    }
    if (const auto* text = std::get_if<std::string*>(&slot);
        text != nullptr && !option.choices.empty()) {
        const auto choices = split(option.choices, '|');
        std::string list;
        for (const std::string_view choice : choices) {
            if (**text == choice) return {};
            list += (list.empty() ? "" : ", ") + std::string(choice);
        }
        return expected("one of " + list);
    }
    return {};
}

std::string format_value(const Slot& slot, Secrets secrets) {
    return std::visit(Formatter{secrets}, slot);
}

std::string format_number(double value) {
    std::array<char, 32> buffer{};
    // Whole numbers without exponent: they are read back into settings that are no floats.
    const bool whole = std::abs(value) < 1e15 && value == std::trunc(value);
    const auto end = whole ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                           std::chars_format::fixed)
                                 .ptr
                           : std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    return {buffer.data(), end};
}

std::string quote(std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (octet < 0x20 || octet == 0x7F) {
            out += "\\u00";
            out += kHex[octet >> 4];
            out += kHex[octet & 15];
        } else {
            out += c;
        }
    }
    return out + "\"";
}

bool says_nothing(const Slot& slot) {
    Scratch empty;
    return format_value(slot, Secrets::kShown) ==
           format_value(scratch_slot(kind_of(slot), empty), Secrets::kShown);
}

// tidy: dispatch
Slot scratch_slot(Kind kind, Scratch& s) {
    switch (kind) {
        case Kind::kNone:
            return std::monostate{};
        case Kind::kBool:
            return &s.boolean;
        case Kind::kUint16:
            return &s.uint16;
        case Kind::kUint32:
            return &s.uint32;
        case Kind::kInt32:
            return &s.int32;
        case Kind::kFloat:
            return &s.number;
        case Kind::kDuration:
            return &s.duration;
        case Kind::kString:
            return &s.text;
        case Kind::kSecret:
            return &s.secret;
        case Kind::kPortRange:
            return &s.ports;
        case Kind::kStrings:
            return &s.texts;
        case Kind::kDurations:
            return &s.durations;
        case Kind::kStringMap:
            return &s.text_map;
        case Kind::kStringLists:
            return &s.text_lists;
        case Kind::kKeys:
            return &s.keys;
        case Kind::kTurnServers:
            return &s.turn_servers;
        case Kind::kCodecs:
            return &s.codecs;
        case Kind::kJsonByName:
            return &s.trees;
        case Kind::kJsonList:
            return &s.tree_list;
    }
    return std::monostate{};
}

Slot slot_of(const Option& option, Config& config, Scratch& scratch) {
    return option.slot != nullptr ? option.slot(config) : scratch_slot(option.kind, scratch);
}

Kind kind_of(const Option& option) {
    if (option.slot == nullptr) return option.kind;
    Config config;
    return kind_of(option.slot(config));
}

}  // namespace confab::config
