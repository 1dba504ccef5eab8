// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/call/templates.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "base/text.h"

namespace confab::app::cli {
namespace {

struct Calendar {
    int year;
    unsigned month, day, hour, minute, second;
};

Calendar utc(UnixTime time) {
    using namespace std::chrono;
    const sys_seconds at{seconds(time.us() / 1'000'000)};
    const auto date = floor<days>(at);
    const year_month_day day{date};
    const hh_mm_ss<seconds> clock(at - date);
    return {int(day.year()),
            unsigned(day.month()),
            unsigned(day.day()),
            static_cast<unsigned>(clock.hours().count()),
            static_cast<unsigned>(clock.minutes().count()),
            static_cast<unsigned>(clock.seconds().count())};
}

std::string digits(unsigned value) {
    return (value < 10 ? "0" : "") + std::to_string(value);
}

std::string random_hex(const Host& host) {
    std::array<std::uint8_t, 6> octets{};
    host.fill_random(octets);
    return to_hex(octets);
}

// Nothing: it is no template.
std::string value_of(char letter, const Host& host) {
    const Calendar now = utc(host.now());
    std::string year = std::to_string(now.year);
    switch (letter) {
        case 't':
            return year + digits(now.month) + digits(now.day) + digits(now.hour) +
                   digits(now.minute) + digits(now.second);
        case 'T':
            return rfc3339(host.now());
        case 'Y':
            return year;
        case 'm':
            return digits(now.month);
        case 'd':
            return digits(now.day);
        case 'H':
            return digits(now.hour);
        case 'M':
            return digits(now.minute);
        case 'S':
            return digits(now.second);
        case 'x':
            return random_hex(host);
        case '%':
            return "%";
        default:
            return {};
    }
}

}  // namespace

std::string rfc3339(UnixTime time) {
    const Calendar at = utc(time);
    return std::to_string(at.year) + "-" + digits(at.month) + "-" + digits(at.day) + "T" +
           digits(at.hour) + ":" + digits(at.minute) + ":" + digits(at.second) + "Z";
}

std::string expanded(std::string_view text, const Host& host) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char next = text[i] == '%' && i + 1 < text.size() ? text[i + 1] : '\0';
        if (next == 'U' || next == 'h' || next == 'p') {
            const Host::Self self = host.self();
            out += next == 'U' ? self.user : next == 'h' ? self.host : std::to_string(self.pid);
        } else if (const std::string value = value_of(next, host); !value.empty()) {
            out += value;
        } else {
            out += text[i];
            continue;
        }
        ++i;
    }
    return out;
}

}  // namespace confab::app::cli
