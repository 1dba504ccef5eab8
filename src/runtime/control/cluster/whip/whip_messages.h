// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a WHIP client asks, as it goes from the node with its HTTP requests to the node with its
// room, and what comes back (03 RPC-23, RPC-24).
#pragma once

#include <string>

#include "api/whip/whip_session.h"
#include "base/result.h"
#include "rpc/error.h"
#include "rpc_whip.pb.h"
#include "runtime/control/whip/whip_sessions.h"
#include "token/limits.h"

namespace confab::control {

::rpc::WHIPCreateRequest to_create(const WhipJoin& join);
// kInvalidArgument with what is wrong. The tracks are those of the offer, and the connection is as
// WHIP wants it, whatever the start says (CON-60).
Result<WhipJoin, rpc::Error> from_create(::rpc::WHIPCreateRequest request,
                                         const token::Limits& limits);

::rpc::WHIPCreateResponse to_created(const api::WhipAnswer& answer);
api::WhipAnswer from_created(::rpc::WHIPCreateResponse response);
::rpc::WHIPParticipantICERestartResponse to_restarted(const api::WhipAnswer& answer);
api::WhipAnswer from_restarted(::rpc::WHIPParticipantICERestartResponse response);

// A refusal as a code that no caller tries again, and back.
rpc::Error to_bus(const api::HttpError& error);
api::HttpError from_bus(const rpc::Error& error);
// The same of a POST: what has no session is 503, but for what the client or the room lacks
// (CON-60).
api::HttpError create_error(const rpc::Error& error);

}  // namespace confab::control
