// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// HTTP/1.1 requests over http or https, without redirects or cookies (webhooks, 01 HOOK-03).
// Connections are kept and used again (RFC 9112 §9.3). https verifies the certificate and the name
// against the system's roots (and `extra_ca_pem`).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/net_address.h"
#include "base/result.h"
#include "base/time.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/http/http_message.h"

namespace confab::net {

enum class HttpClientError : std::uint8_t {
    kBadUrl,
    kBusy,  // max_requests are under way
    kResolve,
    kForbidden,  // every address was refused by allow_address
    kConnect,    // refused, or connect_timeout is over
    kTls,        // handshake or certificate
    kTimeout,
    kClosed,  // connection lost before the response was complete
    kBadResponse,
    kTooLarge,  // response header or body
};
std::string_view to_string(HttpClientError error);

struct HttpClientRequest {
    std::string method = "POST";
    std::string url;
    HttpHeaders headers;  // Host and Content-Length are added
    std::string body;
    Duration timeout = Duration::seconds(10);          // for everything together
    Duration connect_timeout = Duration::seconds(10);  // of it, until the request can be sent
    // The status is the answer: what comes behind the header may be broken, too large or late, and
    // is left out then.
    bool status_suffices = false;
};

struct HttpClientOptions {
    std::size_t max_requests = 256;         // under way; beyond: kBusy
    std::size_t max_idle_connections = 64;  // kept for a next request; beyond: the oldest closes
    Duration idle_timeout = Duration::seconds(30);
    std::size_t max_response_header_bytes = 64 * 1024;
    std::size_t max_response_body_bytes = 1024 * 1024;
    // How long what comes behind the header is waited for, where the status suffices.
    Duration body_patience = Duration::seconds(2);
    // Asked for every resolved address before connecting (08 IMM-14); empty allows all.
    std::function<bool(const IpAddress&)> allow_address;
    std::string extra_ca_pem;
};

struct HttpClientStats {
    std::uint64_t connections = 0;  // opened since the start
};

class HttpClient {
  public:
    using Result = confab::Result<HttpResponse, HttpClientError>;
    using Callback = std::function<void(Result)>;

    explicit HttpClient(EventLoop& loop, HttpClientOptions options = {});
    ~HttpClient();  // cancels; no callback is called any more
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // `done` is called once from the loop, never inside send().
    void send(HttpClientRequest request, Callback done);
    std::size_t under_way() const;
    const HttpClientStats& stats() const;
    // Reads the system's certificates now instead of at the first https request.
    void prepare_tls();

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

// "https://host:port/path?query"; user info is refused.
struct HttpUrl {
    bool tls = false;
    std::string host;  // without brackets
    std::uint16_t port = 80;
    std::string target;  // path and query, at least "/"
    std::string host_header;
};
Result<HttpUrl, HttpClientError> parse_http_url(std::string_view url);

}  // namespace confab::net
