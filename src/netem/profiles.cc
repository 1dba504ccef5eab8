// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/profiles.h"

#include <utility>

#include "base/text.h"

namespace confab::netem {
namespace {

// What happens once happens 10 s after the start, so that a call stands before it.
constexpr ProfileRow kRows[] = {
    {"N0", "nothing", "clear", {}},
    {"N1", "2 % of all packets lost", "loss=2%", {}},
    {"N2", "10 % lost in bursts of about 4", "burst=10%/4", {}},
    {"N3", "150 ms each way, ±30 ms", "delay=150ms,jitter=30ms,correlation=25%", {}},
    {"N4", "600 kbit/s, queue of 200 ms", "rate=600kbit,queue=200ms", {}},
    {"N5", "150 kbit/s, queue of 200 ms", "rate=150kbit,queue=200ms", {}},
    {"N6", "nothing passes for 5 s, after 10 s", "clear", {"10s:outage=5s"}},
    {"N6b", "nothing passes for 20 s, after 10 s", "clear", {"10s:outage=20s"}},
    {"N7",
     "5 % late by 20 ms, every third at most; 1 % twice",
     "reorder=5%,gap=3,late=20ms,duplicate=1%",
     {}},
    {"N8", "UDP dropped", "clear", {"0s:udp=drop"}},
    {"N9", "UDP and TCP dropped", "clear", {"0s:udp=drop", "0s:tcp=stall"}},
    {"N10", "a NAT gives new ports after 10 s", "clear", {"10s:rebind"}},
    {"N11", "MTU 1280", "mtu=1280", {}},
};

}  // namespace

std::span<const ProfileRow> profile_rows() {
    return kRows;
}

Result<Profile, std::string> find_profile(std::string_view name) {
    std::string names;
    for (const ProfileRow& row : kRows) {
        names += (names.empty() ? "" : ", ") + std::string(row.name);
        if (!equals_ignore_case(row.name, name)) continue;
        Profile profile;
        CONFAB_TRY(profile.conditions.up, parse_link_spec(row.spec));
        profile.conditions.down = profile.conditions.up;
        for (const std::string_view text : row.changes) {
            if (text.empty()) continue;
            CONFAB_TRY(TimedChange change, parse_timed_change(text));
            profile.schedule.push_back(std::move(change));
        }
        return profile;
    }
    return fail("\"" + std::string(name) + "\" is no profile; write one of " + names);
}

}  // namespace confab::netem
