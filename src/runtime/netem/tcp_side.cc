// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/netem/tcp_side.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/worker/socket/socket_address.h"

namespace confab::netsim {
namespace {

using netem::Direction;

constexpr int kBacklog = 128;
constexpr std::size_t kReadSize = 16'384;

std::string describe(const char* what, const SocketAddress& address) {
    return std::string(what) + " " + address.to_string() + ": " + std::strerror(errno);
}

std::uint64_t tag_of(std::uint64_t kind, netem::StreamId id) {
    return kind | (std::uint64_t{id.index} << 32U) | id.generation;
}

netem::StreamId stream_of(std::uint64_t tag) {
    return {static_cast<std::uint32_t>(tag >> 32U) & 0xFF'FFFF, static_cast<std::uint32_t>(tag)};
}

worker::FileDescriptor stream_socket(const SocketAddress& for_address) {
    const int family = for_address.ip.is_v6() ? AF_INET6 : AF_INET;
    return worker::FileDescriptor(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// What is closed with this is reset: the other end is told at once that it is over.
void close_by_reset(int fd) {
    const linger at_once{1, 0};
    (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void send_at_once(int fd) {
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool has_failed(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
}

bool would_block() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

// ---------------------------------------------------------------- beginning and end

Result<SocketAddress, std::string> TcpSide::add_route(const SocketAddress& listen,
                                                      const SocketAddress& server) {
    worker::FileDescriptor fd = stream_socket(listen);
    if (!fd) return fail(describe("socket", listen));
    const int on = 1;
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const worker::KernelAddress address = worker::to_kernel(listen);
    if (::bind(fd.get(), address.get(), address.size) != 0 || ::listen(fd.get(), kBacklog) != 0)
        return fail(describe("listen tcp", listen));
    worker::KernelAddress bound;
    bound.size = sizeof bound.storage;
    if (::getsockname(fd.get(), bound.get(), &bound.size) != 0)
        return fail(describe("getsockname", listen));
    if (!poller_.add(fd.get(), kListener | routes_.size()))
        return fail(describe("watch tcp", listen));
    routes_.push_back({std::move(fd), server});
    return worker::from_kernel(bound.storage);
}

bool TcpSide::start_pair(Timestamp now, worker::FileDescriptor client,
                         const SocketAddress& server) {
    worker::FileDescriptor upstream = stream_socket(server);
    if (!upstream) return false;
    send_at_once(upstream.get());
    const worker::KernelAddress address = worker::to_kernel(server);
    if (::connect(upstream.get(), address.get(), address.size) != 0 && errno != EINPROGRESS) {
        ++not_reached_;
        return false;
    }
    const auto id = relay_.open(now);
    if (!id) return false;
    Pair& pair = pairs_[*id];
    pair.client.fd = std::move(client);
    pair.client.tag = tag_of(kClient, *id);
    pair.server.fd = std::move(upstream);
    pair.server.tag = tag_of(kServer, *id);
    watch(*id, pair);
    return true;
}

void TcpSide::accept_all(Timestamp now, const Route& route) {
    while (true) {
        const int accepted =
            ::accept4(route.listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) return;
        worker::FileDescriptor client(accepted);
        send_at_once(accepted);
        close_by_reset(accepted);  // should it not come to a pair
        if (!start_pair(now, std::move(client), route.server)) continue;
        const linger off{0, 0};
        (void)::setsockopt(accepted, SOL_SOCKET, SO_LINGER, &off, sizeof off);
    }
}

void TcpSide::reset(netem::StreamId id) {
    const auto found = pairs_.find(id);
    if (found == pairs_.end()) return;
    close_by_reset(found->second.client.fd.get());
    close_by_reset(found->second.server.fd.get());
    pairs_.erase(found);
    relay_.close(id);
}

// ---------------------------------------------------------------- octets

TcpSide::Step TcpSide::read(Timestamp now, netem::StreamId id, End& from, Direction direction) {
    std::array<std::uint8_t, kReadSize> buffer;
    while (!from.read_ended) {
        const std::size_t room = std::min(relay_.room(id, direction), buffer.size());
        if (room == 0) return Step::kGoOn;
        const ssize_t count = ::recv(from.fd.get(), buffer.data(), room, 0);
        if (count < 0) return would_block() ? Step::kGoOn : Step::kOver;
        if (count == 0) {
            from.read_ended = true;
            relay_.handle_end(now, id, direction);
            return Step::kGoOn;
        }
        relay_.handle_bytes(now, id, direction,
                            BytesView(buffer).first(static_cast<std::size_t>(count)));
    }
    return Step::kGoOn;
}

TcpSide::Step TcpSide::write(Timestamp now, netem::StreamId id, End& to, Direction direction) {
    to.blocked = false;
    for (BytesView due = relay_.due(now, id, direction); !due.empty();
         due = relay_.due(now, id, direction)) {
        const ssize_t count = ::send(to.fd.get(), due.data(), due.size(), MSG_NOSIGNAL);
        if (count < 0 && !would_block()) return Step::kOver;
        to.blocked = count < 0;
        if (to.blocked) return Step::kGoOn;
        relay_.consume(id, direction, static_cast<std::size_t>(count));
    }
    if (!to.write_ended && relay_.has_ended(now, id, direction)) {
        to.write_ended = true;
        (void)::shutdown(to.fd.get(), SHUT_WR);
    }
    return Step::kGoOn;
}

TcpSide::Step TcpSide::move(Timestamp now, netem::StreamId id, Pair& pair, Direction direction) {
    const bool up = direction == Direction::kUp;
    End& from = up ? pair.client : pair.server;
    End& to = up ? pair.server : pair.client;
    if (read(now, id, from, direction) == Step::kOver) return Step::kOver;
    return write(now, id, to, direction);
}

void TcpSide::pump(Timestamp now, netem::StreamId id) {
    const auto found = pairs_.find(id);
    if (found == pairs_.end()) return;
    Pair& pair = found->second;
    if (!pair.connecting && (move(now, id, pair, Direction::kUp) == Step::kOver ||
                             move(now, id, pair, Direction::kDown) == Step::kOver)) {
        reset(id);
        return;
    }
    if (pair.client.write_ended && pair.server.write_ended) {
        pairs_.erase(found);
        relay_.close(id);
        return;
    }
    watch(id, pair);
}

// ---------------------------------------------------------------- readiness

void TcpSide::watch_end(End& end, worker::Poller::Interest interest) {
    // One that is closed both ways would be reported for ever.
    const bool wanted = !(end.read_ended && end.write_ended);
    if (wanted && !end.watched) {
        end.watched = poller_.add(end.fd.get(), end.tag, interest);
    } else if (!wanted && end.watched) {
        poller_.remove(end.fd.get());
        end.watched = false;
    } else if (end.watched && (interest.readable != end.interest.readable ||
                               interest.writable != end.interest.writable)) {
        poller_.modify(end.fd.get(), end.tag, interest);
    }
    end.interest = interest;
}

void TcpSide::watch(netem::StreamId id, Pair& pair) {
    const bool up = !pair.connecting && relay_.room(id, Direction::kUp) > 0;
    const bool down = !pair.connecting && relay_.room(id, Direction::kDown) > 0;
    watch_end(pair.client, {up && !pair.client.read_ended, pair.client.blocked});
    watch_end(pair.server,
              {down && !pair.server.read_ended, pair.connecting || pair.server.blocked});
}

void TcpSide::handle_ready(Timestamp now, const worker::Poller::Ready& ready) {
    const std::uint64_t kind = ready.tag & (0xFFULL << 56U);
    if (kind == kListener) {
        accept_all(now, routes_[ready.tag & 0xFFFF'FFFF]);
        return;
    }
    const netem::StreamId id = stream_of(ready.tag);
    const auto found = pairs_.find(id);
    if (found == pairs_.end()) return;
    Pair& pair = found->second;
    const End& end = kind == kClient ? pair.client : pair.server;
    if (has_failed(end.fd.get())) {
        if (pair.connecting) ++not_reached_;
        reset(id);
        return;
    }
    if (kind == kServer && ready.writable) pair.connecting = false;
    pump(now, id);
}

void TcpSide::handle_timeout(Timestamp now, bool changed) {
    relay_.handle_timeout(now);
    while (const auto id = relay_.poll_reset())
        reset(*id);
    if (!changed && pairs_.empty()) return;
    std::vector<netem::StreamId> ids;
    ids.reserve(pairs_.size());
    for (const auto& [id, pair] : pairs_)
        ids.push_back(id);
    for (const netem::StreamId id : ids)
        pump(now, id);
}

}  // namespace confab::netsim
