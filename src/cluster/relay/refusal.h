// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How a session that does not come about, or ends by the relay, looks to its client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "livekit_rtc.pb.h"
#include "rpc/error.h"

namespace confab::cluster::relay {

// What the upgrade request is answered with (03 PSR-18).
int http_status(rpc::Code code);

// Whether another attempt, with a new choice of the node, may go better (03 NODE-20): not where a
// node has decided.
bool may_try_again(rpc::Code code);

// What a client is told before its WebSocket is closed with 1000 (01 CON-44: livekit-client takes a
// close without `leave` for nothing, and notices when its pings stay unanswered).
enum class Farewell : std::uint8_t {
    // The node with the room is gone, and the participant with it. A resume would be answered with
    // `leave` RECONNECT after a round trip (01 SIG-147): told at once to join anew, the client is
    // back one attempt sooner, and does not wait at the dead node (03 NODE-24).
    kNodeDied,
    // Messages got lost, or the way did; the participant goes on at its node. RESUME brings the
    // state up to date and keeps the media (03 NODE-21, as 01 SIG-145).
    kRelayFailed,
};
// Nothing for clients up to protocol 12 that should resume: they know no such `leave` (SIG-152).
std::optional<livekit::SignalResponse> farewell_message(Farewell farewell,
                                                        std::int32_t client_protocol);

}  // namespace confab::cluster::relay
