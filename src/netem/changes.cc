// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/changes.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"

namespace confab::netem {
namespace {

constexpr std::string_view kForms =
    "up:SPEC, down:SPEC, both:SPEC, outage=5s, rebind, udp=drop, udp=pass, tcp=pass, tcp=stall, "
    "tcp=cut or tcp=refuse";

Change of_kind(Change::Kind kind) {
    Change change;
    change.kind = kind;
    return change;
}

Change udp(bool dropped) {
    Change change = of_kind(Change::Kind::kUdp);
    change.udp_dropped = dropped;
    return change;
}

Change tcp(TcpMode mode) {
    Change change = of_kind(Change::Kind::kTcp);
    change.tcp = mode;
    return change;
}

// Those without a value of their own; nothing if it is none of them.
std::optional<Change> word(std::string_view text) {
    if (text == "rebind") return of_kind(Change::Kind::kRebind);
    if (text == "udp=drop") return udp(true);
    if (text == "udp=pass") return udp(false);
    if (text == "tcp=pass") return tcp(TcpMode::kPass);
    if (text == "tcp=stall") return tcp(TcpMode::kStall);
    if (text == "tcp=refuse") return tcp(TcpMode::kRefuse);
    if (text == "tcp=cut") return of_kind(Change::Kind::kCutTcp);
    return std::nullopt;
}

Result<Change, std::string> parse_outage(Change change, std::string_view text) {
    const auto length = parse_time(text);
    if (!length)
        return fail("\"outage=" + std::string(text) +
                    "\" is not understood; write for example outage=5s");
    change.kind = Change::Kind::kOutage;
    change.length = *length;
    return change;
}

}  // namespace

Result<Change, std::string> parse_change(std::string_view text) {
    text = trim(text);
    if (const auto found = word(text)) return *found;
    Change change = of_kind(Change::Kind::kLink);
    change.up = change.down = true;
    constexpr std::string_view kOutage = "outage=";
    if (text.starts_with(kOutage)) return parse_outage(change, text.substr(kOutage.size()));
    std::string_view rest = text;
    const std::string_view which = next_token(rest, ':');
    if (which != "up" && which != "down" && which != "both")
        return fail("\"" + std::string(text) + "\" is no change; write " + std::string(kForms));
    change.up = which != "down";
    change.down = which != "up";
    if (rest.starts_with(kOutage)) return parse_outage(change, rest.substr(kOutage.size()));
    if (const auto spec = parse_link_spec(rest); !spec) return fail(spec.error());
    change.spec = rest;
    return change;
}

Result<TimedChange, std::string> parse_timed_change(std::string_view text) {
    text = trim(text);
    const std::size_t end = std::min(text.find_first_of(": \t"), text.size());
    const auto at = parse_time(text.substr(0, end));
    if (!at || end == text.size())
        return fail("\"" + std::string(text) +
                    "\" does not begin with its time; write for example 10s:down:rate=600kbit");
    CONFAB_TRY(Change change, parse_change(text.substr(end + 1)));
    return TimedChange{*at, std::move(change)};
}

Result<std::vector<TimedChange>, std::string> parse_schedule(std::string_view text) {
    std::vector<TimedChange> changes;
    std::size_t number = 0;
    while (!text.empty()) {
        std::string_view line = next_token(text, '\n');
        ++number;
        line = trim(line.substr(0, line.find('#')));
        if (line.empty()) continue;
        auto change = parse_timed_change(line);
        if (!change) return fail("line " + std::to_string(number) + ": " + change.error());
        if (changes.size() == kMaxChanges)
            return fail("a schedule has at most " + std::to_string(kMaxChanges) + " changes");
        changes.push_back(*std::move(change));
    }
    sort_by_time(changes);
    return changes;
}

void sort_by_time(std::vector<TimedChange>& changes) {
    // There are few; the library's stable sort asks for memory in a way that C++20 has deprecated.
    for (auto one = changes.begin(); one != changes.end(); ++one) {
        const auto place = std::upper_bound(
            changes.begin(), one, *one,
            [](const TimedChange& a, const TimedChange& b) { return a.at < b.at; });
        std::rotate(place, one, one + 1);
    }
}

}  // namespace confab::netem
