// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/framed/framed_listener.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/net/endpoint.h"
#include "runtime/net/event_loop_impl.h"
#include "runtime/net/framed/framed_connection.h"

namespace confab::net {
namespace {

constexpr Duration kAcceptPause = Duration::millis(100);

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

    // Gives it a place, if there is one.
    static void take(const std::shared_ptr<FramedState>& state, Stream stream, FramedClient client);

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
    Impl::take(state, Stream(std::move(socket)), client);
}

void FramedListener::Impl::take(const std::shared_ptr<FramedState>& state, Stream stream,
                                FramedClient client) {
    client.stream = ++state->last_stream;
    auto slot = state->table->admit(client.remote.ip, [state, number = client.stream] {
        const auto found = state->connections.find(number);
        if (found != state->connections.end()) found->second->close();
    });
    if (!slot) {
        ++state->counters.refused;
        return;
    }
    ++state->counters.accepted;
    auto connection =
        std::make_shared<FramedConnection>(state, std::move(stream), client, *std::move(slot));
    state->connections.emplace(client.stream, connection);
    connection->start();
}

FramedListener::FramedListener(EventLoop& loop, const FramedListenerOptions& options,
                               Handlers handlers)
    : impl_(std::make_unique<Impl>()) {
    impl_->state = std::make_shared<FramedState>(loop, std::move(handlers));
    impl_->state->table =
        ConnectionTable::make(options.max_connections, options.max_connections_per_address);
    impl_->state->tls = options.tls;
}

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

void FramedListener::adopt(AcceptedStream accepted) {
    Stream stream(context_of(impl_->state->loop), std::move(accepted.stream));
    if (!stream.is_open()) return;
    Impl::take(impl_->state, std::move(stream), {accepted.local, accepted.remote, 0});
}

void FramedListener::set_certificates(TlsContext tls) {
    if (impl_->state->tls) impl_->state->tls = std::move(tls);
}

void FramedListener::send(std::uint32_t stream, BytesView message, Urgency urgency) {
    const auto found = impl_->state->connections.find(stream);
    if (found != impl_->state->connections.end()) found->second->send(message, urgency);
}

std::size_t FramedListener::connections() const {
    return impl_->state->connections.size();
}

const FramedCounters& FramedListener::counters() const {
    return impl_->state->counters;
}

}  // namespace confab::net
