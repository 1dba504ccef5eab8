// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_server.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <boost/asio/ip/v6_only.hpp>
#include <vector>

#include "runtime/net/endpoint.h"
#include "runtime/net/event_loop_impl.h"
#include "runtime/net/http/http_connection.h"

namespace confab::net {

namespace {

constexpr Duration kAcceptPause = Duration::millis(100);
constexpr Duration kAcceptReportInterval = Duration::seconds(10);
constexpr Duration kRefusalReportInterval = Duration::seconds(60);

bool is_out_of_files(ErrorCode error) {
    return error == asio::error::no_descriptors ||
           error == boost::system::errc::too_many_files_open_in_system;
}

}  // namespace

// ------------------------------------------------------------ exchange

HttpExchange::HttpExchange(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpExchange::HttpExchange(HttpExchange&&) noexcept = default;
HttpExchange& HttpExchange::operator=(HttpExchange&& other) noexcept {
    std::swap(impl_, other.impl_);
    return *this;
}
HttpExchange::~HttpExchange() {
    if (impl_) impl_->connection().abandon(impl_->serial());
}

void HttpExchange::respond(HttpResponse response) {
    const std::unique_ptr<Impl> impl = std::move(impl_);
    if (impl) impl->connection().answer(impl->serial(), std::move(response));
}

std::unique_ptr<WebSocket> HttpExchange::accept_websocket(HttpHeaders headers,
                                                          const WebSocketOptions& options) {
    const std::unique_ptr<Impl> impl = std::move(impl_);
    if (!impl) return nullptr;
    return impl->connection().upgrade(impl->serial(), std::move(headers), options,
                                      std::move(impl->kept));
}

void HttpExchange::move_to(EventLoop& target, Callback<HttpExchange> there) {
    std::unique_ptr<Impl> impl = std::move(impl_);
    if (!impl) return;
    if (impl->connection().is_of(target)) return there(HttpExchange(std::move(impl)));
    auto with_kept = [there = std::move(there), kept = impl->kept](HttpExchange moved) mutable {
        moved.keep(std::move(kept));
        there(std::move(moved));
    };
    impl->connection().move_to(impl->serial(), target, std::move(with_kept));
}

void HttpExchange::on_gone(std::function<void()> fn) {
    if (impl_) impl_->connection().set_on_gone(impl_->serial(), std::move(fn));
}

void HttpExchange::answer_within(Duration time) {
    if (impl_) impl_->connection().set_answer_limit(impl_->serial(), time);
}

void HttpExchange::keep(std::shared_ptr<void> place) {
    if (impl_) impl_->kept = std::move(place);
}

bool HttpExchange::is_open() const {
    return impl_ && impl_->connection().is_waiting(impl_->serial());
}

// ------------------------------------------------------------ server

class HttpServer::Impl {
  public:
    Impl(EventLoop& loop, HttpServerOptions options, Handler handler)
        : state_(std::make_shared<ServerState>(loop, std::move(options), std::move(handler))) {}

    Result<SocketAddress, std::string> listen(const std::string& address, std::uint16_t port);
    void serve_tls(TlsContext context, Handler plain);
    void set_certificates(TlsContext context) { state_->tls = std::move(context); }
    void share(PortShares shares) { state_->shares = std::move(shares); }
    void stop(bool cut_all);
    const HttpServerStats& stats() const { return *state_->stats; }

  private:
    struct Listener : std::enable_shared_from_this<Listener> {
        Listener(std::shared_ptr<ServerState> server, asio::io_context& context)
            : state(std::move(server)), acceptor(context), pause(state->loop) {}
        ErrorCode open(const tcp::endpoint& endpoint);
        void accept();
        void take(tcp::socket socket);
        void report(ErrorCode error);
        void report_refused(ConnectionLimit limit, const IpAddress& address);

        std::shared_ptr<ServerState> state;
        tcp::acceptor acceptor;
        EventLoop::Timer pause;
        Timestamp next_report;
        std::map<ConnectionLimit, Timestamp> next_refused_report;
    };

    std::shared_ptr<ServerState> state_;
    std::vector<std::shared_ptr<Listener>> listeners_;
};

ErrorCode HttpServer::Impl::Listener::open(const tcp::endpoint& endpoint) {
    ErrorCode error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && endpoint.protocol() == tcp::v6())
        acceptor.set_option(asio::ip::v6_only(!endpoint.address().is_unspecified()), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    return error;
}

void HttpServer::Impl::Listener::accept() {
    acceptor.async_accept([self = shared_from_this()](ErrorCode error, tcp::socket socket) {
        if (!self->acceptor.is_open()) return;
        if (!error) {
            self->take(std::move(socket));
            return self->accept();
        }
        // Mostly out of descriptors: trying again at once would only burn time. Who is idle gives
        // one back.
        if (is_out_of_files(error)) (void)self->state->table->evict_idlest();
        self->report(error);
        self->pause.set(EventLoop::now() + kAcceptPause,
                        [listener = self.get()] { listener->accept(); });
    });
}

void HttpServer::Impl::Listener::take(tcp::socket socket) {
    ErrorCode error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) return;  // gone already
    const SocketAddress address = to_address(remote);
    if (state->options.admit && !state->destroyed && !state->options.admit(address.ip)) return;
    const auto connection = std::make_shared<std::weak_ptr<HttpConnection>>();
    auto slot = state->table->admit(address.ip, [connection] {
        if (const auto idle = connection->lock()) idle->cut();
    });
    state->stats->connections_evicted = state->table->evicted();
    if (!slot) {
        ++state->stats->connections_refused;
        return report_refused(slot.error(), address.ip);
    }
    socket.set_option(tcp::no_delay(true), error);
    ++state->stats->connections;
    const auto made = std::make_shared<HttpConnection>(state, Stream(std::move(socket)), address,
                                                       OpenConnection(state->stats));
    *connection = made;
    made->start(std::move(*slot));
}

void HttpServer::Impl::Listener::report(ErrorCode error) {
    ++state->stats->accept_errors;
    const Timestamp now = EventLoop::now();
    if (now < next_report || !state->options.on_accept_error || state->destroyed) return;
    next_report = now + kAcceptReportInterval;
    state->options.on_accept_error(error.message(), state->stats->accept_errors);
}

void HttpServer::Impl::Listener::report_refused(ConnectionLimit limit, const IpAddress& address) {
    const Timestamp now = EventLoop::now();
    if (now < next_refused_report[limit] || !state->options.on_refused || state->destroyed) return;
    next_refused_report[limit] = now + kRefusalReportInterval;
    state->options.on_refused(limit, address, state->stats->connections_refused);
}

Result<SocketAddress, std::string> HttpServer::Impl::listen(const std::string& address,
                                                            std::uint16_t port) {
    ErrorCode error;
    asio::ip::address ip = asio::ip::address_v6::any();
    if (!address.empty()) ip = asio::ip::make_address(address, error);
    if (error) return tl::make_unexpected("not an IP address: " + address);
    asio::io_context& context = context_of(state_->loop);
    auto listener = std::make_shared<Listener>(state_, context);
    error = listener->open({ip, port});
    if (error && address.empty()) {  // a host without IPv6
        listener = std::make_shared<Listener>(state_, context);
        error = listener->open({asio::ip::address_v4::any(), port});
    }
    if (error)
        return tl::make_unexpected("cannot listen on " + address + " port " + std::to_string(port) +
                                   ": " + error.message());
    const SocketAddress bound = to_address(listener->acceptor.local_endpoint(error));
    listener->accept();
    listeners_.push_back(std::move(listener));
    return bound;
}

void HttpServer::Impl::serve_tls(TlsContext context, Handler plain) {
    state_->tls = std::move(context);
    state_->plain_handler = std::move(plain);
}

void HttpServer::Impl::stop(bool cut_all) {
    state_->stopping = true;
    if (cut_all) state_->destroyed = true;
    for (const std::shared_ptr<Listener>& listener : listeners_) {
        ErrorCode ignored;
        listener->acceptor.close(ignored);
        listener->pause.cancel();
    }
    listeners_.clear();
    const std::vector<HttpConnection*> connections(state_->connections.begin(),
                                                   state_->connections.end());
    for (HttpConnection* connection : connections)
        cut_all ? connection->cut() : connection->close_if_idle();
    if (cut_all) state_->cut_elsewhere();
}

HttpServer::HttpServer(EventLoop& loop, HttpServerOptions options, Handler handler)
    : impl_(std::make_shared<Impl>(loop, std::move(options), std::move(handler))) {}
HttpServer::~HttpServer() {
    impl_->stop(true);
}
Result<SocketAddress, std::string> HttpServer::listen(const std::string& address,
                                                      std::uint16_t port) {
    return impl_->listen(address, port);
}
void HttpServer::serve_tls(TlsContext context, Handler plain) {
    impl_->serve_tls(std::move(context), std::move(plain));
}
void HttpServer::set_certificates(TlsContext context) {
    impl_->set_certificates(std::move(context));
}
void HttpServer::share(PortShares shares) {
    impl_->share(std::move(shares));
}
void HttpServer::shutdown() {
    impl_->stop(false);
}
const HttpServerStats& HttpServer::stats() const {
    return impl_->stats();
}

}  // namespace confab::net
