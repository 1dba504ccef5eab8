// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What all pieces of the control plane share while one input is handled: settings, the moment,
// randomness, the id counters and the effects that go out.
#pragma once

#include <deque>
#include <unordered_map>

#include "base/rng.h"
#include "room/config.h"
#include "room/types.h"

namespace confab::room {

class Room;
struct Participant;

// Refused or dropped input, for metrics and for tests against hostile clients.
struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t bad_requests = 0;
    std::uint64_t dropped_candidates = 0;
    std::uint64_t dropped_data = 0;
    std::uint64_t dropped_signals = 0;
    std::uint64_t negotiation_errors = 0;
    std::uint64_t sessions_refused = 0;
};

// To whom an id of the media plane belongs.
struct MediaOwner {
    Room* room = nullptr;
    Participant* participant = nullptr;
    std::string track_sid;  // of receivers and down-tracks
};

struct Context {
    Context(Config settings, std::uint64_t seed) : config(std::move(settings)), rng(seed) {}

    Config config;
    Rng rng;
    Clock clock;
    std::deque<Effect> effects;
    Counters counters;
    std::uint64_t last_id = 0;
    std::unordered_map<std::uint64_t, MediaOwner> peers;
    std::unordered_map<std::uint64_t, MediaOwner> receivers;
    std::unordered_map<std::uint64_t, MediaOwner> down_tracks;

    Timestamp now() const { return clock.now; }
    // Unique over peers, receivers, down-tracks, rooms and sessions.
    std::uint64_t next_id() { return ++last_id; }
    void command(sfu::WorkerIndex worker, sfu::Command value) {
        effects.emplace_back(MediaCommand{worker, std::move(value)});
    }
    void observe(const Observation& value) {
        effects.emplace_back(std::in_place_type<Observation>, value);
    }
};

}  // namespace confab::room
