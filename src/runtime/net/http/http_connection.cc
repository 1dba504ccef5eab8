// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_connection.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <array>
#include <boost/asio/write.hpp>

#include "base/text.h"
#include "runtime/net/endpoint.h"
#include "runtime/net/event_loop_impl.h"
#include "runtime/net/tls/stream_entry.h"

namespace confab::net {

namespace {

constexpr std::size_t kReadChunk = 16 * 1024;
constexpr std::size_t kMaxChunkHeader = 64 * 1024;
constexpr std::size_t kMaxLinger = 1024 * 1024;

// RFC 9112 §3.2: one Host in HTTP/1.1. RFC 9110 §10.1.1: only 100-continue is known.
std::optional<HttpResponse> header_fault(const RequestParser& parser) {
    if (parser.version_number >= 11 && !parser.headers.find("Host"))
        return HttpResponse::text(400, "400 Bad Request: missing required Host header");
    const auto expect = parser.headers.find("Expect");
    if (expect && !equals_ignore_case(*expect, "100-continue"))
        return HttpResponse::text(417, "417 Expectation Failed");
    return std::nullopt;
}

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<ServerState> server, Stream stream,
                               SocketAddress remote, OpenConnection open)
    : server_(std::move(server)),
      stream_(std::move(stream)),
      open_(std::move(open)),
      remote_(remote),
      watchdog_(server_->loop),
      answered_(context_of(server_->loop)) {
    server_->connections.insert(this);
}

HttpConnection::~HttpConnection() {
    charge(0);
    server_->connections.erase(this);
}

void HttpConnection::start(ConnectionTable::Slot slot) {
    slot_ = std::move(slot);
    asio::co_spawn(context_of(server_->loop), run(shared_from_this()), Rethrow{});
}

void HttpConnection::cut() {
    stream_.close();
    answered_.cancel();
}

void HttpConnection::set_idle(bool idle) {
    idle_ = idle;
    if (idle)
        slot_.set_idle(EventLoop::now());
    else
        slot_.set_busy();
}

void HttpConnection::close_if_idle() {
    if (idle_) cut();
}

void HttpConnection::set_deadline(Duration from_now) {
    // The timer is a member and cancels itself: `this` outlives it.
    watchdog_.set(EventLoop::now() + from_now, [this] {
        timed_out_ = true;
        if (!idle_) ++server_->stats->timeouts;
        cut();
    });
}

void HttpConnection::charge(std::size_t bytes) {
    server_->stats->buffered_bytes += bytes;
    server_->stats->buffered_bytes -= charged_;
    charged_ = bytes;
}

// Looks at all connections, but each time it does one of them goes.
bool HttpConnection::make_room() {
    const auto held = [](const HttpConnection* connection) {
        return connection->receiving_ ? connection->charged_ : 0;
    };
    while (!gave_way_ && charged_ >= HttpServerOptions::kSmallRequest &&
           server_->stats->buffered_bytes > server_->options.max_buffered_bytes) {
        HttpConnection* largest = this;
        for (HttpConnection* other : server_->connections)
            if (held(other) > held(largest)) largest = other;
        largest->give_way();
        if (largest != this) largest->stream_.cancel();  // its read fails, and it finds out why
    }
    return !gave_way_;
}

void HttpConnection::give_way() {
    gave_way_ = true;
    receiving_ = false;
    charge(0);  // freed in a moment; nobody else has to go for it
}

std::size_t HttpConnection::body_limit() const {
    const std::size_t limit = server_->options.max_body_bytes;
    return limit == 0 ? HttpServerOptions::kHardMaxBody : limit;
}

// ------------------------------------------------------------ the conversation

asio::awaitable<void> HttpConnection::run(std::shared_ptr<HttpConnection> self) {
    const bool begun = co_await begin();
    Next next = begun ? Next::kKeepAlive : Next::kClose;
    while (next == Next::kKeepAlive)
        next = co_await serve_one();
    co_await finish(next);
    self.reset();
}

asio::awaitable<bool> HttpConnection::begin() {
    if (!server_->tls) co_return true;
    set_idle(true);
    set_deadline(server_->options.header_timeout);
    const bool looks_inside = static_cast<bool>(server_->shares.turn);
    const StreamEntry entry = co_await enter(stream_, server_->tls, looks_inside);
    if (entry == StreamEntry::kNoHandshake) ++server_->stats->handshakes_failed;
    if (entry == StreamEntry::kIceTcp) give_to(server_->shares.ice_tcp);
    if (entry == StreamEntry::kTurn) give_to(server_->shares.turn);
    co_return entry == StreamEntry::kHttp;
}

// Where there is nobody the connection ends.
void HttpConnection::give_to(const std::function<void(AcceptedStream)>& other) {
    if (!other || server_->destroyed || server_->stopping) return;
    ErrorCode error;
    const SocketAddress local = to_address(stream_.socket().local_endpoint(error));
    if (error) return;
    std::optional<DetachedStream> stream = stream_.detach();
    if (!stream) return;
    ++server_->stats->connections_shared;
    other({std::move(*stream), local, remote_});
}

asio::awaitable<void> HttpConnection::finish(Next next) {
    if (next == Next::kLinger) co_await linger();
    watchdog_.cancel();
    if (!upgraded_) cut();
    on_gone_ = nullptr;
}

asio::awaitable<HttpConnection::Next> HttpConnection::serve_one() {
    const HttpServerOptions& options = server_->options;
    RequestParser parser({options.max_header_bytes, options.max_header_count, body_limit()});
    ErrorCode error;
    receiving_ = true;
    const bool have_header = co_await read_header(parser, error);
    if (gave_way_) co_return co_await refuse_text(503, "503 Service Unavailable");
    if (error == beast::http::error::header_limit)
        co_return co_await refuse_text(431, "431 Request Header Fields Too Large");
    if (error) co_return co_await refuse_text(400, "400 Bad Request");
    if (!have_header) co_return Next::kClose;
    if (std::optional<HttpResponse> fault = header_fault(parser))
        co_return co_await refuse(std::move(*fault));

    const boost::optional<std::uint64_t> length = parser.content_length();
    if (length && *length > body_limit()) {
        HttpResponse refusal = HttpResponse::text(413, "request body too large");
        HttpRequest request;
        request.method = parser.method;
        request.target = parser.target;
        (void)split_target(parser.target, request.path, request.query);
        request.headers = std::move(parser.headers);
        if (options.decorate_refusal && !server_->destroyed)
            options.decorate_refusal(request, refusal);
        co_return co_await refuse(std::move(refusal));
    }

    const bool have_body = co_await read_body(parser, error);
    receiving_ = false;
    if (gave_way_) co_return co_await refuse_text(503, "503 Service Unavailable");
    if (error && error != beast::http::error::body_limit)
        co_return co_await refuse_text(400, "400 Bad Request");
    if (!error && !have_body) co_return Next::kClose;
    co_return co_await answer_request(parser, bool{error});
}

// False without an error: the client went away or was too slow.
asio::awaitable<bool> HttpConnection::read_header(RequestParser& parser, ErrorCode& error) {
    const HttpServerOptions& options = server_->options;
    set_idle(buffer_.size() == 0);
    set_deadline(idle_ && serial_ > 0 ? options.idle_timeout : options.header_timeout);
    while (true) {
        if (buffer_.size() > 0) {
            if (idle_) {
                set_deadline(options.header_timeout);
                set_idle(false);
            }
            error = parser.feed(buffer_);
            if (error) co_return false;
            if (parser.is_header_done()) co_return true;
        }
        charge(buffer_.size());
        if (!make_room()) co_return true;
        const bool more = co_await read_some();
        if (!more) co_return false;
    }
}

asio::awaitable<bool> HttpConnection::read_body(RequestParser& parser, ErrorCode& error) {
    set_deadline(server_->options.body_timeout);
    parser.eager(true);
    if (!parser.is_done()) error = parser.feed(buffer_);
    if (!error && !parser.is_done() && parser.headers.find("Expect")) {
        const bool written = co_await write_all("HTTP/1.1 100 Continue\r\n\r\n");
        if (!written) co_return false;
        set_deadline(server_->options.body_timeout);
    }
    while (!error && !parser.is_done()) {
        charge(buffer_.size() + parser.header_memory + parser.body.capacity());
        if (!make_room()) co_return true;
        const bool more = co_await read_some();
        if (!more) co_return false;
        error = parser.feed(buffer_);
        // Only the head of a chunk can stay unparsed; it has no use for so many bytes.
        if (!error && !parser.is_done() && buffer_.size() > kMaxChunkHeader)
            error = beast::http::error::bad_chunk;
    }
    charge(buffer_.size() + parser.header_memory + parser.body.capacity());
    co_return !error;
}

asio::awaitable<bool> HttpConnection::read_some() {
    const auto space = buffer_.prepare(kReadChunk);
    const auto [error, size] = co_await stream_.async_read_some(space, use_result);
    if (error) co_return false;
    buffer_.commit(size);
    co_return true;
}

asio::awaitable<bool> HttpConnection::write_all(std::string bytes) {
    set_deadline(server_->options.write_timeout);
    const auto [error, size] = co_await asio::async_write(stream_, asio::buffer(bytes), use_result);
    co_return !error && size == bytes.size();
}

// An answer of the server itself; the rest of the request is not read, so the connection ends.
asio::awaitable<HttpConnection::Next> HttpConnection::refuse(HttpResponse response) {
    receiving_ = false;
    ++server_->stats->responses[response.status];
    ResponseForm form;
    form.keep_alive = false;
    const bool written = co_await write_all(serialize(response, form, EventLoop::wall()));
    co_return written ? Next::kLinger : Next::kClose;
}

asio::awaitable<HttpConnection::Next> HttpConnection::refuse_text(int status,
                                                                  std::string_view text) {
    HttpResponse response = HttpResponse::text(status, std::string(text));
    co_return co_await refuse(std::move(response));
}

// Closing with unread bytes in the socket would reset the connection and destroy the answer before
// the client reads it (RFC 9112 §9.6).
asio::awaitable<void> HttpConnection::linger() {
    stream_.shutdown_send();
    buffer_.clear();
    buffer_.shrink_to_fit();
    charge(0);
    set_idle(true);
    set_deadline(Duration::millis(500));
    std::size_t dropped = 0;
    std::array<char, 4096> rubbish{};
    while (dropped < kMaxLinger) {
        const auto [error, size] =
            co_await stream_.async_read_some(asio::buffer(rubbish), use_result);
        if (error) break;
        dropped += size;
    }
}

}  // namespace confab::net
