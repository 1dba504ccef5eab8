// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Where the ids, SSRCs and secrets of a control shard come from; names that clients see are in
// token/ids.h. What clients see of the fast generator must say nothing about secrets, so that these
// come from a source of their own.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "base/rng.h"
#include "sfu/shard/commands.h"
#include "sfu/shard/control_shard.h"

namespace confab::room {

// Fills with octets nobody can foretell: crypto::fill_random live, seeded_secrets() in tests and in
// the simulator.
using SecretSource = std::function<void(BytesSpan)>;
SecretSource seeded_secrets(std::uint64_t seed);

class IdSource {
  public:
    IdSource(sfu::ControlShard control_shard, std::uint64_t seed, SecretSource secrets);

    // Unique over peers, receivers, down-tracks, rooms and sessions of all control shards.
    std::uint64_t next() { return ++last_; }
    // For what needs to be different, not secret.
    Rng& rng() { return rng_; }

    // `size` characters of [0-9A-Za-z] that are a secret (turn_password, SIF trailer).
    std::string secret(std::size_t size);
    // ufrag of 16 letters whose first names the worker, so that any socket can pass a STUN check on
    // to its owner; pwd of 32.
    sfu::IceCredentials ice_credentials(sfu::WorkerIndex worker);

  private:
    std::string pick(std::string_view alphabet, std::size_t size);

    Rng rng_;
    SecretSource secrets_;
    std::uint64_t last_;  // begins with the control shard in its upper byte
};

// The SSRCs of one room: what we draw is neither drawn already nor sent by a publisher here
// (RFC 3550 §8: a collision on one connection mixes two streams).
class SsrcPool {
  public:
    Ssrc draw(Rng& rng);
    // A publisher's, which we do not choose; 0 is none.
    void add(Ssrc ssrc);
    void release(Ssrc ssrc);
    bool contains(Ssrc ssrc) const { return used_.contains(ssrc); }
    std::size_t size() const { return used_.size(); }

  private:
    std::unordered_map<Ssrc, std::uint32_t> used_;  // how often: publishers do not know each other
};

}  // namespace confab::room
