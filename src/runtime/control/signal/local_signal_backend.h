// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions on the shards of this node: the connection goes to the one that has the room.
#pragma once

#include <functional>
#include <utility>

#include "runtime/control/shards/control_node.h"
#include "runtime/control/signal/signal_backend.h"

namespace confab::control {

class LocalSignalBackend final : public SignalBackend {
  public:
    // `over_limit`: whether the node has reached a limit of its own (limit.num_tracks,
    // limit.bytes_per_sec). Both must outlive this.
    LocalSignalBackend(ControlNode& node, std::function<bool()> over_limit)
        : node_(node), over_limit_(std::move(over_limit)) {}
    void start(api::JoinParams params, net::HttpExchange exchange,
               net::HttpHeaders headers) override;
    void validate(api::JoinParams params, Callback<std::optional<api::HttpError>> reply) override;

  private:
    std::optional<api::HttpError> refusal_of_node(const api::JoinParams& params) const;

    ControlNode& node_;
    std::function<bool()> over_limit_;
};

// A checked join request in the terms of the room machines.
room::JoinParams to_room(const api::JoinParams& params);

}  // namespace confab::control
