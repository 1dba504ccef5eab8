// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Carries out the steps of a plan, each at its time: what people do, what happens to them and to
// their connections, and service calls. What does not fit the moment is left out.
#pragma once

#include "sim/world/chatter.h"
#include "sim/world/world.h"

namespace confab::sim {

class Steps {
  public:
    // All outlive it. Every step is planned at once.
    Steps(const Scenario& scenario, World& world, Chatter& chatter);

    void apply(const Step& step);

  private:
    void join(const Step& step);
    void cut(const Step& step);
    void act(Client& client, const Step& step);
    void flood(Client& client, const Step& step);
    void permission(const Step& step);
    void service(const Step& step);
    bool mute(room::RoomManager& rooms, const room::Clock& clock, const Step& step);

    const Scenario& scenario_;
    World& world_;
    Chatter& chatter_;
};

}  // namespace confab::sim
