// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A situation as data: who does what when, over which links. Some have names (named.h), random
// ones come from a seed (swarm.h, worlds.h), old ones from files (plan_text.h).
#pragma once

#include <string>
#include <vector>

#include "netem/link.h"
#include "sfu/shard/commands.h"
#include "sim/ids.h"

namespace confab::sim {

// What an outage takes away (Step::value of kOutage is its length in ms).
inline constexpr std::uint64_t kCutUdp = 1;
inline constexpr std::uint64_t kCutTcp = 2;  // media streams
inline constexpr std::uint64_t kCutSignal = 4;
// One direction alone.
inline constexpr std::uint64_t kOnlyUp = 8;
inline constexpr std::uint64_t kOnlyDown = 16;
inline constexpr std::uint64_t kCutAll = kCutUdp | kCutTcp | kCutSignal;

// Bits of kPermission's value.
inline constexpr std::uint64_t kMayPublish = 1;
inline constexpr std::uint64_t kMaySubscribe = 2;
inline constexpr std::uint64_t kMaySendData = 4;

enum class StepKind : std::uint8_t {
    kJoin,          // value: 1 for two connections (/rtc)
    kLeave,         // says so
    kKill,          // the process ends; value: 1 when nobody tells the server
    kPublishAudio,  // value: 1 for a client that sends while muted
    kPublishVideo,  // value likewise; layers
    kUnpublish,     // the last track
    kMute,          // value: which track
    kUnmute,
    kSettings,   // value: which subscription; settings
    kBandwidth,  // value: bit/s that the client reports by REMB
    kIceRestart,
    kNatRebind,      // the client's packets come from another port
    kLinks,          // up and down of the client
    kOutage,         // value: ms without any packet; scope
    kSignalReset,    // the WebSocket breaks
    kPermission,     // value: bits; a service call
    kServerMute,     // value: which track; a service call
    kMetadata,       // a service call changes it
    kRemove,         // a service call
    kDeleteRoom,     // likewise
    kPublishData,    // a data track
    kUnpublishData,  // the last of them
    kDataWish,       // value: 1 when it wants the data tracks of others
    kAccess,         // value: 1 when everybody may subscribe to what it publishes, 0 nobody
    kFlood,          // value: so many reliable messages at once
    kMove,           // value: the shard at which the participant goes on (needs shared_port)
    kExpectFlow,     // by now it is connected, and all that should flow does
};

struct Step {
    Duration at;  // from the start
    StepKind kind = StepKind::kJoin;
    ClientId client = 0;
    std::uint64_t value = 0;
    std::uint64_t scope = kCutUdp;
    std::size_t layers = 3;
    sfu::DownTrackSettings settings;
    netem::LinkProfile up;
    netem::LinkProfile down;
};

// Who a client of the plan is.
struct Person {
    std::string identity;  // two clients of one identity take it from each other
    bool hidden = false;
    std::size_t room = 0;  // room N is on node N modulo their number
};

struct Scenario {
    std::string name;
    std::string story;
    std::size_t nodes = 1;
    std::size_t shards = 1;  // of each node
    // All shards of a node are behind one UDP port and one TCP port (02 DES-03 mode B), and packets
    // come to any of them; otherwise each has ports of its own.
    bool shared_port = false;
    std::size_t clients = 2;
    std::vector<Person> people;  // of clients; others are "client N"
    std::vector<Step> steps;     // in any order; equal times in this order
    Duration length = Duration::seconds(10);
    // Then all links become perfect for so long, and what should flow must flow at its end.
    Duration healing = Duration::seconds(6);
    // At that end the layers are the highest wanted. A layer that stood still, be it for a second,
    // counts as there only after 20 good half seconds (02 IN-21): allow kLayersReturn for it.
    static constexpr Duration kLayersReturn = Duration::seconds(14);
    // What was narrow is tried by probes each 3 s, which grow until three reports of a client that
    // gives one a second fall into one of them (BWE-11, BWE-23).
    static constexpr Duration kProbedAgain = Duration::seconds(30);
    // An outage that ends the transport: noticed after 15 s, and up to three attempts to come back.
    static constexpr Duration kComeBack = Duration::seconds(34);
    bool expects_full_layers = true;
    bool messages = true;  // everybody talks on the data channel too
    bool light = false;    // few packets: for plans about who is there, not about pictures
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
inline Step outage(std::int64_t ms, ClientId client, std::uint64_t length_ms, std::uint64_t scope) {
    Step s = step(ms, StepKind::kOutage, client, length_ms);
    s.scope = scope;
    return s;
}
inline Step links(std::int64_t ms, ClientId client, const netem::LinkProfile& up,
                  const netem::LinkProfile& down) {
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
