// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/http/basic_auth.h"

#include <string>

#include "base/bytes.h"
#include "base/text.h"

namespace confab::api {

bool basic_auth_matches(std::optional<std::string_view> authorization, std::string_view user,
                        std::string_view password) {
    constexpr std::string_view kScheme = "Basic ";
    if (!authorization || authorization->size() < kScheme.size() ||
        !equals_ignore_case(authorization->substr(0, kScheme.size()), kScheme))
        return false;
    const auto given = base64_decode(trim(authorization->substr(kScheme.size())));
    if (!given) return false;
    std::string expected(user);
    expected.append(":").append(password);
    return equal_constant_time(*given, as_bytes(expected));
}

HttpResponse basic_auth_challenge() {
    return {401, {{"WWW-Authenticate", "Basic realm=\"Protected Area\""}}, {}};
}

}  // namespace confab::api
