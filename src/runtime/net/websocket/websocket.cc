// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/websocket/websocket.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <poll.h>

#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <exception>
#include <optional>

#include "base/text.h"
#include "runtime/net/event_loop_impl.h"
#include "runtime/net/websocket/websocket_impl.h"
#include "runtime/net/websocket/websocket_transport.h"

namespace confab::net {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

namespace {

constexpr std::size_t kReadChunk = 64 * 1024;
constexpr std::size_t kKeepBuffer = 4 * 1024;
constexpr int kCompressionWindowBits = 12;
constexpr Duration kCloseTimeout = Duration::seconds(1);  // for the close frame of the peer
// Frame headers, and bytes the stream had read ahead, are no part of the wire size we compare.
constexpr std::size_t kReadAhead = 4096;
constexpr std::uint16_t kInternalError = 1011;
constexpr std::uint16_t kTooBigOnWire = 1009;
constexpr std::uint16_t kTooBigInflated = 1000;

// All that the handshake looks at (RFC 6455 §4.2.1). Beast's containers throw at header lines of
// 64 KiB, which clients may send, so nothing else goes in and nothing that long.
constexpr std::array<std::string_view, 6> kHandshakeHeaders = {"Host",
                                                               "Connection",
                                                               "Upgrade",
                                                               "Sec-WebSocket-Key",
                                                               "Sec-WebSocket-Version",
                                                               "Sec-WebSocket-Extensions"};
constexpr std::size_t kMaxHandshakeHeader = 4096;

template <typename Request>
void copy_header(const HttpHeaders& from, std::string_view name, Request& to) {
    for (const HttpHeader& header : from)
        if (equals_ignore_case(header.name, name) && header.value.size() <= kMaxHandshakeHeader)
            to.insert(name, header.value);
}

}  // namespace

class WebSocket::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(EventLoop& loop, tcp::socket socket, WebSocketStart start, const WebSocketOptions& options,
         std::shared_ptr<HttpServerStats> stats);
    ~Impl() {
        set_queued(0);
        leave();
    }

    void start();
    void set_handlers(OnMessage on_message, OnClosed on_closed);
    bool send(bool text, std::shared_ptr<const std::string> payload);
    void close(std::uint16_t code, Duration grace);
    void detach();
    void hold_reading(Timestamp until);
    bool is_open() const { return !end_; }
    std::size_t queued_bytes() const { return queued_bytes_; }

  private:
    struct Message {
        bool text = false;
        std::shared_ptr<const std::string> payload;
    };
    struct Handlers {
        OnMessage on_message;
        OnClosed on_closed;
    };

    void set_stream_options();
    asio::awaitable<void> run(std::shared_ptr<Impl> self);
    asio::awaitable<void> write_loop(std::shared_ptr<Impl> self);
    asio::awaitable<bool> handshake();
    asio::awaitable<bool> write_next();
    asio::awaitable<bool> write_ping();
    asio::awaitable<void> write_close();
    asio::awaitable<void> wait_for_work();
    asio::awaitable<void> wait_to_read();
    bool take_message();
    void deliver_message();
    void on_close_frame();
    void end(WebSocketEnd by, std::uint16_t code);
    void begin_close(std::uint16_t code, Duration grace);
    void notify();
    bool overflows(std::size_t more);
    bool takes_bytes();
    void set_queued(std::size_t bytes);
    void arm(Timestamp deadline);
    void cut();
    void leave();

    EventLoop& loop_;
    WebSocketStart start_;
    WebSocketOptions options_;
    std::shared_ptr<HttpServerStats> stats_;
    websocket::stream<WebSocketTransport> stream_;
    EventLoop::Timer watchdog_;  // cuts the connection when a write takes too long
    asio::steady_timer wake_;    // its cancellation wakes write_loop()
    asio::steady_timer hold_;    // its cancellation wakes wait_to_read()
    beast::flat_buffer message_;
    std::deque<Message> queue_;
    std::size_t queued_bytes_ = 0;
    std::shared_ptr<Handlers> handlers_;
    std::optional<WebSocketClosed> end_;  // why no message comes any more
    std::optional<std::uint16_t> close_code_;
    Timestamp close_deadline_ = Timestamp::never();
    Timestamp write_began_;
    Timestamp write_deadline_ = Timestamp::never();
    Timestamp next_ping_ = Timestamp::never();
    Timestamp hold_until_;
    bool peer_closed_ = false;
    bool notified_ = false;
    bool counted_ = true;
};

