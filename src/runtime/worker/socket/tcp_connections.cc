// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/tcp_connections.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/worker/socket/socket_address.h"
#include "runtime/worker/socket/stream_backlog.h"
#include "wire/rtp/rtp.h"

namespace confab::worker {
namespace {
constexpr std::uint64_t kListenerTag = std::uint64_t{1} << 62;
constexpr std::uint64_t kConnectionTag = std::uint64_t{1} << 63;
constexpr Duration kSweepInterval = Duration::seconds(1);

std::string describe(const char* what, const SocketAddress& address) {
    return std::string(what) + " " + address.to_string() + ": " + std::strerror(errno);
}

// The end of a record: Linux looks at TCP_NOTSENT_LOWAT only where it begins another buffer, and
// would fill up one of 64 KiB first.
constexpr int kWrite = MSG_NOSIGNAL | MSG_EOR;
}  // namespace

struct TcpConnections::Connection {
    FileDescriptor fd;
    ice::Path path;
    wire::Rfc4571Reader reader;
    StreamBacklog backlog;
    Timestamp since;  // it came, or its use was looked at
    bool first_frame_seen = false;
    std::optional<UnclaimedStreams::Place> unclaimed;  // none: a peer uses it
    bool writable_watched = false;
};

TcpConnections::TcpConnections(Poller& poller, std::uint32_t first_id, std::uint32_t id_step,
                               std::size_t max_connections)
    : poller_(&poller), next_id_(first_id), id_step_(id_step), max_connections_(max_connections) {}
TcpConnections::~TcpConnections() = default;

void TcpConnections::set_handlers(OnFrame on_frame, OnHandOver on_hand_over, OnClosed on_closed,
                                  InUse in_use) {
    on_frame_ = std::move(on_frame);
    on_hand_over_ = std::move(on_hand_over);
    on_closed_ = std::move(on_closed);
    in_use_ = std::move(in_use);
}

Result<SocketAddress, std::string> TcpConnections::listen(const SocketAddress& local,
                                                          std::uint16_t socket_index) {
    const int family = local.ip.is_v6() ? AF_INET6 : AF_INET;
    FileDescriptor fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return fail(describe("socket", local));
    const int on = 1;
    (void)setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (family == AF_INET6) (void)setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    KernelAddress address = to_kernel(local);
    if (::bind(fd.get(), address.get(), address.size) != 0 || ::listen(fd.get(), 256) != 0)
        return fail(describe("listen tcp", local));
    address.size = sizeof address.storage;
    (void)::getsockname(fd.get(), address.get(), &address.size);
    const SocketAddress bound = from_kernel(address.storage);
    if (!poller_->add(fd.get(), kListenerTag | listeners_.size()))
        return fail(describe("watch tcp", local));
    listeners_.push_back({std::move(fd), bound, socket_index});
    return bound;
}

void TcpConnections::handle_ready(Timestamp now, const Poller::Ready& ready) {
    if ((ready.tag & kConnectionTag) == 0)
        return accept_all(now, listeners_[ready.tag & ~kListenerTag]);
    const auto found = connections_.find(static_cast<std::uint32_t>(ready.tag));
    if (found == connections_.end()) return;
    if (ready.writable) flush(now, *found->second);
    if (ready.readable) read_all(now, *found->second);
}

void TcpConnections::accept_all(Timestamp now, const Listener& listener) {
    while (true) {
        KernelAddress from;
        from.size = sizeof from.storage;
        FileDescriptor fd(
            ::accept4(listener.fd.get(), from.get(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd) {
            if (errno == EMFILE || errno == ENFILE) pause_listeners(now);
            return;
        }
        take(now, std::move(fd), listener.local, listener.socket_index, from_kernel(from.storage));
    }
}

void TcpConnections::take(Timestamp now, FileDescriptor fd, const SocketAddress& local,
                          std::uint16_t socket_index, const SocketAddress& remote) {
    if (!make_room(remote.ip)) return;
    ++counters_.accepted;
    ice::Path path;
    path.socket = socket_index;
    path.protocol = ice::Protocol::kTcp;
    path.tcp_connection = next_id_;
    next_id_ += id_step_;
    path.local = local;
    path.remote = remote;
    (void)add(now, std::move(fd), path);
}

// Who knows no participant's credentials has a place for a moment, never all of them.
bool TcpConnections::make_room(const IpAddress& source) {
    const auto give_way = [this](std::uint32_t id) {
        ++counters_.expired;
        close(id);
    };
    const std::size_t share = std::max<std::size_t>(max_connections_ / kShare, 1);
    if (unclaimed_.count_of(source) >= share) give_way(*unclaimed_.oldest_of(source));
    if (connections_.size() < max_connections_) return true;
    const auto oldest = unclaimed_.oldest();
    if (!oldest) {
        ++counters_.refused;
        return false;
    }
    give_way(*oldest);
    return true;
}

// Without descriptors the stream that waits cannot be taken, and the listener would be readable
// turn after turn.
void TcpConnections::pause_listeners(Timestamp now) {
    resume_at_ = now + kAcceptPause;
    watch_listeners(false);
}

void TcpConnections::watch_listeners(bool readable) {
    for (std::size_t i = 0; i < listeners_.size(); ++i)
        poller_->modify(listeners_[i].fd.get(), kListenerTag | i, {.readable = readable});
}

bool TcpConnections::add(Timestamp now, FileDescriptor fd, const ice::Path& path) {
    // One that cannot be watched would never be read, nor its end be seen.
    if (!poller_->add(fd.get(), kConnectionTag | path.tcp_connection)) {
        ++counters_.refused;
        return false;
    }
    const int on = 1;
    (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kMaxUnsent, sizeof kMaxUnsent);
    auto connection = std::make_unique<Connection>();
    connection->fd = std::move(fd);
    connection->path = path;
    connection->since = now;
    connection->unclaimed = unclaimed_.add(path.tcp_connection, path.remote.ip);
    connections_[path.tcp_connection] = std::move(connection);
    if (next_sweep_.is_never()) next_sweep_ = now + kSweepInterval;
    return true;
}

void TcpConnections::adopt(Timestamp now, TcpHandOver hand_over) {
    if (!make_room(hand_over.path.remote.ip)) return;
    const std::uint32_t id = hand_over.path.tcp_connection;
    if (!add(now, std::move(hand_over.fd), hand_over.path)) return;
    connections_[id]->first_frame_seen = true;
    if (on_frame_(hand_over.path, hand_over.frame) == Verdict::kClose) return close(id);
    const auto found = connections_.find(id);
    if (found != connections_.end() && !hand_over.unread.empty())
        (void)consume(*found->second, hand_over.unread);
}

void TcpConnections::read_all(Timestamp, Connection& connection) {
    std::array<std::uint8_t, 32 * 1024> buffer;
    const std::uint32_t id = connection.path.tcp_connection;
    // A few rounds only, so that one fast sender does not starve the others.
    for (int round = 0; round < 4; ++round) {
        const ssize_t size = ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return close(id);
        if (size < 0) return;
        if (!consume(connection, BytesView(buffer).first(static_cast<std::size_t>(size)))) return;
        if (static_cast<std::size_t>(size) < buffer.size()) return;
    }
}

bool TcpConnections::consume(Connection& connection, BytesView bytes) {
    const std::uint32_t id = connection.path.tcp_connection;
    std::array<std::uint8_t, wire::kMaxRfc4571Frame> frame;
    while (!bytes.empty()) {
        const auto step = connection.reader.consume(bytes);
        if (!step) {
            ++counters_.bad_frames;
            close(id);
            return false;
        }
        bytes = bytes.subspan(step->used);
        if (!step->frame) continue;
        ++counters_.frames_in;
        // The handlers decrypt in place, so the frame is given to them as a copy.
        std::memcpy(frame.data(), step->frame->data(), step->frame->size());
        const BytesSpan copy = BytesSpan(frame).first(step->frame->size());
        if (!connection.first_frame_seen && wire::classify(copy) != wire::PacketKind::kStun) {
            ++counters_.bad_frames;
            close(id);
            return false;
        }
        connection.first_frame_seen = true;
        switch (on_frame_(connection.path, copy)) {
            case Verdict::kKeep:
                break;
            case Verdict::kClose:
                close(id);
                return false;
            case Verdict::kHandOver: {
                poller_->remove(connection.fd.get());
                TcpHandOver out{std::move(connection.fd), connection.path, to_vector(copy),
                                to_vector(bytes)};
                erase(connections_.find(id));
                on_hand_over_(std::move(out));
                return false;
            }
        }
        if (!connections_.contains(id)) return false;
    }
    return true;
}

void TcpConnections::claim(std::uint32_t id) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || !found->second->unclaimed) return;
    unclaimed_.remove(*std::exchange(found->second->unclaimed, std::nullopt));
}

void TcpConnections::watch(const Connection& connection, bool writable) {
    poller_->modify(connection.fd.get(), kConnectionTag | connection.path.tcp_connection,
                    {.readable = true, .writable = writable});
}

void TcpConnections::flush(Timestamp now, Connection& connection) {
    StreamBacklog& backlog = connection.backlog;
    counters_.dropped += backlog.drop_old(now);
    std::array<iovec, kMaxFramesPerWrite> parts;
    while (!backlog.empty()) {
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = backlog.gather(parts, kMaxUnsent);
        const ssize_t size = ::sendmsg(connection.fd.get(), &message, kWrite);
        ++counters_.writes;
        if (size < 0) return;  // full again, or an error that read tells
        counters_.frames_out += backlog.advance(static_cast<std::size_t>(size));
    }
    if (connection.writable_watched) watch(connection, false);
    connection.writable_watched = false;
}

std::size_t TcpConnections::buffered(std::uint32_t id) const {
    const auto found = connections_.find(id);
    return found == connections_.end() ? 0 : found->second->backlog.octets();
}

void TcpConnections::send(Timestamp now, std::uint32_t id, std::span<const TcpFrame> frames) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    counters_.dropped += found->second->backlog.drop_old(now);
    while (!frames.empty()) {
        const auto some = frames.first(std::min(frames.size(), kMaxFramesPerWrite));
        write_frames(now, *found->second, some);
        frames = frames.subspan(some.size());
    }
}

