// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Durations in the notation of Go's time package (01 CFG-06).
#include <array>
#include <cmath>
#include <limits>

#include "config/yaml/value.h"

namespace confab::config {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t nanos;
};
// Longer names first where one is the start of another.
constexpr std::array kUnits = {Unit{"ns", 1},
                               Unit{"us", 1'000},
                               Unit{"\xC2\xB5s", 1'000},
                               Unit{"\xCE\xBCs", 1'000},
                               Unit{"ms", 1'000'000},
                               Unit{"s", 1'000'000'000},
                               Unit{"m", 60'000'000'000},
                               Unit{"h", 3'600'000'000'000}};
constexpr std::int64_t kMaxNanos = std::numeric_limits<std::int64_t>::max();

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// What a number in front of its unit is: all digits, and how many of them stand after the point.
struct Number {
    std::int64_t digits = 0;
    std::int64_t divisor = 1;
};
std::optional<Number> take_number(std::string_view& rest) {
    Number number;
    bool any = false;
    bool after_point = false;
    for (; !rest.empty(); rest.remove_prefix(1)) {
        if (rest[0] == '.' && !after_point) {
            after_point = true;
            continue;
        }
        if (!is_digit(rest[0])) break;
        any = true;
        // Digits beyond a nanosecond of an hour change nothing.
        if (after_point && number.divisor >= 1'000'000'000'000) continue;
        const std::int64_t digit = rest[0] - '0';
        if (number.digits > (kMaxNanos - digit) / 10) return std::nullopt;
        number.digits = number.digits * 10 + digit;
        if (after_point) number.divisor *= 10;
    }
    return any ? std::optional(number) : std::nullopt;
}

std::optional<std::int64_t> take_unit(std::string_view& rest) {
    for (const Unit& unit : kUnits) {
        if (!rest.starts_with(unit.name)) continue;
        rest.remove_prefix(unit.name.size());
        return unit.nanos;
    }
    return std::nullopt;
}

// digits · nanos / divisor without overflow in between.
std::optional<std::int64_t> in_nanos(Number number, std::int64_t nanos) {
    const std::int64_t whole = number.digits / number.divisor;
    const std::int64_t part = number.digits % number.divisor;
    if (whole > kMaxNanos / nanos) return std::nullopt;
    const double fraction = static_cast<double>(part) / static_cast<double>(number.divisor) *
                            static_cast<double>(nanos);
    const auto rounded = std::int64_t{std::llround(fraction)};
    if (whole * nanos > kMaxNanos - rounded) return std::nullopt;
    return whole * nanos + rounded;
}

// value / unit as a decimal number without zeros at its end; `unit` is a power of ten.
std::string with_fraction(std::int64_t value, std::int64_t unit) {
    std::string text = std::to_string(value / unit);
    std::int64_t rest = value % unit;
    if (rest == 0) return text;
    text += '.';
    for (unit /= 10; rest > 0; unit /= 10) {
        text += static_cast<char>('0' + rest / unit);
        rest %= unit;
    }
    return text;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text.empty()) return std::nullopt;
    std::int64_t total = 0;
    while (!text.empty()) {
        const auto number = take_number(text);
        if (!number) return std::nullopt;
        const auto unit = take_unit(text);
        if (!unit) return std::nullopt;
        const auto nanos = in_nanos(*number, *unit);
        if (!nanos || total > kMaxNanos - *nanos) return std::nullopt;
        total += *nanos;
    }
    const Duration duration = Duration::micros(total / 1000);
    return negative ? -duration : duration;
}

// As Go writes them: 1h2m3.5s, 7.5s, 500ms, 1.5ms, 20us.
std::string format_duration(Duration duration) {
    std::int64_t us = duration.us();
    if (us == 0) return "0s";
    std::string text = us < 0 ? "-" : "";
    if (us < 0) us = -us;
    constexpr std::array<std::pair<std::string_view, std::int64_t>, 2> kParts = {
        {{"h", 3'600'000'000}, {"m", 60'000'000}}};
    for (const auto& [name, size] : kParts) {
        if (us < size) continue;
        text += std::to_string(us / size);
        text += name;
        us %= size;
    }
    if (us >= 1'000'000) return text + with_fraction(us, 1'000'000) + "s";
    if (us >= 1000) return text + with_fraction(us, 1000) + "ms";
    return us == 0 ? text : text + std::to_string(us) + "us";
}

}  // namespace confab::config
