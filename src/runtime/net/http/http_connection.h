// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One connection of an HttpServer: reads requests one after the other, hands each to the
// handler, waits for its answer, writes it. Included by .cc files only.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "runtime/net/asio.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/http/connection_table.h"
#include "runtime/net/http/http_handover.h"
#include "runtime/net/http/http_parser.h"
#include "runtime/net/http/http_server.h"
#include "runtime/net/stream.h"
#include "runtime/net/websocket/websocket_start.h"

namespace confab::net {

class HttpConnection;

inline std::size_t share_of_one(const HttpServerOptions& options) {
    if (options.max_connections_per_address != 0) return options.max_connections_per_address;
    return std::max<std::size_t>(options.max_connections / 2, 1);
}

// What the connections share; outlives the server while one of them still writes.
struct ServerState {
    ServerState(EventLoop& event_loop, HttpServerOptions opts, HttpServer::Handler fn)
        : loop(event_loop),
          options(std::move(opts)),
          handler(std::move(fn)),
          table(ConnectionTable::make(options.max_connections, share_of_one(options))) {}
    // For the upgrades of `home` that have moved to another loop.
    ServerState(EventLoop& event_loop, const ServerState& home)
        : loop(event_loop), options(home.options), stats(home.stats) {}

    // The state of the same server for connections in `target`; of that loop only.
    std::shared_ptr<ServerState> state_in(EventLoop& target);
    // Cuts the connections that have moved.
    void cut_elsewhere();

    EventLoop& loop;
    HttpServerOptions options;
    HttpServer::Handler handler;
    TlsContext tls;                     // none: connections begin with HTTP
    HttpServer::Handler plain_handler;  // with `tls`: of requests that come without it
    PortShares shares;
    std::shared_ptr<ConnectionTable> table;  // WebSockets included
    std::shared_ptr<HttpServerStats> stats = std::make_shared<HttpServerStats>();
    std::set<HttpConnection*> connections;
    std::map<EventLoop*, std::shared_ptr<ServerState>> elsewhere;
    bool stopping = false;   // no keep-alive any more
    bool destroyed = false;  // the callbacks are not called any more
};

class HttpExchange::Impl {
  public:
    Impl(std::shared_ptr<HttpConnection> connection, std::uint64_t serial)
        : connection_(std::move(connection)), serial_(serial) {}
    HttpConnection& connection() { return *connection_; }
    std::uint64_t serial() const { return serial_; }

    std::shared_ptr<void> kept;  // HttpExchange::keep

  private:
    std::shared_ptr<HttpConnection> connection_;
    std::uint64_t serial_;
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
  public:
    HttpConnection(std::shared_ptr<ServerState> server, Stream stream, SocketAddress remote,
                   OpenConnection open);
    ~HttpConnection();

    void start(ConnectionTable::Slot slot);
    // Goes on with what another loop's connection began (http_handover.cc).
    static void take_over(const std::shared_ptr<ServerState>& server, HttpHandover& handover,
                          Callback<HttpExchange> there);
    // From the server.
    void cut();
    void close_if_idle();

    // From the exchange of request `serial`; ignored once that is answered.
    void answer(std::uint64_t serial, HttpResponse response);
    std::unique_ptr<WebSocket> upgrade(std::uint64_t serial, HttpHeaders headers,
                                       const WebSocketOptions& options, std::shared_ptr<void> kept);
    void abandon(std::uint64_t serial);
    void set_on_gone(std::uint64_t serial, std::function<void()> fn);
    void set_answer_limit(std::uint64_t serial, Duration limit);
    void move_to(std::uint64_t serial, EventLoop& target, Callback<HttpExchange> there);
    bool is_of(const EventLoop& loop) const { return &server_->loop == &loop; }
    bool is_waiting(std::uint64_t serial) const { return serial == serial_ && waiting_ && !gone_; }

  private:
    enum class Next : std::uint8_t { kKeepAlive, kClose, kLinger };

    asio::awaitable<void> run(std::shared_ptr<HttpConnection> self);
    // Whether HTTP comes next.
    asio::awaitable<bool> begin();
    void give_to(const std::function<void(AcceptedStream)>& other);
    asio::awaitable<Next> serve_one();
    asio::awaitable<bool> read_header(RequestParser& parser, ErrorCode& error);
    asio::awaitable<bool> read_body(RequestParser& parser, ErrorCode& error);
    asio::awaitable<bool> read_some();
    asio::awaitable<bool> write_all(std::string bytes);
    asio::awaitable<Next> refuse(HttpResponse response);
    asio::awaitable<Next> refuse_text(int status, std::string_view text);
    asio::awaitable<Next> answer_request(RequestParser& parser, bool truncated);
    asio::awaitable<Next> give_answer(bool keep_alive);
    asio::awaitable<void> finish(Next next);
    asio::awaitable<void> run_moved(std::shared_ptr<HttpConnection> self,
                                    Callback<HttpExchange> there);
    asio::awaitable<void> wait_until_taken();
    void taken() { answered_.cancel(); }
    std::shared_ptr<HttpHandover> leave_loop();
    void call_handler(HttpRequest request, HttpExchange exchange);
    asio::awaitable<void> wait_for_answer();
    asio::awaitable<void> linger();

    void watch_client();
    void client_gone();
    void set_idle(bool idle);
    void charge(std::size_t bytes);
    // False: this request must give way to the others.
    bool make_room();
    void give_way();
    std::size_t body_limit() const;
    void set_deadline(Duration from_now);

    std::shared_ptr<ServerState> server_;
    Stream stream_;
    OpenConnection open_;
    ConnectionTable::Slot slot_;
    std::shared_ptr<void> place_;  // the slot, when it is in another loop
    std::shared_ptr<HttpHandover> handover_;
    SocketAddress remote_;
    beast::flat_buffer buffer_;
    EventLoop::Timer watchdog_;    // cuts the socket when a read or write takes too long
    asio::steady_timer answered_;  // its cancellation wakes wait_for_answer()
    std::size_t charged_ = 0;      // our part of stats->buffered_bytes
    std::uint64_t serial_ = 0;     // of the request being answered
    Duration answer_limit_;        // of that request
    bool receiving_ = false;       // a header or a body
    bool gave_way_ = false;        // it held most when the server had to make room: 503
    bool waiting_ = false;         // the handler owes an answer
    bool gone_ = false;
    bool idle_ = true;
    bool timed_out_ = false;
    bool upgraded_ = false;
    bool head_only_ = false;
    int version_ = 11;
    std::optional<HttpResponse> answer_;
    HttpHeaders upgrade_headers_;
    std::function<void()> on_gone_;
};

}  // namespace confab::net
