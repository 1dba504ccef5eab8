// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What HTTP without TLS is answered where there is HTTPS.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/net/http/http_message.h"

namespace confab::net {

// 308 to the same target at `port` of the host that was asked for; of `domain` where the request
// names no host that could be one. 400 where there is neither.
HttpResponse redirect_to_https(const HttpRequest& request, const std::string& domain,
                               std::uint16_t port);

}  // namespace confab::net
