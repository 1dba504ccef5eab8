// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The URL part of http_client.h (RFC 3986 §3, http and https only).
#include "base/text.h"
#include "runtime/net/http/http_client.h"

namespace confab::net {

namespace {

bool has_bad_character(std::string_view text) {
    for (const char c : text)
        if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) == 0x7F)
            return true;
    return false;
}

}  // namespace

confab::Result<HttpUrl, HttpClientError> parse_http_url(std::string_view text) {
    HttpUrl url;
    if (text.size() > 8192 || has_bad_character(text)) return fail(HttpClientError::kBadUrl);
    if (equals_ignore_case(text.substr(0, 7), "http://")) {
        text.remove_prefix(7);
    } else if (equals_ignore_case(text.substr(0, 8), "https://")) {
        text.remove_prefix(8);
        url.tls = true;
        url.port = 443;
    } else {
        return fail(HttpClientError::kBadUrl);
    }
    const std::uint16_t default_port = url.port;
    text = text.substr(0, text.find('#'));
    const std::size_t slash = std::min(text.find_first_of("/?"), text.size());
    std::string_view authority = text.substr(0, slash);
    url.target = std::string(text.substr(slash));
    if (url.target.empty() || url.target.front() == '?') url.target.insert(0, "/");
    if (authority.find('@') != std::string_view::npos) return fail(HttpClientError::kBadUrl);

    std::string_view host = authority;
    std::string_view port;
    bool has_port = false;
    const std::size_t colon = authority.rfind(':');
    const std::size_t bracket = authority.rfind(']');
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
        host = authority.substr(0, colon);
        port = authority.substr(colon + 1);
        has_port = !port.empty();
    }
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    url.host = std::string(bracketed ? host.substr(1, host.size() - 2) : host);
    if (url.host.empty() || (!bracketed && url.host.find_first_of("[]:") != std::string::npos))
        return fail(HttpClientError::kBadUrl);
    if (has_port) {
        const auto number = parse_decimal<std::uint16_t>(port);
        if (!number || *number == 0) return fail(HttpClientError::kBadUrl);
        url.port = *number;
    }
    url.host_header = std::string(host);
    if (url.port != default_port) url.host_header += ":" + std::to_string(url.port);
    return url;
}

std::string_view to_string(HttpClientError error) {
    switch (error) {
        case HttpClientError::kBadUrl:
            return "bad url";
        case HttpClientError::kBusy:
            return "too many requests under way";
        case HttpClientError::kResolve:
            return "name not resolved";
        case HttpClientError::kForbidden:
            return "address not allowed";
        case HttpClientError::kConnect:
            return "connection refused";
        case HttpClientError::kTls:
            return "tls handshake failed";
        case HttpClientError::kTimeout:
            return "timeout";
        case HttpClientError::kClosed:
            return "connection closed";
        case HttpClientError::kBadResponse:
            return "bad response";
        case HttpClientError::kTooLarge:
            return "response too large";
    }
    return "unknown";
}

}  // namespace confab::net
