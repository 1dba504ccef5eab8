// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/bytes/byte_socket.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/write.hpp>
#include <utility>

#include "base/net_address.h"
#include "runtime/net/event_loop_impl.h"

namespace confab::net {
namespace {

constexpr std::size_t kReadChunk = 32 * 1024;

std::string to_text(const ByteSocket::Target& target) {
    const bool is_v6 = target.host.find(':') != std::string::npos;
    return (is_v6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
}

}  // namespace

ByteSocket::ByteSocket(EventLoop& loop, Handlers handlers)
    : loop_(loop),
      handlers_(std::move(handlers)),
      resolver_(context_of(loop)),
      stream_(tcp::socket(context_of(loop))),
      deadline_(loop) {}

void ByteSocket::open(const Target& to, Tls tls, Duration timeout) {
    deadline_.set(EventLoop::now() + timeout, [this] {
        timed_out_ = true;
        resolver_.cancel();
        stream_.close();
    });
    asio::co_spawn(context_of(loop_), run(shared_from_this(), to, std::move(tls)), Rethrow{});
}

void ByteSocket::adopt(tcp::socket socket) {
    stream_.socket() = std::move(socket);
    asio::co_spawn(context_of(loop_), read(shared_from_this()), Rethrow{});
}

std::optional<Acknowledged> ByteSocket::acknowledged() {
    tcp_info info{};
    socklen_t size = sizeof info;
    const int socket = stream_.socket().native_handle();
    if (cut_ || ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
    return Acknowledged{info.tcpi_unacked == 0, Duration::millis(info.tcpi_last_ack_recv)};
}

void ByteSocket::cut() {
    cut_ = true;
    deadline_.cancel();
    resolver_.cancel();
    stream_.close();
}

void ByteSocket::end(Closed closed) {
    if (cut_) return;
    cut();
    handlers_.on_closed(std::move(closed));
}

asio::awaitable<void> ByteSocket::run(std::shared_ptr<ByteSocket> self, Target to, Tls tls) {
    Closed failure = co_await connect(to, tls);
    deadline_.cancel();
    if (timed_out_ && shaking_hands_)
        failure = {"no TLS there (" + to_text(to) + " says nothing); see " + tls.option};
    else if (timed_out_)
        failure = {"no connection to " + to_text(to) + " in time"};
    if (!failure.why.empty()) co_return end(std::move(failure));
    co_await read(std::move(self));
}

asio::awaitable<void> ByteSocket::read([[maybe_unused]] std::shared_ptr<ByteSocket> self) {
    if (cut_) co_return;
    ErrorCode ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    handlers_.on_connected();
    std::array<std::uint8_t, kReadChunk> chunk;
    while (true) {
        const auto [error, size] =
            co_await stream_.async_read_some(asio::buffer(chunk), use_result);
        if (cut_) co_return;
        if (size > 0) handlers_.on_bytes(BytesView(chunk).first(size));
        if (error) co_return end({error.message()});
    }
}

// Without a reason when all is well.
asio::awaitable<ByteSocket::Closed> ByteSocket::connect(const Target& to, const Tls& tls) {
    const auto [error, results] =
        co_await resolver_.async_resolve(to.host, std::to_string(to.port), use_result);
    if (error) co_return Closed{to.host + " has no address: " + error.message()};
    Closed failure{to.host + " has no address"};
    for (const auto& entry : results) {
        if (cut_ || timed_out_) break;
        stream_.close();
        const tcp::endpoint endpoint = entry.endpoint();
        const auto [refused] = co_await stream_.socket().async_connect(endpoint, use_result);
        if (!refused) co_return Closed{tls.context ? co_await handshake(tls) : std::string()};
        failure = {to_text(to) + ": " + refused.message(),
                   refused == asio::error::connection_refused};
    }
    co_return failure;
}

asio::awaitable<std::string> ByteSocket::handshake(const Tls& tls) {
    shaking_hands_ = true;
    stream_.start_tls(*tls.context, tls.name);
    const auto [error, size] = co_await stream_.async_handshake(use_result);
    if (!error) co_return std::string();
    const TlsSession& session = *stream_.tls();
    if (const std::string refused = session.refused_certificate(); !refused.empty())
        co_return "its certificate is not accepted (" + refused + "); see " + tls.option;
    co_return "no TLS there (" + session.failure() + "); see " + tls.option;
}

void ByteSocket::write(std::string bytes) {
    if (waiting_.empty())
        waiting_ = std::move(bytes);
    else
        waiting_ += bytes;
    if (writing_ || waiting_.empty()) return;
    writing_ = true;
    asio::co_spawn(context_of(loop_), send(shared_from_this()), Rethrow{});
}

asio::awaitable<void> ByteSocket::send([[maybe_unused]] std::shared_ptr<ByteSocket> self) {
    while (!waiting_.empty()) {
        leaving_ = std::exchange(waiting_, {});
        const auto [error, size] =
            co_await asio::async_write(stream_, asio::buffer(leaving_), use_result);
        leaving_.clear();
        if (error) break;  // the reader hears of it, too
    }
    writing_ = false;
}

}  // namespace confab::net