// One system call for all frames and their headers (RFC 4571 §2; 02 DES-16). What the socket does
// not take waits, as far as there is room for it.
void TcpConnections::write_frames(Timestamp now, Connection& connection,
                                  std::span<const TcpFrame> frames) {
    std::array<std::array<std::uint8_t, wire::kRfc4571HeaderSize>, kMaxFramesPerWrite> headers;
    std::size_t done = 0;
    for (std::size_t i = 0; i < frames.size(); ++i)
        headers[i] = wire::rfc4571_header(static_cast<std::uint16_t>(frames[i].bytes.size()));
    if (connection.backlog.empty()) {
        std::array<iovec, 2 * kMaxFramesPerWrite> parts;
        for (std::size_t i = 0; i < frames.size(); ++i) {
            const BytesView bytes = frames[i].bytes;
            parts[2 * i] = {headers[i].data(), headers[i].size()};
            parts[2 * i + 1] = {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
        }
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = 2 * frames.size();
        const ssize_t size = ::sendmsg(connection.fd.get(), &message, kWrite);
        ++counters_.writes;
        if (size > 0) done = static_cast<std::size_t>(size);
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const std::size_t sent = std::min(done, headers[i].size() + frames[i].bytes.size());
        done -= sent;
        keep_rest(now, connection, headers[i], frames[i], sent);
    }
}

// `sent` bytes of header and frame are on their way.
void TcpConnections::keep_rest(Timestamp now, Connection& connection, BytesView header,
                               const TcpFrame& frame, std::size_t sent) {
    if (sent == header.size() + frame.bytes.size()) {
        ++counters_.frames_out;
        return;
    }
    if (!connection.backlog.hold(now, header, frame.bytes, sent, frame.urgency)) {
        ++counters_.dropped;
        return;
    }
    if (!connection.writable_watched) watch(connection, true);
    connection.writable_watched = true;
}

void TcpConnections::handle_timeout(Timestamp now) {
    if (now >= resume_at_) {
        resume_at_ = Timestamp::never();
        watch_listeners(true);
    }
    if (now < next_sweep_) return;
    std::vector<std::uint32_t> expired;
    for (const auto& [id, connection] : connections_)
        if (has_expired(now, *connection)) expired.push_back(id);
    counters_.expired += expired.size();
    for (const std::uint32_t id : expired)
        close(id);
    next_sweep_ = connections_.empty() ? Timestamp::never() : now + kSweepInterval;
}

// The peer of a claimed stream may have gone, or have forgotten it for newer ones: it is then as
// one that nobody took yet.
bool TcpConnections::has_expired(Timestamp now, Connection& connection) {
    if (now - connection.since <= kUnclaimedLimit) return false;
    if (connection.unclaimed) return true;
    if (!in_use_(connection.path))
        connection.unclaimed =
            unclaimed_.add(connection.path.tcp_connection, connection.path.remote.ip);
    connection.since = now;
    return false;
}

void TcpConnections::erase(Connections::iterator connection) {
    if (connection->second->unclaimed) unclaimed_.remove(*connection->second->unclaimed);
    connections_.erase(connection);
}

void TcpConnections::close(std::uint32_t id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const ice::Path path = found->second->path;
    erase(found);
    on_closed_(path);
}

}  // namespace confab::worker
