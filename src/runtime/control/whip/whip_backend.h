// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who has the sessions of WHIP clients: the shards of this node, or those of another. What is asked
// is a value that could be sent as it is, and every answer comes later.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/control/whip/whip_sessions.h"

namespace confab::control {

class WhipBackend {
  public:
    using Reply = WhipSessions::Reply;

    virtual ~WhipBackend() = default;
    // A POST whose token and offer are checked. Refused: 404 where the room has to exist, 503 for
    // what has no session for another reason (CON-60).
    virtual void create(WhipJoin join, Reply reply) = 0;
    // As WhipSessions::abandon, of a session that was asked for here.
    virtual void abandon(const std::string& room, const std::string& identity,
                         std::uint64_t request) = 0;
    virtual void patch(WhipRequest request, Reply reply) = 0;
    virtual void remove(WhipRequest request, Reply reply) = 0;
};

}  // namespace confab::control
