// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A server as a client meets it: name, connection, certificate, HTTP, token, WebSocket, media,
// TURN, each only when the one before it did not fail.
#pragma once

#include <functional>
#include <string>

#include "runtime/doctor/waiting.h"

namespace confab::doctor {

struct ServerQuestion {
    std::string url;  // http, https, ws or wss
    std::string api_key;
    std::string api_secret;  // empty: what needs a token is not asked
    // What is looked at now, for a line that shows progress.
    std::function<void(const std::string& what)> progress;
};

ServerFacts probe_server(const ServerQuestion& question, const Deadline& deadline);

}  // namespace confab::doctor
