// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// MetricsEndpoint: the metrics, behind Basic authentication where asked for (01 CON-10).
#include <utility>

#include "api/http/basic_auth.h"
#include "runtime/control/routes/endpoints.h"

namespace confab::control {

void MetricsEndpoint::serve(Call call) {
    const bool open = user_.empty() && password_.empty();
    const auto authorization = call.request.headers.find("Authorization");
    if (!open && !api::basic_auth_matches(authorization, user_, password_))
        return call.respond(api::basic_auth_challenge());
    text_([call = std::move(call)](std::string text) mutable {
        net::HttpResponse response = net::HttpResponse::text(200, std::move(text));
        response.headers.set("Content-Type", std::string(telemetry::Metrics::kContentType));
        call.respond(std::move(response));
    });
}

}  // namespace confab::control
