// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Requests and responses of HTTP/1.1 as plain values (RFC 9110, RFC 9112).
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net_address.h"
#include "base/time.h"

namespace confab::net {

struct HttpHeader {
    std::string name;
    std::string value;
    bool operator==(const HttpHeader&) const = default;
};

// In the order of the message; names compare without case.
class HttpHeaders {
  public:
    HttpHeaders() = default;
    HttpHeaders(std::initializer_list<HttpHeader> list) : list_(list) {}

    void add(std::string name, std::string value) {
        list_.push_back({std::move(name), std::move(value)});
    }
    // Replaces the first of that name and removes the others.
    void set(std::string_view name, std::string value);
    // The first of that name.
    std::optional<std::string_view> find(std::string_view name) const;
    // find(), or empty.
    std::string_view get(std::string_view name) const { return find(name).value_or(""); }
    // Whether a comma-separated header lists this token (without case), over all its lines.
    bool has_token(std::string_view name, std::string_view token) const;

    std::size_t size() const { return list_.size(); }
    bool empty() const { return list_.empty(); }
    auto begin() const { return list_.begin(); }
    auto end() const { return list_.end(); }

  private:
    std::vector<HttpHeader> list_;
};

struct HttpRequest {
    std::string method;
    std::string target;  // as received
    std::string path;    // of the target, percent-encoding untouched; starts with '/' (or is "*")
    std::string query;   // of the target, without '?', raw
    int version = 11;    // 10 or 11
    HttpHeaders headers;
    std::string body;
    // A chunked body passed the limit and `body` is only its beginning (01 CON-05).
    bool body_truncated = false;
    // GET with Upgrade: websocket and Connection: upgrade.
    bool is_websocket_upgrade = false;
    SocketAddress remote;  // an IPv4-mapped peer as IPv4
};

struct HttpResponse {
    int status = 200;
    // Without Content-Length, Transfer-Encoding and Date. `Connection: close` ends the connection
    // behind this answer, any other Connection is left out.
    HttpHeaders headers;
    std::string body;

    static HttpResponse text(int status, std::string body);
};

std::string_view reason_phrase(int status);
// RFC 9110 §5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(UnixTime time);
// Splits a target into path and query; absolute form loses scheme and authority. False if it is
// none of origin, absolute or asterisk form.
bool split_target(std::string_view target, std::string& path, std::string& query);

struct ResponseForm {
    bool head_only = false;  // the request was HEAD
    bool keep_alive = true;
    int version = 11;
};
// Whether a header line can go out: a token as name; no CR, LF or NUL, and at most
// kMaxWrittenHeader bytes; none of those we write ourselves.
inline constexpr std::size_t kMaxWrittenHeader = 16 * 1024;
bool is_writable(const HttpHeader& header);
// The bytes on the wire. Header lines that are not writable are left out.
std::string serialize(const HttpResponse& response, const ResponseForm& form, UnixTime now);

}  // namespace confab::net
