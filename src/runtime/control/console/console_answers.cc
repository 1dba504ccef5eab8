// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/console/console_answers.h"

#include <utility>

#include "console/views.h"

namespace confab::control {

net::HttpResponse console_response(int status, std::string json) {
    net::HttpResponse response;
    response.status = status;
    response.headers = {{"Content-Type", "application/json"},
                        {"Cache-Control", "no-store"},
                        {"X-Content-Type-Options", "nosniff"},
                        {"Referrer-Policy", "no-referrer"},
                        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"}};
    response.body = std::move(json);
    return response;
}

void answer_json(Call& call, std::string json) {
    call.respond(console_response(200, std::move(json)));
}

void answer_error(Call& call, int status, std::string_view text) {
    call.respond(console_response(status, console::error_json(text)));
}

}  // namespace confab::control
