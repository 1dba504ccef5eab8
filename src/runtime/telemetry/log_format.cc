// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The two forms of a log line (log.h).
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>
#include <utility>

#include "base/text.h"
#include "runtime/telemetry/log.h"

namespace confab::telemetry {

namespace {

void append_padded(std::string& out, int value, int width) {
    const std::string digits = std::to_string(value);
    for (int i = static_cast<int>(digits.size()); i < width; ++i)
        out += '0';
    out += digits;
}

// RFC 3339, UTC, milliseconds.
std::string format_time(UnixTime time) {
    const std::time_t seconds = time.s();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::string out;
    append_padded(out, 1900 + parts.tm_year, 4);
    out += '-';
    append_padded(out, 1 + parts.tm_mon, 2);
    out += '-';
    append_padded(out, parts.tm_mday, 2);
    out += 'T';
    append_padded(out, parts.tm_hour, 2);
    out += ':';
    append_padded(out, parts.tm_min, 2);
    out += ':';
    append_padded(out, parts.tm_sec, 2);
    out += '.';
    append_padded(out, static_cast<int>(time.ms() % 1000), 3);
    out += 'Z';
    return out;
}

void append_escaped_char(std::string& out, char c) {
    static constexpr std::string_view kHex = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
        out += c;
        return;
    }
    out += "\\u00";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
}

// A line stays one line and valid UTF-8, whatever a peer named itself.
std::string quote(std::string_view text) {
    std::string out = "\"";
    const bool valid = is_valid_utf8(text);
    for (const char c : text)
        append_escaped_char(out, valid || static_cast<unsigned char>(c) < 0x80 ? c : '?');
    return out + "\"";
}

std::string number(double value) {
    if (!std::isfinite(value)) return "null";
    std::array<char, 32> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} ? std::string(digits.data(), end) : "0";
}

struct JsonValue {
    std::string operator()(std::string_view text) const { return quote(redact(text)); }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(std::uint64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return number(value); }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
};

// A field whose own name is secret says nothing but that.
std::string json_value(const LogField& field) {
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
        const std::string pair = std::string(field.name) + "=x";
        if (!text->empty() && redact(pair) != pair) return quote("[redacted]");
    }
    return std::visit(JsonValue{}, field.value);
}

}  // namespace

LogLevel parse_log_level(std::string_view name) {
    if (equals_ignore_case(name, "debug")) return LogLevel::kDebug;
    if (equals_ignore_case(name, "warn") || equals_ignore_case(name, "warning"))
        return LogLevel::kWarn;
    if (equals_ignore_case(name, "error")) return LogLevel::kError;
    return LogLevel::kInfo;
}

std::string_view to_string(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug:
            return "debug";
        case LogLevel::kInfo:
            return "info";
        case LogLevel::kWarn:
            return "warn";
        case LogLevel::kError:
            return "error";
        case LogLevel::kOff:
            return "off";
    }
    return "info";
}

std::string format_json(UnixTime time, LogLevel level, std::string_view event, LogFields fields) {
    std::string out = "{\"level\":" + quote(to_string(level)) +
                      ",\"ts\":" + quote(format_time(time)) + ",\"msg\":" + quote(redact(event));
    for (const LogField& field : fields)
        if (!field.left_out) out += "," + quote(field.name) + ":" + json_value(field);
    return out + "}";
}

std::string format_text(UnixTime time, LogLevel level, std::string_view event, LogFields fields) {
    std::string name(to_string(level));
    name.resize(5, ' ');
    std::string out = format_time(time).substr(11, 12) + " " + name + " ";
    const std::string quoted = quote(redact(event));
    out += quoted.substr(1, quoted.size() - 2);
    for (const LogField& field : fields)
        if (!field.left_out) out += " " + std::string(field.name) + "=" + json_value(field);
    return out;
}

LogLimiter::Verdict LogLimiter::check(std::string_view key, Timestamp now) {
    auto found = states_.find(key);
    if (found == states_.end()) {
        if (states_.size() >= kMaxKeys)
            std::erase_if(states_, [this, now](const auto& entry) {
                return now - entry.second.window_start >= interval_;
            });
        if (states_.size() >= kMaxKeys) return {};
        found = states_.emplace(std::string(key), State{now, 0, 0}).first;
    }
    State& state = found->second;
    if (now - state.window_start >= interval_) {
        state.window_start = now;
        state.used = 0;
    }
    if (state.used >= burst_) {
        ++state.suppressed;
        return {};
    }
    ++state.used;
    return {true, std::exchange(state.suppressed, 0)};
}

}  // namespace confab::telemetry
