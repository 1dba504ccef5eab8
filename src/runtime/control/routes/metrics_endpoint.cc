// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/http/basic_auth.h"
#include "runtime/control/routes/endpoints.h"

namespace confab::control {

net::HttpResponse MetricsEndpoint::answer(const net::HttpRequest& request) {
    const bool open = user_.empty() && password_.empty();
    if (!open && !api::basic_auth_matches(request.headers.find("Authorization"), user_, password_))
        return to_net(api::basic_auth_challenge());
    if (collect_) collect_();
    metrics_.collect_process();
    net::HttpResponse response = net::HttpResponse::text(200, metrics_.render());
    response.headers.set("Content-Type", std::string(telemetry::Metrics::kContentType));
    return response;
}

}  // namespace confab::control
