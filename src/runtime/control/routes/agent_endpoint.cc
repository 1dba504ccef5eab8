// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// AgentEndpoint: the sockets of agent workers (01 CON-50, 05 WRK-16).
#include <utility>

#include "runtime/control/routes/endpoints.h"

namespace confab::control {

void AgentEndpoint::serve(Call call) {
    if (!call.request.is_websocket_upgrade) return call.respond(net::HttpResponse{404, {}, {}});
    if (!call.grants || !call.grants->video || !call.grants->video->agent)
        return call.respond_text(401, "no permissions to access the room");
    // Before the upgrade: who is let in and then closed comes back at once (WRK-15).
    if (!agents_.takes_workers())
        return call.respond_text(503, "this node takes no agent workers now");
    if (const auto refusal = gate_.take_place(call)) return call.respond(*refusal);
    net::HttpHeaders headers;
    for (const api::HttpHeader& header : call.cors)
        headers.add(header.name, header.value);
    agents_.sockets().accept(std::move(call.exchange), headers, *call.grants);
}

}  // namespace confab::control
