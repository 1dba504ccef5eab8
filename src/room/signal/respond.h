// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The answer to one request of a client (01 SIG-48).
#pragma once

#include <string>
#include <utility>

#include "room/participant/participant.h"

namespace confab::room {

// `fill` says which request it answers. That all is well is told to clients that know of it.
template <typename Fill>
void respond(Participant& p, livekit::RequestResponse::Reason reason, std::string message,
             Fill&& fill) {
    const ClientGates& gates = p.traits.gates;
    if (!gates.request_response) return;
    if (reason == livekit::RequestResponse::OK && !gates.request_response_ok) return;
    livekit::SignalResponse response;
    livekit::RequestResponse& answer = *response.mutable_request_response();
    answer.set_reason(reason);
    answer.set_message(std::move(message));
    fill(answer);
    p.signal.send(std::move(response));
}

}  // namespace confab::room
