// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Everybody talks: to all, to one, who may be in another room, and on their data tracks; those who
// may not send data too, so that the server is what stops them.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/world/world.h"

namespace confab::sim {

class Chatter {
  public:
    static constexpr Duration kInterval = Duration::millis(700);

    // Both outlive it; the generator is that of the run.
    Chatter(World& world, Rng& rng) : world_(world), rng_(rng), begun_(world.people().size()) {}

    // From now on, for as long as this client lives.
    void begin(ClientId id);
    // One message of each kind. The client is there.
    void say_everything(ClientId id);
    // Nobody says anything more by themselves.
    void end() { over_ = true; }
    bool is_over() const { return over_; }

  private:
    void plan(ClientId id);

    World& world_;
    Rng& rng_;
    std::vector<std::uint64_t> begun_;  // by client: how often
    bool over_ = false;
};

}  // namespace confab::sim
