// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the bus: subscription methods (03 PSR-07). What is published is the message itself in
// its envelope; nobody answers, and what cannot be published is dropped and counted.
#pragma once

#include <string>

#include "cluster/psrpc/core.h"
#include "cluster/psrpc/listeners.h"
#include "rpc/bus.h"

namespace confab::cluster::psrpc {

class Subscriptions {
  public:
    Subscriptions(Core& core, Listeners& listeners) : core_(core), listeners_(listeners) {}
    Subscriptions(const Subscriptions&) = delete;
    Subscriptions& operator=(const Subscriptions&) = delete;

    rpc::Registration subscribe(const rpc::Method& method, const rpc::Topic& topic,
                                rpc::Listener listener);
    void publish(const rpc::Method& method, const rpc::Topic& topic, const std::string& message);

  private:
    Core& core_;
    Listeners& listeners_;
};

}  // namespace confab::cluster::psrpc
