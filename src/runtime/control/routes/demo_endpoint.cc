// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DemoEndpoint: the built page, or how to get it.
#include <utility>

#include "runtime/control/routes/endpoints.h"

namespace confab::control {

void DemoEndpoint::serve(Call call) {
    if (files_) {
        if (auto response = files_->serve(call.request)) return call.respond(std::move(*response));
    }
    call.respond_text(
        404,
        "The demo page has not been built. Run ./dev web (or ./dev run, which does it) "
        "and start the server again, or name its folder as confab.web_dir.\n");
}

}  // namespace confab::control
