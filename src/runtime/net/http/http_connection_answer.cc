// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// HttpConnection: one request, from the handler to its answer or its upgrade.
#include <array>
#include <exception>

#include "runtime/net/http/http_connection.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include "runtime/net/event_loop_impl.h"

namespace confab::net {

namespace {

constexpr std::size_t kReadChunk = 16 * 1024;
constexpr std::size_t kMaxPipelined = 64 * 1024;  // read ahead while a request is answered
constexpr std::size_t kKeepBuffer = 64 * 1024;

}  // namespace

asio::awaitable<HttpConnection::Next> HttpConnection::answer_request(RequestParser& parser,
                                                                     bool truncated) {
    HttpRequest request;
    if (!split_target(parser.target, request.path, request.query))
        co_return co_await refuse_text(400, "400 Bad Request");
    if (server_->destroyed) co_return Next::kClose;  // so may be what the handler refers to
    const bool keep_alive = parser.keep_alive() && !truncated;
    request.method = std::move(parser.method);
    request.target = std::move(parser.target);
    request.version = parser.version_number;
    request.headers = std::move(parser.headers);
    request.body = std::move(parser.body);
    request.body_truncated = truncated;
    request.remote = remote_;
    request.is_websocket_upgrade = request.method == "GET" &&
                                   request.headers.has_token("Connection", "upgrade") &&
                                   request.headers.has_token("Upgrade", "websocket");
    charge(buffer_.size());
    head_only_ = request.method == "HEAD";
    version_ = request.version;
    if (request.is_websocket_upgrade) {
        upgrade_headers_ = request.headers;
    }

    watchdog_.cancel();
    answer_.reset();
    waiting_ = true;
    answer_limit_ = server_->options.answer_timeout;
    ++serial_;
    HttpExchange exchange(std::make_unique<HttpExchange::Impl>(shared_from_this(), serial_));
    call_handler(std::move(request), std::move(exchange));
    co_return co_await give_answer(keep_alive);
}

asio::awaitable<HttpConnection::Next> HttpConnection::give_answer(bool keep_alive) {
    if (waiting_) co_await wait_for_answer();
    if (handover_) co_await wait_until_taken();
    waiting_ = false;
    on_gone_ = nullptr;
    if (upgraded_ || !answer_) co_return Next::kClose;

    ++server_->stats->responses[answer_->status];
    ResponseForm form;
    form.head_only = head_only_;
    form.version = version_;
    form.keep_alive = keep_alive && !gone_ && !server_->stopping &&
                      !answer_->headers.has_token("Connection", "close");
    const HttpResponse response = std::move(*answer_);
    answer_.reset();
    const bool written = co_await write_all(serialize(response, form, EventLoop::wall()));
    if (!written) co_return Next::kClose;
    if (buffer_.size() == 0 && buffer_.capacity() > kKeepBuffer) buffer_.shrink_to_fit();
    co_return form.keep_alive ? Next::kKeepAlive : Next::kLinger;
}

// One request that fails does not take the others with it (01 CON-02): its exchange is destroyed
// unanswered, which is a 500.
void HttpConnection::call_handler(HttpRequest request, HttpExchange exchange) {
    const bool is_plain = server_->tls && stream_.tls() == nullptr;
    const HttpServer::Handler& handler = is_plain ? server_->plain_handler : server_->handler;
    try {
        handler(std::move(request), std::move(exchange));
    } catch (const std::exception& error) {
        ++server_->stats->handler_failures;
        server_->loop.report_failure(error.what());
    }
}

asio::awaitable<void> HttpConnection::wait_for_answer() {
    const Timestamp deadline = EventLoop::now() + answer_limit_;
    watch_client();
    while (waiting_ && stream_.is_open() && EventLoop::now() < deadline) {
        answered_.expires_at(to_steady(deadline));
        (void)co_await answered_.async_wait(use_result);
    }
    if (!waiting_) co_return;
    client_gone();
    if (!stream_.is_open() || !waiting_) co_return;
    ++server_->stats->timeouts;
    answer_ = HttpResponse::text(503, "503 Service Unavailable");
}

// While the handler thinks, the socket is watched only for readiness: a wait can be cancelled
// without losing bytes. What a pipelining client sends meanwhile is kept up to a limit.
void HttpConnection::watch_client() {
    if (buffer_.size() >= kMaxPipelined) return;
    ErrorCode ignored;
    tcp::socket& socket = stream_.socket();
    socket.non_blocking(true, ignored);
    socket.async_wait(tcp::socket::wait_read,
                      [self = shared_from_this(), mine = serial_](ErrorCode error) {
                          if (error || mine != self->serial_ || !self->waiting_ || self->upgraded_)
                              return;
                          const auto space = self->buffer_.prepare(kReadChunk);
                          const std::size_t size = self->stream_.read_some(space, error);
                          self->buffer_.commit(size);
                          if (error && error != asio::error::would_block)
                              return self->client_gone();
                          self->charge(self->buffer_.size());
                          self->watch_client();
                      });
}

// A client that only closed its sending side may still get an answer; nobody has to give one.
void HttpConnection::client_gone() {
    gone_ = true;
    const std::function<void()> call = std::exchange(on_gone_, nullptr);
    if (call) call();
}

void HttpConnection::answer(std::uint64_t serial, HttpResponse response) {
    if (serial != serial_ || !waiting_) return;
    waiting_ = false;
    on_gone_ = nullptr;
    answer_ = std::move(response);
    stream_.cancel();
    answered_.cancel();
}

void HttpConnection::abandon(std::uint64_t serial) {
    if (serial != serial_ || !waiting_) return;
    if (!gone_) return answer(serial, HttpResponse::text(500, "500 Internal Server Error"));
    waiting_ = false;
    on_gone_ = nullptr;
    answered_.cancel();
}

std::unique_ptr<WebSocket> HttpConnection::upgrade(std::uint64_t serial, HttpHeaders headers,
                                                   const WebSocketOptions& options,
                                                   std::shared_ptr<void> kept) {
    if (serial != serial_ || !waiting_) return nullptr;
    if (gone_ || !stream_.is_open()) {
        abandon(serial);
        return nullptr;
    }
    waiting_ = false;
    on_gone_ = nullptr;
    upgraded_ = true;
    stream_.cancel();
    answered_.cancel();
    ++server_->stats->responses[101];
    WebSocketStart start;
    start.request_headers = std::move(upgrade_headers_);
    start.response_headers = std::move(headers);
    start.received.assign(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    if (!place_) place_ = std::make_shared<ConnectionTable::Slot>(std::move(slot_));
    using Places = std::array<std::shared_ptr<void>, 2>;
    start.place = std::make_shared<Places>(Places{std::move(place_), std::move(kept)});
    return start_websocket(server_->loop, std::move(stream_), std::move(start), options,
                           server_->stats);
}

void HttpConnection::set_on_gone(std::uint64_t serial, std::function<void()> fn) {
    if (serial != serial_ || !waiting_) return;
    on_gone_ = std::move(fn);
}

void HttpConnection::set_answer_limit(std::uint64_t serial, Duration limit) {
    if (serial == serial_) answer_limit_ = limit;
}

}  // namespace confab::net
