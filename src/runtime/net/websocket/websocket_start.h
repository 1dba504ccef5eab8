// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How an HTTP connection becomes a WebSocket. Included by .cc files only.
#pragma once

#include <memory>
#include <string>

#include "runtime/net/asio.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/http/http_server.h"
#include "runtime/net/stream.h"

namespace confab::net {

struct WebSocketStart {
    HttpHeaders request_headers;
    HttpHeaders response_headers;
    std::string received;         // bytes that came after the request
    std::shared_ptr<void> place;  // in the server's table of connections, until the end
};
std::unique_ptr<WebSocket> start_websocket(EventLoop& loop, Stream stream, WebSocketStart start,
                                           const WebSocketOptions& options,
                                           std::shared_ptr<HttpServerStats> stats);

}  // namespace confab::net
