// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/framed/framed_listener.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/net/endpoint.h"
#include "runtime/net/event_loop_impl.h"
#include "runtime/net/framed/framed_connection.h"

namespace confab::net {
namespace {

constexpr Duration kAcceptPause = Duration::millis(100);

Result<ssl::context, std::string> tls_context(const FramedListenerOptions& options) {
    ssl::context context(ssl::context::tls_server);
    context.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                        ssl::context::no_sslv3 | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    ErrorCode error;
    context.use_certificate_chain_file(options.cert_file, error);
    if (error) return fail("cert required: " + options.cert_file + ": " + error.message());
    context.use_private_key_file(options.key_file, ssl::context::pem, error);
    if (error) return fail("key required: " + options.key_file + ": " + error.message());
    return context;
}

}  // namespace

struct FramedListener::Impl {
    struct Acceptor : std::enable_shared_from_this<Acceptor> {
        Acceptor(std::shared_ptr<FramedState> shared)
            : state(std::move(shared)), acceptor(context_of(state->loop)), pause(state->loop) {}
        void accept();
        void take(tcp::socket socket);

        std::shared_ptr<FramedState> state;
        tcp::acceptor acceptor;
        EventLoop::Timer pause;
    };

    std::shared_ptr<FramedState> state;
    std::vector<std::shared_ptr<Acceptor>> acceptors;
};

void FramedListener::Impl::Acceptor::accept() {
    acceptor.async_accept([self = shared_from_this()](ErrorCode error, tcp::socket socket) {
        if (!self->acceptor.is_open()) return;
        if (!error) {
            self->take(std::move(socket));
            return self->accept();
        }
        // Mostly out of descriptors: trying again at once would only burn time.
        self->pause.set(EventLoop::now() + kAcceptPause,
                        [acceptor = self.get()] { acceptor->accept(); });
    });
}

void FramedListener::Impl::Acceptor::take(tcp::socket socket) {
    ErrorCode error;
    FramedClient client;
    client.remote = to_address(socket.remote_endpoint(error));
    if (!error) client.local = to_address(socket.local_endpoint(error));
    if (error) return;  // gone already
    client.stream = ++state->last_stream;
    auto slot = state->table->admit(client.remote.ip, [shared = state, stream = client.stream] {
        const auto found = shared->connections.find(stream);
        if (found != shared->connections.end()) found->second->close();
    });
    if (!slot) {
        ++state->counters.refused;
        return;
    }
    ++state->counters.accepted;
    auto connection =
        std::make_shared<FramedConnection>(state, std::move(socket), client, *std::move(slot));
    state->connections.emplace(client.stream, connection);
    connection->start();
}

Result<std::unique_ptr<FramedListener>, std::string> FramedListener::make(
    EventLoop& loop, const FramedListenerOptions& options, Handlers handlers) {
    auto state = std::make_shared<FramedState>(loop, std::move(handlers));
    state->table =
        ConnectionTable::make(options.max_connections, options.max_connections_per_address);
    if (!options.cert_file.empty()) {
        CONFAB_TRY(state->tls, tls_context(options));
    }
    return std::unique_ptr<FramedListener>(
        new FramedListener(std::make_unique<Impl>(Impl{std::move(state), {}})));
}

FramedListener::FramedListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

FramedListener::~FramedListener() {
    impl_->state->open = false;
    for (const auto& acceptor : impl_->acceptors) {
        ErrorCode ignored;
        acceptor->acceptor.close(ignored);
        acceptor->pause.cancel();
    }
    for (auto connections = impl_->state->connections; const auto& [stream, one] : connections)
        one->close();
}

Result<SocketAddress, std::string> FramedListener::listen(const SocketAddress& address) {
    auto acceptor = std::make_shared<Impl::Acceptor>(impl_->state);
    CONFAB_TRY(const SocketAddress bound, listen_at(acceptor->acceptor, address));
    impl_->acceptors.push_back(acceptor);
    acceptor->accept();
    return bound;
}

void FramedListener::send(std::uint32_t stream, BytesView message) {
    const auto found = impl_->state->connections.find(stream);
    if (found != impl_->state->connections.end()) found->second->send(message);
}

std::size_t FramedListener::connections() const {
    return impl_->state->connections.size();
}

const FramedCounters& FramedListener::counters() const {
    return impl_->state->counters;
}

}  // namespace confab::net
