// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who starts the session of somebody that may join: a shard of this node, or one day another node
// by a relay. What is asked is a value that could be sent as it is, and every answer comes later.
#pragma once

#include <optional>

#include "api/http/http_types.h"
#include "api/join/join.h"
#include "base/callback.h"
#include "runtime/net/http/http_server.h"

namespace confab::control {

class SignalBackend {
  public:
    virtual ~SignalBackend() = default;
    // Answers the exchange: with the upgrade when the session's first response is there, or with
    // what refuses it (CON-31). `headers` go into either.
    virtual void start(api::JoinParams params, net::HttpExchange exchange,
                       net::HttpHeaders headers) = 0;
    // What start() would refuse now; nothing if it would not (CON-22).
    virtual void validate(api::JoinParams params,
                          Callback<std::optional<api::HttpError>> reply) = 0;
};

}  // namespace confab::control
