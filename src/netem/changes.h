// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What happens to a path, and when, as text:
//
//   up:SPEC, down:SPEC, both:SPEC   alters what the text names (link_spec.h)
//   outage=5s, up:outage=5s         nothing passes for so long; TCP stands still
//   rebind                          a NAT gives all clients new ports
//   udp=drop, udp=pass
//   tcp=pass, tcp=stall             streams stand still, new ones get no answer
//   tcp=cut                         streams are reset; new ones pass
//   tcp=refuse                      streams are reset, and new ones at once
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "netem/link_spec.h"

namespace confab::netem {

inline constexpr std::size_t kMaxChanges = 1000;  // of a schedule

enum class Direction : std::uint8_t { kUp, kDown };  // to the server, to the client
enum class TcpMode : std::uint8_t { kPass, kStall, kRefuse };

// What holds for a while.
struct Conditions {
    LinkSpec up;
    LinkSpec down;
    bool udp_dropped = false;
    TcpMode tcp = TcpMode::kPass;

    bool operator==(const Conditions&) const = default;
};

struct Change {
    enum class Kind : std::uint8_t { kLink, kOutage, kRebind, kUdp, kTcp, kCutTcp };
    Kind kind = Kind::kRebind;
    bool up = false;  // of kLink and kOutage
    bool down = false;
    std::string spec;  // of kLink; one that parse_link_spec() takes
    Duration length;   // of kOutage
    bool udp_dropped = false;
    TcpMode tcp = TcpMode::kPass;

    bool operator==(const Change&) const = default;
};

struct TimedChange {
    Duration at;  // after the start
    Change change;
};

Result<Change, std::string> parse_change(std::string_view text);
// "10s:down:rate=600kbit"; blanks may stand in place of the first colon.
Result<TimedChange, std::string> parse_timed_change(std::string_view text);
// A change each line, behind # a comment. In the order of their times; equal ones as they stand.
Result<std::vector<TimedChange>, std::string> parse_schedule(std::string_view text);
void sort_by_time(std::vector<TimedChange>& changes);

}  // namespace confab::netem
