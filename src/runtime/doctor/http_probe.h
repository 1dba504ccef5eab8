// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a server answers over HTTP: its root, and whether it takes a token.
#pragma once

#include <string>

#include "runtime/doctor/waiting.h"

namespace confab::doctor {

struct HttpQuestion {
    std::string base;  // "https://host:port", without a slash at its end
    std::string token;
    // Signed with the key, named after the secret: asked for where the other is refused. Empty:
    // never.
    std::string swapped_token;
};

// Without a token only the root is asked.
HttpFacts probe_http(const HttpQuestion& question, const Deadline& deadline);

// The header Date (RFC 9110 §5.6.7), in the form that every server sends today.
std::optional<UnixTime> parse_http_date(std::string_view text);

}  // namespace confab::doctor