WebSocket::Impl::Impl(EventLoop& loop, tcp::socket socket, WebSocketStart start,
                      const WebSocketOptions& options, std::shared_ptr<HttpServerStats> stats)
    : loop_(loop),
      start_(std::move(start)),
      options_(options),
      stats_(std::move(stats)),
      stream_(WebSocketTransport(std::move(socket), std::move(start_.received))),
      watchdog_(loop),
      wake_(context_of(loop)),
      hold_(context_of(loop)) {
    ++stats_->websockets;
    ++stats_->websockets_open;
}

void WebSocket::Impl::leave() {
    if (std::exchange(counted_, false)) --stats_->websockets_open;
}

void WebSocket::Impl::set_stream_options() {
    websocket::permessage_deflate deflate;
    deflate.server_enable = options_.deflate;
    // Without context takeover a connection that is silent holds no window.
    deflate.server_no_context_takeover = true;
    deflate.client_no_context_takeover = true;
    // The compressor's tables stay for the life of the connection: 139 KB with the full window of
    // 32 KB, 25 KB with this one, which still sees the section before of a session description.
    deflate.server_max_window_bits = kCompressionWindowBits;
    deflate.compLevel = 3;
    deflate.msg_size_threshold = 256;
    stream_.set_option(deflate);
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = std::chrono::microseconds(options_.handshake_timeout.us());
    timeout.idle_timeout = websocket::stream_base::none();
    timeout.keep_alive_pings = false;
    stream_.set_option(timeout);
    stream_.auto_fragment(false);
    stream_.read_message_max(0);  // take_message() has the two limits
    ErrorCode ignored;
    stream_.next_layer().socket().set_option(tcp::no_delay(true), ignored);
}

void WebSocket::Impl::start() {
    set_stream_options();
    asio::co_spawn(context_of(loop_), run(shared_from_this()), Rethrow{});
}

// ------------------------------------------------------------ reading

asio::awaitable<bool> WebSocket::Impl::handshake() {
    const auto add_headers =
        [headers = std::move(start_.response_headers)](websocket::response_type& response) {
            for (const HttpHeader& header : headers)
                if (is_writable(header)) response.insert(header.name, header.value);
        };
    stream_.set_option(websocket::stream_base::decorator(add_headers));
    beast::http::request<beast::http::empty_body> request;
    request.method(beast::http::verb::get);
    request.target("/");
    request.version(11);
    for (const std::string_view name : kHandshakeHeaders)
        copy_header(start_.request_headers, name, request);
    const auto [error] = co_await stream_.async_accept(request, use_result);
    start_ = {};
    co_return !error;
}

asio::awaitable<void> WebSocket::Impl::run(std::shared_ptr<Impl> self) {
    const bool accepted = co_await handshake();
    if (!accepted) {
        end(WebSocketEnd::kError, 1006);
        cut();
    } else {
        // The callback lives in the stream, so it may not hold the owner.
        stream_.control_callback([this](websocket::frame_type kind, beast::string_view) {
            if (kind == websocket::frame_type::close) on_close_frame();
        });
        asio::co_spawn(context_of(loop_), write_loop(self), Rethrow{});
        stream_.next_layer().restart_count();
        bool more = true;
        while (more) {
            const auto [error, size] =
                co_await stream_.async_read_some(message_, kReadChunk, use_result);
            if (error) {
                end(WebSocketEnd::kError, 1006);
                cut();
            }
            more = !error && take_message();
            if (more) co_await wait_to_read();
        }
    }
    notify();
    self.reset();
}

// Reading goes on at once when the connection is to end: the peer's close frame is wanted then.
asio::awaitable<void> WebSocket::Impl::wait_to_read() {
    while (!end_ && EventLoop::now() < hold_until_) {
        // The clock of the timer cannot say "never".
        const Timestamp look_again = EventLoop::now() + Duration::seconds(3600);
        hold_.expires_at(to_steady(earlier(hold_until_, look_again)));
        (void)co_await hold_.async_wait(use_result);
    }
}

void WebSocket::Impl::hold_reading(Timestamp until) {
    hold_until_ = until;
    hold_.cancel();
}

