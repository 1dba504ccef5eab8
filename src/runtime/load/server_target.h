// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The server of a load test, as its URL names it.
#pragma once

#include <string>

#include "base/net_address.h"
#include "base/result.h"

namespace confab::load {

// Where the server is; every address is one of the URL's host.
struct ServerTarget {
    SocketAddress address;
    std::string host;          // for the Host header
    std::string name;          // for TLS; empty: none
    std::string prefix;        // path of the URL, without a slash at its end
    bool own_sockets = false;  // a UDP socket per connection, on loopback too
};

// The server of a URL (ws, wss, http, https); the error says what is wrong with it.
Result<ServerTarget, std::string> resolve(const std::string& url);

}  // namespace confab::load
