// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One request on its way through the server, and what answers it. An endpoint serves one route.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/http/http_routes.h"
#include "runtime/net/http/http_server.h"
#include "token/token.h"

namespace confab::control {

// A request with what the routes have found out about it; answered once, now or later.
struct Call {
    net::HttpRequest request;
    net::HttpExchange exchange;
    api::QueryParams query;
    std::optional<token::Grants> grants;  // empty: no token
    std::vector<api::HttpHeader> cors;    // go into every answer (CON-03)
    IpAddress source = {};                // whose limits it counts for (SEC-07)
    std::string named_source = {};        // the same where it is shown, too; empty: it is not

    void respond(net::HttpResponse response);
    void respond(const api::HttpResponse& response);
    void respond_text(int status, std::string text);
    // Behind proxies, too: as the operator says who they are (SEC-07), else by CON-08.
    std::string client_address() const;
};

net::HttpResponse to_net(const api::HttpResponse& response);

class Endpoint {
  public:
    virtual ~Endpoint() = default;
    virtual void serve(Call call) = 0;
};

}  // namespace confab::control
