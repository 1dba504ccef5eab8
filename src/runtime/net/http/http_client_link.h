// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One connection of an HttpClient: opens, carries one request after the other. Included by .cc
// files only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "runtime/net/event_loop.h"
#include "runtime/net/http/http_client.h"
#include "runtime/net/http/http_parser.h"
#include "runtime/net/stream.h"

namespace confab::net {

class HttpClientLink {
  public:
    explicit HttpClientLink(EventLoop& loop);

    // Each gives nothing when all is well.
    using Failure = std::optional<HttpClientError>;
    // `tls` is asked for the context when the URL is https.
    asio::awaitable<Failure> open(const HttpUrl& url,
                                  const std::function<bool(const IpAddress&)>& allow,
                                  const std::function<ssl::context&()>& tls);
    // On kClosed, was_answered() tells whether a byte of the response had come. `header_came` is
    // called once the rest of the response is waited for.
    asio::awaitable<Failure> exchange(const HttpClientRequest& request, const HttpUrl& url,
                                      const ParserLimits& limits, HttpResponse& response,
                                      const std::function<void()>& header_came);
    bool was_answered() const { return was_answered_; }
    // Whether a further request may be sent after the exchange that succeeded.
    bool can_be_reused() const { return keep_alive_; }
    // Asked right before: false when the server has closed it or said something unasked.
    bool is_quiet();
    // Ends what is under way.
    void cut();

  private:
    asio::awaitable<Failure> handshake(const HttpUrl& url, ssl::context& context);
    asio::awaitable<Failure> read(ResponseParser& parser, const std::function<void()>& header_came);

    tcp::resolver resolver_;
    Stream stream_;
    beast::flat_buffer buffer_;
    bool was_answered_ = false;
    bool keep_alive_ = false;
};

// Connections without a request, by where they lead (RFC 9112 §9.3).
class HttpClientPool {
  public:
    HttpClientPool(EventLoop& loop, std::size_t limit, Duration lifetime)
        : loop_(loop), limit_(limit), lifetime_(lifetime) {}

    // Null if none is there.
    std::unique_ptr<HttpClientLink> take(const HttpUrl& url);
    // Keeps it for its lifetime; beyond the limit the oldest one is closed.
    void put(const HttpUrl& url, std::unique_ptr<HttpClientLink> link);
    void clear() { idle_.clear(); }
    std::size_t size() const { return idle_.size(); }

  private:
    using Place = std::tuple<bool, std::string, std::uint16_t>;
    struct Idle {
        Place place;
        std::unique_ptr<HttpClientLink> link;
        EventLoop::Timer end;
    };
    static Place place_of(const HttpUrl& url) { return {url.tls, url.host, url.port}; }

    EventLoop& loop_;
    std::size_t limit_;
    Duration lifetime_;
    std::uint64_t next_ = 0;
    std::map<std::uint64_t, Idle> idle_;  // oldest first
};

}  // namespace confab::net
