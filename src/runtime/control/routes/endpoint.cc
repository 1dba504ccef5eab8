// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/routes/endpoint.h"

#include <utility>

namespace confab::control {

net::HttpResponse to_net(const api::HttpResponse& response) {
    net::HttpResponse result;
    result.status = response.status;
    for (const api::HttpHeader& header : response.headers)
        result.headers.add(header.name, header.value);
    result.body = response.body;
    return result;
}

void Call::respond(net::HttpResponse response) {
    for (const api::HttpHeader& header : cors)
        response.headers.add(header.name, header.value);
    exchange.respond(std::move(response));
}

void Call::respond(const api::HttpResponse& response) {
    respond(to_net(response));
}

void Call::respond_text(int status, std::string text) {
    respond(net::HttpResponse::text(status, std::move(text)));
}

std::string Call::client_address() const {
    if (!named_source.empty()) return named_source;
    return api::client_address(request.headers.get("CF-Connecting-IP"),
                               request.headers.get("X-Forwarded-For"),
                               request.headers.get("X-Real-IP"), request.remote.ip.to_string());
}

}  // namespace confab::control
