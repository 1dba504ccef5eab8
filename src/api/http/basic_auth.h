// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// HTTP Basic authentication (RFC 7617 §2) of the metrics port (01 CON-10).
#pragma once

#include <optional>
#include <string_view>

#include "api/http/http_types.h"

namespace confab::api {

// Does an Authorization header name this user and password? Takes as long for a wrong password as
// for the right one.
bool basic_auth_matches(std::optional<std::string_view> authorization, std::string_view user,
                        std::string_view password);
// 401 with the realm of CON-10 and an empty body.
HttpResponse basic_auth_challenge();

}  // namespace confab::api
