// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Structured log lines over spdlog: JSON for machines, one readable line for --dev. Safe from any
// thread. Every text that goes out passes redact(), so that no token or key reaches a log
// (08 IMM-16).
//   log_info("room.created", {{"room", name}, {"participants", 2}});
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/time.h"

namespace confab::telemetry {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };
// "debug", "info", "warn", "warning", "error"; anything else is kInfo.
LogLevel parse_log_level(std::string_view name);
std::string_view to_string(LogLevel level);

struct LogField {
    using Value = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

    LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
    LogField(std::string_view field, const std::string& text)
        : name(field), value(std::string_view(text)) {}
    LogField(std::string_view field, const char* text)
        : name(field), value(std::string_view(text)) {}
    LogField(std::string_view field, bool flag) : name(field), value(flag) {}
    LogField(std::string_view field, double number) : name(field), value(number) {}
    template <typename T>
        requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
    LogField(std::string_view field, T number) : name(field) {
        if constexpr (std::is_signed_v<T>)
            value = static_cast<std::int64_t>(number);
        else
            value = static_cast<std::uint64_t>(number);
    }

    // Left out of the line where there is nothing to say.
    static LogField if_any(std::string_view field, std::string_view text) {
        LogField made(field, text);
        made.left_out = text.empty();
        return made;
    }

    // Views: a field lives only as long as the expression of the log call.
    std::string_view name;
    Value value;
    bool left_out = false;
};
using LogFields = std::initializer_list<LogField>;

struct LogOptions {
    LogLevel level = LogLevel::kInfo;
    bool json = true;
    // Gets each line without newline instead of stderr (tests).
    std::function<void(std::string_view)> sink;
};
// Until the first call: kInfo, JSON, stderr. Call before other threads log.
void init_log(const LogOptions& options);
// Any thread, any time.
void set_log_level(LogLevel level);
bool log_enabled(LogLevel level);
void log(LogLevel level, std::string_view event, LogFields fields = {});

inline void log_debug(std::string_view event, LogFields fields = {}) {
    log(LogLevel::kDebug, event, fields);
}
inline void log_info(std::string_view event, LogFields fields = {}) {
    log(LogLevel::kInfo, event, fields);
}
inline void log_warn(std::string_view event, LogFields fields = {}) {
    log(LogLevel::kWarn, event, fields);
}
inline void log_error(std::string_view event, LogFields fields = {}) {
    log(LogLevel::kError, event, fields);
}

// The line without newline. JSON: {"level","ts","msg",fields…}; `ts` is UTC, RFC 3339, ms.
std::string format_json(UnixTime time, LogLevel level, std::string_view event, LogFields fields);
std::string format_text(UnixTime time, LogLevel level, std::string_view event, LogFields fields);

// Replaces by "[redacted]": values of query parameters and JSON members with secret names
// (access_token, join_request, api_secret, secret, password, …), what follows "Bearer " or
// "Basic ", every JWT, user info in URLs.
std::string redact(std::string_view text);

// At most `burst` per key and interval; tells how many were left out before. One thread.
class LogLimiter {
  public:
    static constexpr std::size_t kMaxKeys = 1024;
    explicit LogLimiter(Duration interval = Duration::seconds(60), std::uint32_t burst = 1)
        : interval_(interval), burst_(burst) {}
    struct Verdict {
        bool allowed = false;
        std::uint64_t suppressed = 0;  // since the last allowed one
    };
    Verdict check(std::string_view key, Timestamp now);

  private:
    struct State {
        Timestamp window_start;
        std::uint32_t used = 0;
        std::uint64_t suppressed = 0;
    };
    Duration interval_;
    std::uint32_t burst_;
    std::map<std::string, State, std::less<>> states_;
};

}  // namespace confab::telemetry