// Looks at what has been received of a message; false if nothing more is to be read.
bool WebSocket::Impl::take_message() {
    const std::size_t limit = options_.max_message_bytes;
    if (end_) {
        message_.clear();  // closing: the rest is read only to find the close frame
    } else if (limit != 0 && message_.size() > limit) {
        ++stats_->websocket_oversize;
        const bool on_wire = stream_.next_layer().count() + kReadAhead > limit;
        const std::uint16_t code = on_wire ? kTooBigOnWire : kTooBigInflated;
        end(WebSocketEnd::kTooBig, code);
        notify();  // before the close is queued: a last message still gets out (CON-45)
        begin_close(code, options_.error_grace);
        return false;
    }
    if (!stream_.is_message_done()) return true;
    if (!end_) deliver_message();
    message_.clear();
    if (message_.capacity() > kKeepBuffer) message_.shrink_to_fit();
    stream_.next_layer().restart_count();
    return true;
}

void WebSocket::Impl::deliver_message() {
    const std::shared_ptr<Handlers> hold = handlers_;  // the handle may go in the call
    if (!hold || !hold->on_message) return;
    const auto data = message_.data();
    const std::string_view payload(static_cast<const char*>(data.data()), data.size());
    try {
        hold->on_message(stream_.got_text(), payload);
    } catch (const std::exception&) {  // one session that fails, not all (01 CON-02)
        ++stats_->handler_failures;
        end(WebSocketEnd::kError, kInternalError);
        begin_close(kInternalError, options_.error_grace);
    }
}

void WebSocket::Impl::on_close_frame() {
    peer_closed_ = true;
    const auto code = static_cast<std::uint16_t>(stream_.reason().code);
    // Beast answers the frame; what was queued has no reader (CON-45).
    end(WebSocketEnd::kPeer, code == 0 ? 1005 : code);
    wake_.cancel();
    notify();
}

void WebSocket::Impl::end(WebSocketEnd by, std::uint16_t code) {
    if (!end_) end_ = WebSocketClosed{by, code};
    hold_.cancel();
}

void WebSocket::Impl::notify() {
    if (std::exchange(notified_, true)) return;
    leave();
    const std::shared_ptr<Handlers> hold = std::exchange(handlers_, nullptr);
    if (hold && hold->on_closed) hold->on_closed(end_.value_or(WebSocketClosed{}));
}

// ------------------------------------------------------------ writing

asio::awaitable<void> WebSocket::Impl::write_loop(std::shared_ptr<Impl> self) {
    next_ping_ = EventLoop::now() + options_.ping_interval;
    bool alive = true;
    while (alive && !peer_closed_ && stream_.next_layer().socket().is_open()) {
        if (!queue_.empty() && EventLoop::now() < close_deadline_) {
            alive = co_await write_next();
        } else if (close_code_) {
            co_await write_close();
            alive = false;
        } else if (EventLoop::now() >= next_ping_) {
            alive = co_await write_ping();
        } else {
            co_await wait_for_work();
        }
    }
    queue_.clear();
    set_queued(0);
    // After a close frame of the peer the reader still writes the answer and tears down.
    if (!peer_closed_) cut();
    self.reset();
}

asio::awaitable<bool> WebSocket::Impl::write_next() {
    const Message message = std::move(queue_.front());
    queue_.pop_front();
    stream_.text(message.text);
    write_began_ = EventLoop::now();
    write_deadline_ = write_began_ + options_.write_timeout;
    arm(earlier(write_deadline_, close_deadline_));
    const auto [error, size] =
        co_await stream_.async_write(asio::buffer(*message.payload), use_result);
    write_deadline_ = Timestamp::never();
    watchdog_.cancel();
    set_queued(queued_bytes_ - std::min(queued_bytes_, message.payload->size()));
    co_return !error;
}

asio::awaitable<bool> WebSocket::Impl::write_ping() {
    next_ping_ = EventLoop::now() + options_.ping_interval;
    write_began_ = EventLoop::now();
    write_deadline_ = write_began_ + options_.ping_write_timeout;
    arm(earlier(write_deadline_, close_deadline_));
    const websocket::ping_data empty;
    const auto [error] = co_await stream_.async_ping(empty, use_result);
    write_deadline_ = Timestamp::never();
    watchdog_.cancel();
    co_return !error;
}

asio::awaitable<void> WebSocket::Impl::write_close() {
    arm(EventLoop::now() + kCloseTimeout);
    const websocket::close_reason reason(*close_code_);
    (void)co_await stream_.async_close(reason, use_result);
    watchdog_.cancel();
}

