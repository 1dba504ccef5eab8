// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// CORS and paths are modelled on what browsers and SDKs see, not on any framework.
#include "api/http/http_routes.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace confab::api {
namespace {

constexpr std::array<std::string_view, 6> kMethods{"OPTIONS", "HEAD",  "GET",
                                                   "POST",    "PATCH", "DELETE"};
constexpr std::string_view kBearer = "Bearer ";

std::string join_path(const std::vector<std::string_view>& parts, bool slash_at_end) {
    std::string out;
    for (const std::string_view part : parts)
        out.append("/").append(part);
    if (out.empty() || slash_at_end) out.push_back('/');
    return out;
}

// Removes empty, "." and ".." elements; the path starts with a slash.
std::string normalise(std::string_view path) {
    std::vector<std::string_view> parts;
    for (const std::string_view part : split(path, '/')) {
        if (part == "..") {
            if (!parts.empty()) parts.pop_back();
        } else if (!part.empty() && part != ".") {
            parts.push_back(part);
        }
    }
    return join_path(parts, path.ends_with('/'));
}

std::string html_escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&#34;";
        else if (c == '\'')
            out += "&#39;";
        else
            out.push_back(c);
    }
    return out;
}

}  // namespace

HttpResponse probe_response(std::string_view trouble) {
    const std::vector<HttpHeader> headers{{"Content-Type", std::string(kTextPlain)}};
    if (trouble.empty()) return {200, headers, "OK"};
    return {503, headers, "Not Ready\n" + std::string(trouble)};
}

HttpResponse health_response(Duration silent, std::string_view since) {
    const std::vector<HttpHeader> headers{{"Content-Type", std::string(kTextPlain)}};
    if (silent <= kSilentTooLong) return {200, headers, "OK"};
    return {406, headers, "Not Ready\nNode Updated At " + std::string(since)};
}

std::vector<HttpHeader> cors_headers(std::string_view path,
                                     std::optional<std::string_view> origin) {
    std::vector<HttpHeader> out{{"Vary", "Origin"}};
    if (path == "/rtc/validate" || path == "/rtc/v1/validate")
        out.push_back({"Access-Control-Allow-Origin", "*"});
    else if (origin && !origin->empty())
        out.push_back({"Access-Control-Allow-Origin", std::string(*origin)});
    if (origin && !origin->empty()) out.push_back({"Access-Control-Expose-Headers", "*"});
    return out;
}

HttpResponse preflight_response(std::optional<std::string_view> origin,
                                std::string_view requested_method,
                                std::string_view requested_headers) {
    HttpResponse out{
        204,
        {{"Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}},
        {}};
    const bool known =
        std::find(kMethods.begin(), kMethods.end(), requested_method) != kMethods.end();
    if (!origin || origin->empty() || !known) return out;
    out.headers.push_back({"Access-Control-Allow-Origin", std::string(*origin)});
    out.headers.push_back({"Access-Control-Allow-Methods", std::string(requested_method)});
    if (!requested_headers.empty())
        out.headers.push_back({"Access-Control-Allow-Headers", std::string(requested_headers)});
    out.headers.push_back({"Access-Control-Max-Age", "86400"});
    return out;
}

CleanPath clean_path(std::string_view path) {
    if (path.empty()) return {"/", false};
    if (path.starts_with("//") && !path.starts_with("///")) path.remove_prefix(1);
    if (path.front() != '/') return {std::string(path), false};
    std::string clean = normalise(path);
    const bool redirect = clean != path;
    return {std::move(clean), redirect};
}

HttpResponse redirect_response(std::string_view method, std::string_view path,
                               std::string_view query) {
    std::string target(path);
    if (!query.empty()) target.append("?").append(query);
    HttpResponse out{307, {{"Location", target}}, {}};
    if (method != "GET" && method != "HEAD") return out;
    out.headers.push_back({"Content-Type", "text/html; charset=utf-8"});
    if (method == "GET")
        out.body = "<a href=\"" + html_escape(target) + "\">Temporary Redirect</a>.\n\n";
    return out;
}

Result<std::optional<token::Grants>, HttpError> authenticate(
    std::optional<std::string_view> authorization, const QueryParams& query,
    const QueryParams& form, const token::KeyProvider& keys, UnixTime now) {
    std::string_view token;
    if (authorization && !trim(*authorization).empty()) {
        const std::string_view header = trim(*authorization);
        if (!header.starts_with(kBearer))
            return fail(HttpError{401, "invalid authorization header. Must start with Bearer "});
        token = trim(header.substr(kBearer.size()));
    } else {
        token = form.has("access_token") ? form.get("access_token") : query.get("access_token");
    }
    if (token.empty()) return std::nullopt;
    auto grants = token::verify_token(token, keys, now);
    if (!grants) return fail(HttpError{401, std::move(grants.error().text)});
    return std::optional<token::Grants>(*std::move(grants));
}

std::string client_address(std::string_view cf_connecting_ip, std::string_view x_forwarded_for,
                           std::string_view x_real_ip, std::string_view socket_address) {
    for (const std::string_view header : {cf_connecting_ip, x_forwarded_for, x_real_ip})
        if (!header.empty()) return std::string(header);
    return std::string(socket_address);
}

}  // namespace confab::api
