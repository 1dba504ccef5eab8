// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A situation as data: who does what when, over which links. Named ones stand in scenarios/, random
// ones come from a seed (swarm.h).
#pragma once

#include <string>
#include <vector>

#include "sim/net/link.h"
#include "sim/world/control.h"

namespace confab::sim {

enum class StepKind : std::uint8_t {
    kJoin,  // value: 1 for a server that is ICE-lite
    kLeave,
    kPublishAudio,  // value: 1 for a client that sends while muted
    kPublishVideo,  // value likewise; layers
    kUnpublish,     // the last track
    kMute,          // value: which track
    kUnmute,
    kSettings,   // value: which subscription; settings
    kBandwidth,  // value: bit/s that the client reports by REMB
    kIceRestart,
    kNatRebind,  // the client's packets come from another port
    kLinks,      // up and down of the client
    kOutage,     // value: ms without any packet
};

struct Step {
    Duration at;  // from the start
    StepKind kind = StepKind::kJoin;
    ClientId client = 0;
    std::uint64_t value = 0;
    std::size_t layers = 3;
    sfu::DownTrackSettings settings;
    LinkProfile up;
    LinkProfile down;
};

struct Scenario {
    std::string name;
    std::string story;
    std::size_t shards = 1;
    std::size_t clients = 2;
    std::vector<Step> steps;  // in any order; equal times in this order
    Duration length = Duration::seconds(10);
    // Then all links become perfect for so long, and what should flow must flow at its end.
    Duration healing = Duration::seconds(6);
    // At that end the layers are the highest wanted. A layer that stood still, be it for a second,
    // counts as there only after 20 good half seconds (02 IN-21): allow kLayersReturn for it.
    static constexpr Duration kLayersReturn = Duration::seconds(14);
    bool expects_full_layers = true;
    bool messages = true;  // everybody talks on the data channel too
};

// Helpers to write scenarios.
inline Step step(std::int64_t ms, StepKind kind, ClientId client, std::uint64_t value = 0) {
    Step s;
    s.at = Duration::millis(ms);
    s.kind = kind;
    s.client = client;
    s.value = value;
    return s;
}
inline Step links(std::int64_t ms, ClientId client, const LinkProfile& up,
                  const LinkProfile& down) {
    Step s = step(ms, StepKind::kLinks, client);
    s.up = up;
    s.down = down;
    return s;
}
inline Step settings(std::int64_t ms, ClientId client, std::uint64_t track,
                     sfu::DownTrackSettings wish) {
    Step s = step(ms, StepKind::kSettings, client, track);
    s.settings = wish;
    return s;
}

}  // namespace confab::sim
