// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// HealthEndpoint: whether all threads live (01 CON-06).
#include "runtime/control/routes/endpoints.h"
#include "runtime/net/http/http_message.h"

namespace confab::control {

void HealthEndpoint::serve(Call call) {
    const Timestamp now = net::EventLoop::now();
    const Duration silent = updated_ ? now - updated_() : Duration::zero();
    call.respond(api::health_response(silent, net::http_date(net::EventLoop::wall() - silent)));
}

}  // namespace confab::control
