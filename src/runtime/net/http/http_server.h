// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// HTTP/1.1 listener (01 CON-01): keep-alive, pipelining, HEAD, chunked bodies, 100-continue, and
// upgrades to WebSocket that may be decided long after the request came (CON-31).
// With serve_tls() it speaks HTTPS, and its port may be shared with ICE over TCP and TURN over TLS.
// CORS, routes and authentication are the handler's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/callback.h"
#include "base/net_address.h"
#include "base/result.h"
#include "base/time.h"
#include "runtime/net/detached_stream.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/http/connection_table.h"
#include "runtime/net/http/http_message.h"
#include "runtime/net/http/http_stats.h"
#include "runtime/net/tls/tls_context.h"
#include "runtime/net/websocket/websocket.h"

namespace confab::net {

// The right to answer one request, once, now or later. Destroyed without an answer it sends 500.
class HttpExchange {
  public:
    class Impl;
    explicit HttpExchange(std::unique_ptr<Impl> impl);
    HttpExchange(HttpExchange&&) noexcept;
    HttpExchange& operator=(HttpExchange&&) noexcept;
    ~HttpExchange();

    // Both consume the exchange: later calls do nothing (accept_websocket gives nullptr).
    void respond(HttpResponse response);
    // For requests with is_websocket_upgrade. `headers` go into the 101. nullptr if the client has
    // gone. A bad handshake (key, version) is answered with 400 and ends as WebSocketEnd::kError.
    std::unique_ptr<WebSocket> accept_websocket(HttpHeaders headers,
                                                const WebSocketOptions& options = {});

    // For requests with is_websocket_upgrade, once: the connection leaves the loop of the server,
    // and `there` is called in `target` with an exchange that is answered there, the upgrade or the
    // refusal, after which the connection closes. Not called if the client has gone before; if
    // `target` does not take it within handover_timeout, the client gets 503. `target` must outlive
    // the server, and the loop of the server whatever came to `target`.
    void move_to(EventLoop& target, Callback<HttpExchange> there);

    // Called at most once, from the loop, if the client goes away (or answer_timeout passes) before
    // the answer; not after this exchange is answered or destroyed.
    void on_gone(std::function<void()> fn);
    bool is_open() const;  // neither answered nor gone
    // Instead of HttpServerOptions::answer_timeout, from now on; within the call of the handler.
    void answer_within(Duration time);
    // Until the request is refused, or the WebSocket that it becomes has ended; `place` is let go
    // in whichever loop that happens.
    void keep(std::shared_ptr<void> place);

  private:
    std::unique_ptr<Impl> impl_;
};

struct HttpServerOptions {
    std::size_t max_header_bytes = 1024 * 1024;     // beyond: 431
    std::size_t max_header_count = 1000;            // beyond: 431
    std::size_t max_body_bytes = 10 * 1024 * 1024;  // Content-Length beyond: 413; 0 = kHardMaxBody
    // WebSockets included; beyond, the longest idle one gives way, or the new one is closed.
    std::size_t max_connections = 16'384;
    std::size_t max_connections_per_address = 0;  // 0 = half of them; not for this machine's own
    // Headers and bodies being received, over all connections; beyond, the request that holds most
    // is answered with 503 (08 IMM-15). What is below kSmallRequest comes through in any case, so
    // that few large bodies which never end do not close the server to everybody.
    std::size_t max_buffered_bytes = 256 * 1024 * 1024;
    Duration idle_timeout = Duration::seconds(120);    // between requests
    Duration header_timeout = Duration::seconds(10);   // connection or first byte → end of header
    Duration body_timeout = Duration::seconds(60);     // end of header → end of body
    Duration answer_timeout = Duration::seconds(60);   // request → respond(); beyond: 503
    Duration handover_timeout = Duration::seconds(3);  // move_to() → taken; beyond: 503 (CON-46)
    Duration write_timeout = Duration::seconds(30);
    // Called on answers of the server itself when the request is known (413), so that the CORS
    // headers get there too (CON-03).
    std::function<void(const HttpRequest&, HttpResponse&)> decorate_refusal;

    // Asked of each new connection; false: it is closed, and whoever said so counts it. Empty: all
    // are taken.
    std::function<bool(const IpAddress&)> admit;

    // Told now and then when connections cannot be taken, mostly for want of descriptors.
    std::function<void(const std::string& error, std::uint64_t count)> on_accept_error;

    // Told at the first connection that a limit refused, then at most once a minute for each limit.
    // `count` is of all refused so far.
    std::function<void(ConnectionLimit limit, const IpAddress& address, std::uint64_t count)>
        on_refused;

    static constexpr std::size_t kHardMaxBody = 64 * 1024 * 1024;
    static constexpr std::size_t kSmallRequest = 64 * 1024;
};

// Who else is reached at a port with TLS, told apart by what connections begin with
// (wire/first_bytes.h). Each gets the connection with everything that it sent still to be read.
// Where there is nobody it closes.
struct PortShares {
    std::function<void(AcceptedStream)> ice_tcp;  // without TLS
    std::function<void(AcceptedStream)> turn;     // within TLS, which goes along
};

class HttpServer {
  public:
    using Handler = std::function<void(HttpRequest, HttpExchange)>;

    HttpServer(EventLoop& loop, HttpServerOptions options, Handler handler);
    ~HttpServer();  // cuts all connections, wherever they are; WebSockets live on
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // `address` is an IP address; "" is all interfaces, IPv6 and IPv4. Port 0 picks one. May be
    // called several times. Gives the bound address, or a text for the operator.
    Result<SocketAddress, std::string> listen(const std::string& address, std::uint16_t port);
    // Connections that come from now on begin with TLS. `plain` answers requests without it.
    void serve_tls(TlsContext context, Handler plain);
    // After serve_tls(): for connections that come from now on; others go on.
    void set_certificates(TlsContext context);
    // After serve_tls().
    void share(PortShares shares);
    // No new connections, idle ones are closed, the others after their answer. connections_open of
    // stats() tells when all is done (CON-11).
    void shutdown();
    const HttpServerStats& stats() const;  // to be read by any thread

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace confab::net
