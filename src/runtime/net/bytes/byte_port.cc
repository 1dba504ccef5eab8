// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/bytes/byte_port.h"

#include <unordered_map>
#include <utility>

#include "runtime/net/bytes/byte_socket.h"
#include "runtime/net/endpoint.h"
#include "runtime/net/event_loop_impl.h"

namespace confab::net {
namespace {

constexpr Duration kAcceptPause = Duration::millis(100);

}  // namespace

class BytePort::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(EventLoop& loop, Handlers handlers)
        : loop_(loop), handlers_(std::move(handlers)), acceptor_(context_of(loop)), pause_(loop) {}

    Result<SocketAddress, std::string> listen(const SocketAddress& address);
    Number dial(const SocketAddress& to, Duration timeout);
    ByteSocket* find(Number number) const;
    void cut(Number number);
    void close();

  private:
    void accept();
    std::pair<Number, ByteSocket&> add(bool dialled);
    ByteSocket::Handlers handlers_for(Number number, bool dialled);

    EventLoop& loop_;
    Handlers handlers_;
    tcp::acceptor acceptor_;
    EventLoop::Timer pause_;
    std::unordered_map<Number, std::shared_ptr<ByteSocket>> sockets_;
    Number last_ = 0;
};

ByteSocket::Handlers BytePort::Impl::handlers_for(Number number, bool dialled) {
    const auto with_self = [this, number](auto what) {
        return [weak = weak_from_this(), this, number, what](const auto&... arguments) {
            const auto self = weak.lock();
            if (self && sockets_.contains(number)) what(arguments...);
        };
    };
    return {with_self([this, number, dialled] {
                (dialled ? handlers_.on_connected : handlers_.on_accepted)(number);
            }),
            with_self([this, number](BytesView bytes) { handlers_.on_bytes(number, bytes); }),
            with_self([this, number](const ByteSocket::Closed& closed) {
                sockets_.erase(number);
                handlers_.on_closed(number, closed.refused);
            })};
}

std::pair<BytePort::Number, ByteSocket&> BytePort::Impl::add(bool dialled) {
    const Number number = ++last_;
    auto& socket = sockets_[number];
    socket = std::make_shared<ByteSocket>(loop_, handlers_for(number, dialled));
    return {number, *socket};
}

BytePort::Number BytePort::Impl::dial(const SocketAddress& to, Duration timeout) {
    const auto [number, socket] = add(true);
    socket.open({to.ip.to_string(), to.port}, {}, timeout);
    return number;
}

Result<SocketAddress, std::string> BytePort::Impl::listen(const SocketAddress& address) {
    CONFAB_TRY(const SocketAddress bound, listen_at(acceptor_, address));
    accept();
    return bound;
}

void BytePort::Impl::accept() {
    acceptor_.async_accept([self = shared_from_this()](ErrorCode error, tcp::socket socket) {
        if (!self->acceptor_.is_open()) return;
        if (!error) {
            self->add(false).second.adopt(std::move(socket));
            return self->accept();
        }
        // Mostly out of descriptors: trying again at once would only burn time.
        self->pause_.set(EventLoop::now() + kAcceptPause, [impl = self.get()] { impl->accept(); });
    });
}

ByteSocket* BytePort::Impl::find(Number number) const {
    const auto found = sockets_.find(number);
    return found == sockets_.end() ? nullptr : found->second.get();
}

void BytePort::Impl::cut(Number number) {
    const auto found = sockets_.find(number);
    if (found == sockets_.end()) return;
    found->second->cut();
    sockets_.erase(found);
}

void BytePort::Impl::close() {
    ErrorCode ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (const auto& [number, socket] : sockets_)
        socket->cut();
    sockets_.clear();
}

// ---------------------------------------------------------------- the outside

BytePort::BytePort(EventLoop& loop, Handlers handlers)
    : impl_(std::make_shared<Impl>(loop, std::move(handlers))) {}

BytePort::~BytePort() {
    impl_->close();
}

Result<SocketAddress, std::string> BytePort::listen(const SocketAddress& address) {
    return impl_->listen(address);
}

BytePort::Number BytePort::dial(const SocketAddress& to, Duration timeout) {
    return impl_->dial(to, timeout);
}

void BytePort::write(Number number, std::string bytes) {
    if (ByteSocket* const socket = impl_->find(number)) socket->write(std::move(bytes));
}

std::size_t BytePort::unsent(Number number) const {
    const ByteSocket* const socket = impl_->find(number);
    return socket == nullptr ? 0 : socket->unsent();
}

std::optional<Acknowledged> BytePort::acknowledged(Number number) const {
    ByteSocket* const socket = impl_->find(number);
    return socket == nullptr ? std::nullopt : socket->acknowledged();
}

void BytePort::cut(Number number) {
    impl_->cut(number);
}

}  // namespace confab::net