asio::awaitable<void> WebSocket::Impl::wait_for_work() {
    wake_.expires_at(to_steady(next_ping_));
    (void)co_await wake_.async_wait(use_result);
}

void WebSocket::Impl::arm(Timestamp deadline) {
    watchdog_.set(deadline, [this] {
        if (!end_) ++stats_->websocket_write_timeouts;
        end(WebSocketEnd::kWriteTimeout, 1006);
        cut();
    });
}

void WebSocket::Impl::cut() {
    stream_.next_layer().close();
    wake_.cancel();
    hold_.cancel();
}

// ------------------------------------------------------------ the handle

void WebSocket::Impl::set_handlers(OnMessage on_message, OnClosed on_closed) {
    if (notified_) return;
    handlers_ = std::make_shared<Handlers>();
    handlers_->on_message = std::move(on_message);
    handlers_->on_closed = std::move(on_closed);
}

bool WebSocket::Impl::overflows(std::size_t more) {
    const std::size_t limit = options_.max_queued_bytes;
    if (more > limit - std::min(queued_bytes_, limit)) return true;
    if (stats_->websocket_queued_bytes + more <= options_.max_total_queued_bytes) return false;
    const bool slow = !write_deadline_.is_never() &&
                      EventLoop::now() - write_began_ >= options_.crowded_write_timeout;
    return slow && !takes_bytes();
}

// Asked of the system: with much to do, this thread may not have seen yet that a write is done.
bool WebSocket::Impl::takes_bytes() {
    pollfd socket{stream_.next_layer().socket().native_handle(), POLLOUT, 0};
    return ::poll(&socket, 1, 0) > 0;
}

void WebSocket::Impl::set_queued(std::size_t bytes) {
    stats_->websocket_queued_bytes += bytes;
    stats_->websocket_queued_bytes -= queued_bytes_;
    queued_bytes_ = bytes;
}

bool WebSocket::Impl::send(bool text, std::shared_ptr<const std::string> payload) {
    // An oversize message ends reading, not yet writing.
    const bool writable = !end_ || (end_->by == WebSocketEnd::kTooBig && !close_code_);
    if (!writable) return false;
    if (overflows(payload->size())) {
        ++stats_->websocket_queue_overflows;
        end(WebSocketEnd::kOverflow, 1006);
        queue_.clear();
        set_queued(0);
        cut();
        return false;
    }
    set_queued(queued_bytes_ + payload->size());
    queue_.push_back({text, std::move(payload)});
    wake_.cancel();
    return true;
}

void WebSocket::Impl::begin_close(std::uint16_t code, Duration grace) {
    if (close_code_) return;
    close_code_ = code;
    close_deadline_ = EventLoop::now() + grace;
    if (!write_deadline_.is_never()) arm(earlier(write_deadline_, close_deadline_));
    wake_.cancel();
}

void WebSocket::Impl::close(std::uint16_t code, Duration grace) {
    if (end_) return;
    end(WebSocketEnd::kUs, code);
    begin_close(code, grace);
}

void WebSocket::Impl::detach() {
    handlers_ = nullptr;
    close(1000, options_.write_timeout);
}

WebSocket::WebSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocket::~WebSocket() {
    impl_->detach();
}
void WebSocket::set_handlers(OnMessage on_message, OnClosed on_closed) {
    impl_->set_handlers(std::move(on_message), std::move(on_closed));
}
bool WebSocket::send(bool text, std::string payload) {
    return send_shared(text, std::make_shared<const std::string>(std::move(payload)));
}
bool WebSocket::send_shared(bool text, std::shared_ptr<const std::string> payload) {
    return impl_->send(text, std::move(payload));
}
std::size_t WebSocket::queued_bytes() const {
    return impl_->queued_bytes();
}
void WebSocket::hold_reading(Timestamp until) {
    impl_->hold_reading(until);
}
void WebSocket::close(std::uint16_t code, Duration grace) {
    impl_->close(code, grace);
}
bool WebSocket::is_open() const {
    return impl_->is_open();
}

std::unique_ptr<WebSocket> start_websocket(EventLoop& loop, tcp::socket socket,
                                           WebSocketStart start, const WebSocketOptions& options,
                                           std::shared_ptr<HttpServerStats> stats) {
    auto impl = std::make_shared<WebSocket::Impl>(loop, std::move(socket), std::move(start),
                                                  options, std::move(stats));
    impl->start();
    return std::make_unique<WebSocket>(std::move(impl));
}

}  // namespace confab::net
