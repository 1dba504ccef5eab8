// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the listener does with every request before and after its route (01 section 1): CORS, path
// cleaning, authentication. Order: preflight → clean path → authenticate → route → add the CORS
// headers to whatever is answered.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_types.h"
#include "api/http/query.h"
#include "base/result.h"
#include "base/time.h"
#include "token/grants.h"
#include "token/token.h"

namespace confab::api {

// CON-03. `nullopt` stands for an absent header; "null" is an Origin like any other.
// The headers of every reply but preflights. On the two validate paths the origin is always "*"
// (CON-22); a path that is redirected is not one of them yet.
std::vector<HttpHeader> cors_headers(std::string_view path, std::optional<std::string_view> origin);
// The answer to OPTIONS with Access-Control-Request-Method; nothing else goes through here.
HttpResponse preflight_response(std::optional<std::string_view> origin,
                                std::string_view requested_method,
                                std::string_view requested_headers);

// CON-04. `path` is what to serve; `redirect` is set instead when the client is to repeat the
// request there (307).
struct CleanPath {
    std::string path;
    bool redirect = false;
};
CleanPath clean_path(std::string_view path);
// The 307 of a redirect; `query` without '?'. GET and HEAD get a small page.
HttpResponse redirect_response(std::string_view method, std::string_view path,
                               std::string_view query);

// Threads tell of themselves each second.
inline constexpr Duration kSilentTooLong = Duration::seconds(4);

// CON-06: 200 `OK`, or 406 when a media worker or a control thread has been silent for too long;
// `since` is when it told of itself last, as text.
HttpResponse health_response(Duration silent, std::string_view since);
// The probes of OPS-01: the same 200, or 503 with what is wrong; empty: nothing is.
HttpResponse probe_response(std::string_view trouble);

// CON-20, CON-21: the token of a request and its grants. No token: success without grants.
// `authorization` is the header (nullopt if absent), `query` the query, `form` the pairs of a
// urlencoded POST body.
Result<std::optional<token::Grants>, HttpError> authenticate(
    std::optional<std::string_view> authorization, const QueryParams& query,
    const QueryParams& form, const token::KeyProvider& keys, UnixTime now);

// CON-08: the address of the client. Headers by their lower-case names; empty if absent.
std::string client_address(std::string_view cf_connecting_ip, std::string_view x_forwarded_for,
                           std::string_view x_real_ip, std::string_view socket_address);

}  // namespace confab::api
