// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_redirect.h"

#include <algorithm>
#include <string_view>

namespace confab::net {
namespace {

constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kMaxHost = 255;

// A name or an address, an IPv6 one in brackets (RFC 3986 §3.2.2); without the port behind it.
std::string_view host_of(std::string_view authority) {
    const std::size_t end =
        authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':');
    const std::string_view host = authority.substr(0, end);
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == ':' || c == '[' || c == ']';
    };
    const bool good = host.size() <= kMaxHost && std::all_of(host.begin(), host.end(), is_plain);
    return good ? host : std::string_view();
}

// Into a header line goes what a target may have (RFC 9112 §3.2), nothing else.
bool is_plain_target(std::string_view target) {
    return target.starts_with('/') &&
           std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

HttpResponse redirect_to_https(const HttpRequest& request, const std::string& domain,
                               std::uint16_t port) {
    std::string host(host_of(request.headers.get("Host")));
    if (host.empty()) host = domain;
    if (host.empty()) return HttpResponse::text(400, "this server speaks https only\n");
    const std::string place = port == kHttpsPort ? "" : ":" + std::to_string(port);
    std::string target = request.path;
    if (!request.query.empty()) target += "?" + request.query;
    if (!is_plain_target(target)) target = "/";
    HttpResponse response = HttpResponse::text(308, "this server speaks https only\n");
    response.headers.set("Location", "https://" + host + place + target);
    return response;
}

}  // namespace confab::net
