// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/tcp_connections.h"

#include <doctest/doctest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "runtime/worker/socket/socket_address.h"

namespace confab::worker {
namespace {

using Verdict = TcpConnections::Verdict;

Timestamp at_s(std::int64_t s) {
    return Timestamp::micros(1'000'000 * (100 + s));
}

// Something that the demultiplexer takes for STUN (RFC 7983 §7).
Bytes stun_like(std::size_t size) {
    Bytes bytes(size, 0x11);
    bytes[0] = 0x00;
    bytes[1] = 0x01;
    return bytes;
}
Bytes media_like(std::size_t size, std::uint8_t tag) {
    Bytes bytes(size, tag);
    bytes[0] = 0x80;
    bytes[1] = 96;
    return bytes;
}
Bytes framed(BytesView packet) {
    Bytes bytes(2);
    store_be16(bytes.data(), static_cast<std::uint16_t>(packet.size()));
    bytes.insert(bytes.end(), packet.begin(), packet.end());
    return bytes;
}

class StreamClient {
  public:
    explicit StreamClient(const SocketAddress& to)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const KernelAddress address = to_kernel(to);
        REQUIRE(::connect(fd_.get(), address.get(), address.size) == 0);
        const int on = 1;
        (void)setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    void write(BytesView bytes) {
        REQUIRE(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    // What is there within `timeout_ms`; nullopt when the other side closed.
    std::optional<Bytes> read(int timeout_ms) {
        pollfd p{fd_.get(), POLLIN, 0};
        if (::poll(&p, 1, timeout_ms) != 1) return Bytes{};
        Bytes bytes(65'536);
        const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
        if (size <= 0) return std::nullopt;
        bytes.resize(static_cast<std::size_t>(size));
        return bytes;
    }
    bool closed_by_peer() {
        const auto bytes = read(500);
        return !bytes.has_value();
    }

  private:
    FileDescriptor fd_;
};

// One worker's streams without the worker.
struct Host {
    explicit Host(std::uint32_t first_id = 1, std::uint32_t step = 1,
                  std::size_t limit = TcpConnections::kMaxConnections)
        : streams(poller, first_id, step, limit) {
        streams.set_handlers(
            [this](const ice::Path& path, BytesSpan frame) {
                frames.emplace_back(path, to_vector(frame));
                return verdict;
            },
            [this](TcpHandOver stream) { handed_over.push_back(std::move(stream)); },
            [this](const ice::Path& path) { closed.push_back(path); },
            [this](const ice::Path&) { return in_use; });
    }
    void send(std::uint32_t connection, const Bytes& frame, Urgency urgency = Urgency::kGivesWay) {
        streams.send(now, connection, std::array{TcpFrame{frame, urgency}});
    }
    SocketAddress listen() { return streams.listen({IpAddress::v4(0x7F000001), 0}, 7).value(); }
    // Serves the sockets until nothing has happened for `quiet_ms`.
    void run(int quiet_ms = 30) {
        for (int rounds = 0; rounds < 1000; ++rounds) {
            const auto ready = poller.wait(Duration::millis(quiet_ms));
            if (ready.empty()) return;
            for (const Poller::Ready& one : ready) {
                CHECK(TcpConnections::owns_tag(one.tag));
                streams.handle_ready(now, one);
            }
        }
    }

    Timestamp now = at_s(0);
    Poller poller;
    TcpConnections streams;
    Verdict verdict = Verdict::kKeep;
    bool in_use = true;
    std::vector<std::pair<ice::Path, Bytes>> frames;
    std::vector<TcpHandOver> handed_over;
    std::vector<ice::Path> closed;
};

TEST_CASE("TcpConnections: frames in any cuts, answers with their length in front [ICE-08]") {
    Host host(3, 4);
    const SocketAddress address = host.listen();
    StreamClient client(address);
    Bytes all = framed(stun_like(28));
    for (std::uint8_t i = 0; i < 5; ++i) {
        const Bytes next = framed(media_like(100 + i, i));
        all.insert(all.end(), next.begin(), next.end());
    }
    for (std::size_t at = 0; at < all.size(); at += 37) {
        client.write(BytesView(all).subspan(at, std::min<std::size_t>(37, all.size() - at)));
        host.run(at == 0 ? 30 : 2);
    }
    host.run();
    REQUIRE(host.frames.size() == 6);
    CHECK(host.frames[0].second == stun_like(28));
    for (std::uint8_t i = 0; i < 5; ++i)
        CHECK(host.frames[1U + i].second == media_like(100 + i, i));
    const ice::Path path = host.frames[0].first;
    CHECK(path.protocol == ice::Protocol::kTcp);
    CHECK(path.socket == 7);
    CHECK(path.tcp_connection == 3);
    CHECK(path.local == address);
    host.send(path.tcp_connection, stun_like(32));
    host.send(path.tcp_connection, media_like(200, 9));
    host.send(12345, media_like(200, 9));  // nobody
    Bytes expected = framed(stun_like(32));
    const Bytes second = framed(media_like(200, 9));
    expected.insert(expected.end(), second.begin(), second.end());
    Bytes got;
    while (got.size() < expected.size()) {
        const auto bytes = client.read(500);
        if (!bytes || bytes->empty()) break;
        got.insert(got.end(), bytes->begin(), bytes->end());
    }
    CHECK(got == expected);
    CHECK(host.streams.counters().frames_in == 6);
    CHECK(host.streams.counters().frames_out == 2);
    StreamClient other(address);
    other.write(framed(stun_like(20)));
    host.run();
    CHECK(host.frames.back().first.tcp_connection == 7);  // numbers of four workers never meet
}

TEST_CASE("TcpConnections: a stream that does not begin with STUN is closed [ICE-08]") {
    Host host;
    StreamClient client(host.listen());
    client.write(framed(media_like(100, 1)));
    host.run();
    CHECK(client.closed_by_peer());
    CHECK(host.frames.empty());
    CHECK(host.closed.size() == 1);
    CHECK(host.streams.size() == 0);
    CHECK(host.streams.counters().bad_frames == 1);
}

TEST_CASE("TcpConnections: a frame beyond the limit closes the stream [ICE-08][IMM-7]") {
    Host host;
    StreamClient client(host.listen());
    client.write(framed(stun_like(28)));
    Bytes large(2);
    store_be16(large.data(), wire::kMaxRfc4571Frame + 1);
    large.resize(3000, 1);
    client.write(large);
    host.run();
    CHECK(client.closed_by_peer());
    CHECK(host.frames.size() == 1);
    CHECK(host.closed.size() == 1);
    CHECK(host.streams.size() == 0);
}

TEST_CASE("TcpConnections: what a slow reader does not take is dropped in whole frames [TRAP-24]") {
    Host host;
    StreamClient client(host.listen());
    client.write(framed(stun_like(28)));
    host.run();
    REQUIRE(host.frames.size() == 1);
    const std::uint32_t id = host.frames[0].first.tcp_connection;
    constexpr std::size_t kFrames = 20'000;  // 24 MB, more than any socket buffer
    for (std::size_t i = 0; i < kFrames; ++i)
        host.send(id, media_like(1200, static_cast<std::uint8_t>(i)));
    CHECK(host.streams.counters().dropped > 0);
    // The reader wakes up: what comes has not lost its framing.
    wire::Rfc4571Reader reader;
    std::size_t received = 0, wrong = 0;
    while (true) {
        host.run(0);
        const auto bytes = client.read(50);
        if (!bytes || bytes->empty()) break;
        for (BytesView rest = *bytes; !rest.empty();) {
            const auto step = reader.consume(rest);
            REQUIRE(step.has_value());
            rest = rest.subspan(step->used);
            if (!step->frame) continue;
            ++received;
            if (step->frame->size() != 1200 || (*step->frame)[1] != 96) ++wrong;
        }
    }
    CHECK(wrong == 0);
    CHECK(received == host.streams.counters().frames_out);
    CHECK(received + host.streams.counters().dropped == kFrames);
    host.send(id, media_like(50, 5));
    const auto bytes = client.read(500);
    REQUIRE(bytes.has_value());
    CHECK(*bytes == framed(media_like(50, 5)));
}

// A client that reads nothing, to which pictures are sent until the first has no room.
struct SlowReader {
    SlowReader() {
        client.write(framed(stun_like(28)));
        host.run();
        REQUIRE(host.frames.size() == 1);
        id = host.frames[0].first.tcp_connection;
        while (host.streams.counters().dropped == 0)
            host.send(id, media_like(1200, 1));
    }

    Host host;
    StreamClient client{host.listen()};
    std::uint32_t id = 0;
};

// Each frame that comes from a stream, as long as some do.
std::vector<Bytes> frames_of(Host& host, StreamClient& client) {
    wire::Rfc4571Reader reader;
    std::vector<Bytes> frames;
    while (true) {
        host.run(0);
        const auto bytes = client.read(50);
        if (!bytes || bytes->empty()) return frames;
        for (BytesView rest = *bytes; !rest.empty();) {
            const auto step = reader.consume(rest);
            REQUIRE(step.has_value());
            rest = rest.subspan(step->used);
            if (step->frame) frames.push_back(to_vector(*step->frame));
        }
    }
}

TEST_CASE(
    "TcpConnections: sound overtakes pictures that wait for a slow reader [DES-06][TRAP-24]") {
    SlowReader slow;
    Host& host = slow.host;
    const std::uint32_t id = slow.id;
    const std::size_t waits = host.streams.buffered(id);
    CHECK(waits > Backlog::kMaxOctets - 1202);
    // No room for pictures is room for sound, until that has as much.
    for (std::uint8_t i = 0; i < 10; ++i)
        host.send(id, media_like(100, i), Urgency::kFirst);
    CHECK(host.streams.counters().dropped == 1);
    CHECK(host.streams.buffered(id) == waits + std::size_t{10} * 102);
    const auto frames = frames_of(host, slow.client);
    std::vector<std::size_t> sounds;
    for (std::size_t i = 0; i < frames.size(); ++i)
        if (frames[i].size() == 100) sounds.push_back(i);
    REQUIRE(sounds.size() == 10);
    CHECK(sounds.back() - sounds.front() == 9);
    for (std::uint8_t i = 0; i < 10; ++i)
        CHECK(frames[sounds[i]] == media_like(100, i));
    // Behind it are the pictures that had to wait, but for one that was begun.
    const std::size_t behind = frames.size() - 1 - sounds.back();
    CHECK(behind >= waits / 1202 - 1);
    CHECK(host.streams.counters().frames_out == frames.size());
    CHECK(host.streams.buffered(id) == 0);
}

TEST_CASE(
    "TcpConnections: what has waited for a second is given up, not what was begun [TRAP-24]") {
    SlowReader slow;
    Host& host = slow.host;
    const std::uint32_t id = slow.id;
    const std::size_t waits = host.streams.buffered(id) / 1202;
    host.now = host.now + Backlog::kLongest;
    host.send(id, media_like(100, 2), Urgency::kFirst);
    CHECK(host.streams.counters().dropped == 1);
    host.now = host.now + Duration::millis(1);
    host.send(id, media_like(100, 3), Urgency::kFirst);
    CHECK(host.streams.counters().dropped == 1 + waits);
    const auto frames = frames_of(host, slow.client);
    REQUIRE(frames.size() > 2);
    CHECK(frames[frames.size() - 2] == media_like(100, 2));
    CHECK(frames.back() == media_like(100, 3));
    for (std::size_t i = 0; i + 2 < frames.size(); ++i)
        CHECK(frames[i] == media_like(1200, 1));
    CHECK(host.streams.counters().frames_out == frames.size());
}

TEST_CASE("TcpConnections: the kernel holds little that it has not sent [TRAP-24]") {
    Host host;
    const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    KernelAddress address = to_kernel({IpAddress::v4(0x7F000001), 0});
    REQUIRE(::bind(listener.get(), address.get(), address.size) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    REQUIRE(::getsockname(listener.get(), address.get(), &address.size) == 0);
    StreamClient client(from_kernel(address.storage));
    FileDescriptor ours(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const FileDescriptor same(::dup(ours.get()));
    ice::Path path;
    path.protocol = ice::Protocol::kTcp;
    path.tcp_connection = 5;
    host.streams.adopt(host.now, {std::move(ours), path, stun_like(28), {}});
    const auto unsent = [&] {
        int octets = 0;
        REQUIRE(::ioctl(same.get(), SIOCOUTQNSD, &octets) == 0);
        return octets;
    };
    while (host.streams.counters().dropped == 0)
        host.send(5, media_like(1200, 1));
    CHECK(unsent() > 0);
    CHECK(unsent() <= TcpConnections::kMaxUnsent + 1202);
    // What waits fills it up again, by more than a frame at once.
    int most = 0;
    while (host.streams.buffered(5) > 0) {
        const auto bytes = client.read(500);
        REQUIRE(bytes.has_value());
        REQUIRE(!bytes->empty());
        host.run(0);
        most = std::max(most, unsent());
    }
    CHECK(most > 1202);
    CHECK(most <= 2 * TcpConnections::kMaxUnsent);
}

TEST_CASE("TcpConnections: a reader that never catches up costs no more memory [TRAP-24][IMM-15]") {
    Host host;
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    const FileDescriptor reader(ends[1]);
    const int small = 16 * 1024;  // less than what waits: it never goes at once
    (void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    ice::Path path;
    path.protocol = ice::Protocol::kTcp;
    path.tcp_connection = 5;
    host.streams.adopt(host.now, {FileDescriptor(ends[0]), path, stun_like(28), {}});
    std::size_t read = 0;
    std::size_t most = 0;
    Bytes bytes(65'536);
    while (read < 20 * Backlog::kMaxOctets) {
        for (const auto dropped = host.streams.counters().dropped;
             host.streams.counters().dropped == dropped;)
            host.send(5, media_like(1200, 1));
        most = std::max(most, host.streams.buffered(5));
        const ssize_t size = ::recv(reader.get(), bytes.data(), bytes.size(), 0);
        REQUIRE(size > 0);
        read += static_cast<std::size_t>(size);
        host.run(0);
    }
    CHECK(most > Backlog::kMaxOctets - 1202);
    CHECK(most <= Backlog::kMaxOctets + 1202);
}

TEST_CASE(
    "TcpConnections: without descriptors the listener rests, then takes what waits [ICE-08]") {
    Host host;
    const SocketAddress address = host.listen();
    StreamClient client(address);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const FileDescriptor next(::dup(STDERR_FILENO));
    rlimit none = before;
    none.rlim_cur =
        static_cast<rlim_t>(next.get());  // the highest that is in use: no other is free
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    int turns = 0;
    for (; turns < 100; ++turns) {
        const auto ready = host.poller.wait(Duration::millis(0));
        if (ready.empty()) break;
        host.streams.handle_ready(host.now, ready[0]);
    }
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(turns == 1);
    CHECK(host.streams.size() == 0);
    CHECK(host.streams.next_deadline() == host.now + TcpConnections::kAcceptPause);
    host.now = host.streams.next_deadline();
    host.streams.handle_timeout(host.now);
    host.run();
    CHECK(host.streams.size() == 1);
}

TEST_CASE("TcpConnections: a stream that cannot be watched is refused, not kept unread [ICE-08]") {
    Host host;
    TcpHandOver stream;
    stream.path.protocol = ice::Protocol::kTcp;
    stream.path.tcp_connection = 9;
    stream.frame = stun_like(28);
    host.streams.adopt(host.now, std::move(stream));  // its descriptor is none
    CHECK(host.streams.size() == 0);
    CHECK(host.streams.counters().refused == 1);
    CHECK(host.frames.empty());
}

TEST_CASE(
    "TcpConnections: a stream goes to another worker with all that was read [DES-03][ICE-08]") {
    Host first(1, 2), second(2, 2);
    StreamClient client(first.listen());
    first.verdict = Verdict::kHandOver;
    Bytes all = framed(stun_like(28));
    for (std::uint8_t i = 0; i < 3; ++i) {
        const Bytes next = framed(media_like(60, i));
        all.insert(all.end(), next.begin(), next.end());
    }
    all.insert(all.end(), {0x00, 0x10, 0x80});  // and the beginning of a fourth
    client.write(all);
    first.run();
    REQUIRE(first.handed_over.size() == 1);
    CHECK(first.streams.size() == 0);
    CHECK(first.closed.empty());
    second.streams.adopt(second.now, std::move(first.handed_over[0]));
    REQUIRE(second.frames.size() == 4);
    CHECK(second.frames[0].second == stun_like(28));
    CHECK(second.frames[3].second == media_like(60, 2));
    CHECK(second.frames[0].first.tcp_connection == 1);
    Bytes rest(15, 0x80);
    rest[0] = 96;
    client.write(rest);
    second.run();
    REQUIRE(second.frames.size() == 5);
    CHECK(second.frames[4].second.size() == 16);
    second.send(1, stun_like(20));
    const auto answer = client.read(500);
    REQUIRE(answer.has_value());
    CHECK(*answer == framed(stun_like(20)));
}

TEST_CASE("TcpConnections: the frames of a batch leave in one write [DES-16]") {
    Host host;
    StreamClient client(host.listen());
    client.write(framed(stun_like(28)));
    host.run();
    REQUIRE(host.frames.size() == 1);
    std::vector<Bytes> packets;
    Bytes expected;
    for (std::uint8_t i = 0; i < 100; ++i) {
        packets.push_back(media_like(20 + std::size_t{i}, i));
        const Bytes frame = framed(packets.back());
        expected.insert(expected.end(), frame.begin(), frame.end());
    }
    std::vector<TcpFrame> frames;
    frames.reserve(packets.size());
    for (const Bytes& packet : packets)
        frames.push_back({packet, Urgency::kGivesWay});
    host.streams.send(host.now, host.frames[0].first.tcp_connection, frames);
    CHECK(host.streams.counters().writes == 2);  // 64 frames are the most for one
    CHECK(host.streams.counters().frames_out == 100);
    Bytes all;
    while (all.size() < expected.size()) {
        const auto bytes = client.read(500);
        REQUIRE(bytes.has_value());
        REQUIRE_FALSE(bytes->empty());
        all.insert(all.end(), bytes->begin(), bytes->end());
    }
    CHECK(all == expected);
}

TEST_CASE("TcpConnections: beyond the limit streams are refused, handed over or not [ICE-08]") {
    Host full(1, 2, 1), first(2, 2);
    const SocketAddress address = full.listen();
    StreamClient one(address), other(first.listen());
    full.run();
    full.streams.claim(1);
    StreamClient two(address);
    full.run();
    CHECK(full.streams.size() == 1);
    CHECK(full.streams.counters().refused == 1);
    CHECK(two.closed_by_peer());
    first.verdict = Verdict::kHandOver;
    other.write(framed(stun_like(28)));
    first.run();
    REQUIRE(first.handed_over.size() == 1);
    full.streams.adopt(full.now, std::move(first.handed_over[0]));
    CHECK(full.streams.size() == 1);
    CHECK(full.streams.counters().refused == 2);
    CHECK(other.closed_by_peer());
    CHECK(full.frames.empty());
}

TEST_CASE("TcpConnections: streams that nobody claims expire, claimed ones stay [ICE-08]") {
    Host host;
    const SocketAddress address = host.listen();
    StreamClient silent(address), claimed(address);
    claimed.write(framed(stun_like(28)));
    host.run();
    REQUIRE(host.frames.size() == 1);
    host.streams.claim(host.frames[0].first.tcp_connection);
    CHECK(host.streams.size() == 2);
    host.streams.handle_timeout(at_s(29));
    CHECK(host.streams.size() == 2);
    host.streams.handle_timeout(at_s(32));
    CHECK(host.streams.size() == 1);
    CHECK(host.streams.counters().expired == 1);
    CHECK(silent.closed_by_peer());
    host.streams.handle_timeout(at_s(1000));
    CHECK(host.streams.size() == 1);
}

TEST_CASE("TcpConnections: a stream that its peer left expires as one nobody claimed [ICE-08]") {
    Host host;
    StreamClient client(host.listen());
    client.write(framed(stun_like(28)));
    host.run();
    REQUIRE(host.frames.size() == 1);
    const std::uint32_t id = host.frames[0].first.tcp_connection;
    host.streams.claim(id);
    const auto pass = [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t s = from; s <= to; ++s)
            host.streams.handle_timeout(at_s(s));
    };
    pass(1, 300);
    CHECK(host.streams.size() == 1);
    // Left alone, then used again in time.
    host.in_use = false;
    pass(301, 340);
    CHECK(host.streams.size() == 1);
    host.in_use = true;
    host.streams.claim(id);
    pass(341, 640);
    CHECK(host.streams.size() == 1);
    CHECK(host.closed.empty());
    host.in_use = false;
    pass(641, 703);
    CHECK(host.streams.size() == 0);
    CHECK(host.closed.size() == 1);
    CHECK(host.streams.counters().expired == 1);
    CHECK(client.closed_by_peer());
}

// Streams of any source, which say nothing.
struct Sources : Host {
    explicit Sources(std::size_t limit) : Host(1, 1, limit) {}
    std::uint32_t take(std::uint32_t source) {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) ==
                0);
        theirs.emplace_back(ends[1]);
        streams.take(now, FileDescriptor(ends[0]), {IpAddress::v4(0x7F00'0001), 443}, 7,
                     {IpAddress::v4(source), 9});
        return static_cast<std::uint32_t>(theirs.size());
    }
    bool is_closed(std::uint32_t id) const {
        return std::any_of(closed.begin(), closed.end(),
                           [id](const ice::Path& path) { return path.tcp_connection == id; });
    }
    std::vector<FileDescriptor> theirs;
};

TEST_CASE("TcpConnections: one source has an eighth of the places for nothing [OPS-05][ICE-08]") {
    Sources host(32);  // four of them
    const std::uint32_t other = host.take(1);
    for (std::uint32_t i = 0; i < 4; ++i)
        host.take(2);
    CHECK(host.closed.empty());
    host.take(2);
    CHECK(host.closed.size() == 1);
    CHECK(host.is_closed(other + 1));  // its oldest
    for (int i = 0; i < 100; ++i)
        host.take(2);
    CHECK(host.streams.size() == 5);
    CHECK(host.streams.counters().refused == 0);
    CHECK_FALSE(host.is_closed(other));
    // What is used does not count, until it is not used any more.
    const std::uint32_t used = host.take(2);
    host.streams.claim(used);
    host.streams.claim(used);
    CHECK(host.streams.size() == 5);
    host.take(2);
    CHECK(host.streams.size() == 6);
    host.in_use = false;
    host.streams.handle_timeout(at_s(31));
    CHECK(host.streams.size() == 1);
    host.now = at_s(31);
    for (int i = 0; i < 3; ++i)
        host.take(2);
    CHECK_FALSE(host.is_closed(used));
    host.take(2);
    CHECK(host.is_closed(used));
    CHECK(host.streams.size() == 4);
}

TEST_CASE("TcpConnections: of full places the oldest that nobody uses gives way [OPS-05][ICE-08]") {
    Sources host(8);
    const std::uint32_t used = host.take(100);
    host.streams.claim(used);
    for (std::uint32_t source = 1; source <= 7; ++source)
        host.take(source);
    CHECK(host.closed.empty());
    for (std::uint32_t source = 11; source <= 13; ++source)
        host.take(source);
    CHECK(host.streams.size() == 8);
    CHECK(host.closed.size() == 3);
    for (const std::uint32_t id : {2U, 3U, 4U})
        CHECK(host.is_closed(id));
    CHECK(host.streams.counters().accepted == 11);
    CHECK(host.streams.counters().refused == 0);
    // Each of them in use: nobody gives way.
    for (std::uint32_t id = 5; id <= 11; ++id)
        host.streams.claim(id);
    host.take(20);
    CHECK(host.streams.counters().refused == 1);
    CHECK(host.closed.size() == 3);
}

TEST_CASE("TcpConnections: the end of a stream is told once [ICE-08]") {
    Host host;
    {
        StreamClient client(host.listen());
        client.write(framed(stun_like(28)));
        host.run();
        CHECK(host.streams.size() == 1);
    }
    host.run();
    CHECK(host.streams.size() == 0);
    REQUIRE(host.closed.size() == 1);
    CHECK(host.closed[0] == host.frames[0].first);
    CHECK(host.streams.next_deadline() < at_s(2));
    host.streams.handle_timeout(at_s(2));
    CHECK(host.streams.next_deadline().is_never());
}

TEST_CASE("TcpConnections: a stream that another listener took is as one of ours [ICE-08]") {
    Host host(5, 2, 1);
    std::array<int, 2> ends{};
    const auto pair = [&] {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) ==
                0);
        return std::pair(FileDescriptor(ends[0]), FileDescriptor(ends[1]));
    };
    const SocketAddress local{IpAddress::v4(0x7F00'0001), 443};
    const SocketAddress remote{IpAddress::v4(0x0A00'0001), 9};
    auto [ours, theirs] = pair();
    const Bytes sent = framed(stun_like(40));
    REQUIRE(::send(theirs.get(), sent.data(), sent.size(), 0) == static_cast<ssize_t>(sent.size()));
    host.streams.take(at_s(0), std::move(ours), local, 7, remote);
    host.run();
    REQUIRE(host.frames.size() == 1);
    const ice::Path& path = host.frames[0].first;
    CHECK(path.local == local);
    CHECK(path.remote == remote);
    CHECK(path.socket == 7);
    CHECK(path.tcp_connection == 5);
    CHECK(host.streams.counters().accepted == 1);
    // The limit holds for those, too.
    host.streams.claim(5);
    auto [more, other_end] = pair();
    host.streams.take(at_s(0), std::move(more), local, 7, remote);
    CHECK(host.streams.counters().refused == 1);
    CHECK(host.streams.size() == 1);
}

}  // namespace
}  // namespace confab::worker
