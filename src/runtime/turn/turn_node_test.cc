// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The TURN server with real sockets on loopback.
#include "runtime/turn/turn_node.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <concepts>
#include <functional>
#include <optional>
#include <thread>

#include "crypto/hmac.h"
#include "runtime/worker/socket/file_descriptor.h"
#include "runtime/worker/socket/socket_address.h"
#include "turn/credentials.h"
#include "wire/ice/channel_data.h"
#include "wire/ice/stun.h"

namespace confab::turn_server {
namespace {

using wire::StunAttr;
using wire::StunBuilder;
using wire::StunClass;
using wire::StunMessage;
using wire::StunMethod;

const IpAddress kLoopback = IpAddress::v4(0x7F00'0001);
const IpAddress kSecond = IpAddress::v4(0x7F00'0002);

TurnNodeOptions options(const IpAddress& listen) {
    TurnNodeOptions options;
    options.udp = {{listen, 0}};
    options.relay_bind_v4 = kLoopback;
    options.server.relay_v4 = kLoopback;
    options.server.first_port = 20'000;
    options.server.last_port = 29'999;
    options.server.peers.allow_restricted = {*Cidr::parse("127.0.0.0/8")};
    options.server.find_secret = [](std::string_view) { return std::string("secret"); };
    return options;
}

std::unique_ptr<TurnNode> start(const TurnNodeOptions& options) {
    auto node = TurnNode::start(options);
    REQUIRE_MESSAGE(node.has_value(), node.error());
    return *std::move(node);
}

// A socket of the other side, which waits for what it receives.
class Endpoint {
  public:
    explicit Endpoint(const IpAddress& ip = kLoopback) : socket_(*DatagramSocket::open({ip, 0})) {}

    const SocketAddress& local() const { return socket_.local(); }
    void send(const SocketAddress& to, BytesView bytes) {
        REQUIRE(socket_.send(socket_.local(), to, bytes));
    }
    // nullopt when nothing came in time.
    std::optional<Datagram> receive(int timeout_ms = 2000) {
        pollfd waiting{socket_.fd(), POLLIN, 0};
        if (::poll(&waiting, 1, timeout_ms) != 1) return std::nullopt;
        const auto received = socket_.receive(batch_);
        REQUIRE(received.size() == 1);
        return received[0];
    }

  private:
    DatagramSocket socket_;
    DatagramBatch batch_;
};

// The same by TCP: messages one after the other (RFC 8656 §3.1).
class StreamEndpoint {
  public:
    explicit StreamEndpoint(const SocketAddress& server)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), server_(server) {
        const worker::KernelAddress to = worker::to_kernel(server);
        REQUIRE(::connect(fd_.get(), to.get(), to.size) == 0);
        worker::KernelAddress own;
        own.size = sizeof own.storage;
        REQUIRE(::getsockname(fd_.get(), own.get(), &own.size) == 0);
        local_ = worker::from_kernel(own.storage);
    }

    const SocketAddress& local() const { return local_; }
    void send(const SocketAddress&, BytesView bytes) {
        REQUIRE(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    // Octets that the kernel has for us.
    std::size_t unread() const {
        int octets = 0;
        REQUIRE(::ioctl(fd_.get(), FIONREAD, &octets) == 0);
        return static_cast<std::size_t>(octets);
    }
    std::optional<Datagram> receive(int timeout_ms = 2000) {
        received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(taken_));
        taken_ = 0;
        wire::TurnFrame frame = wire::next_turn_frame(received_, true);
        while (frame.state == wire::TurnFrame::State::kMore) {
            pollfd waiting{fd_.get(), POLLIN, 0};
            if (::poll(&waiting, 1, timeout_ms) != 1) return std::nullopt;
            std::array<std::uint8_t, 4096> chunk;
            const ssize_t size = ::recv(fd_.get(), chunk.data(), chunk.size(), 0);
            if (size <= 0) return std::nullopt;
            received_.insert(received_.end(), chunk.begin(), chunk.begin() + size);
            frame = wire::next_turn_frame(received_, true);
        }
        REQUIRE(frame.state == wire::TurnFrame::State::kWhole);
        taken_ = frame.size;
        return Datagram{server_, local_, BytesView(received_).first(frame.size)};
    }

  private:
    worker::FileDescriptor fd_;
    SocketAddress server_;
    SocketAddress local_;
    Bytes received_;
    std::size_t taken_ = 0;
};

template <typename Way>
class ClientBy : public Way {
  public:
    explicit ClientBy(SocketAddress server)
        requires std::same_as<Way, StreamEndpoint>
        : Way(server), server_(server) {}
    explicit ClientBy(SocketAddress server, const IpAddress& ip = kLoopback)
        requires std::same_as<Way, Endpoint>
        : Way(ip), server_(server) {}
    using Way::local;
    using Way::receive;
    using Way::send;

    // The answer; it points into what was received last.
    StunMessage ask(StunMethod method, const std::function<void(StunBuilder&)>& attributes) {
        std::array<std::uint8_t, 1500> buffer;
        StunBuilder builder(buffer, StunClass::kRequest, method, {9, ++requests_});
        attributes(builder);
        if (!nonce_.empty()) {
            const turn::User user{"key", "PA_1", INT64_MAX};
            const std::string name = turn::make_username(user);
            const auto key = turn::integrity_key(name, turn::make_password(user, "secret"));
            builder.text(StunAttr::kUsername, name)
                .text(StunAttr::kRealm, turn::kRealm)
                .text(StunAttr::kNonce, nonce_);
            builder.add_integrity(crypto::hmac_sha1(key, builder.integrity_input()));
        }
        send(server_, builder.finish());
        const auto answer = receive();
        REQUIRE(answer.has_value());
        CHECK(answer->from == server_);
        const auto message = StunMessage::parse(answer->bytes);
        REQUIRE(message.has_value());
        return *message;
    }
    SocketAddress allocate() {
        const auto relayed = try_allocate();
        REQUIRE(relayed.has_value());
        return *relayed;
    }
    // nullopt: there is no port.
    std::optional<SocketAddress> try_allocate() {
        const auto udp = [](StunBuilder& b) { b.u32(StunAttr::kRequestedTransport, 17U << 24); };
        const StunMessage challenge = ask(StunMethod::kAllocate, udp);
        REQUIRE(challenge.error_code()->code == 401);
        nonce_ = std::string(*challenge.text(StunAttr::kNonce));
        const StunMessage answer = ask(StunMethod::kAllocate, udp);
        if (answer.error_code() && answer.error_code()->code == 508) return std::nullopt;
        REQUIRE(answer.message_class() == StunClass::kSuccess);
        CHECK(answer.xor_address(StunAttr::kXorMappedAddress) == local());
        return answer.xor_address(StunAttr::kXorRelayedAddress);
    }
    void bind(std::uint16_t channel, const SocketAddress& peer) {
        const StunMessage answer = ask(StunMethod::kChannelBind, [&](StunBuilder& b) {
            b.u32(StunAttr::kChannelNumber, std::uint32_t{channel} << 16)
                .xor_address(StunAttr::kXorPeerAddress, peer);
        });
        REQUIRE(answer.message_class() == StunClass::kSuccess);
    }
    void send_on(std::uint16_t channel, std::string_view data) {
        std::array<std::uint8_t, 1500> buffer;
        send(server_, wire::build_channel_data(buffer, channel, as_bytes(data), false));
    }

  private:
    SocketAddress server_;
    std::string nonce_;
    std::uint8_t requests_ = 0;
};
using Client = ClientBy<Endpoint>;
using StreamClient = ClientBy<StreamEndpoint>;

// A server with one relay port, which a client has. Other programs may be quicker: it asks for
// three.
struct OnePort {
    explicit OnePort(TurnNodeOptions options) {
        for (int tries = 0; tries < 3 && port == 0; ++tries) {
            options.server.first_port = options.server.last_port = Endpoint().local().port;
            first.reset();
            node = start(options);
            first = std::make_unique<Client>(node->udp()[0]);
            if (const auto relayed = first->try_allocate()) port = relayed->port;
        }
        REQUIRE(port != 0);
    }
    std::unique_ptr<TurnNode> node;
    std::unique_ptr<Client> first;
    std::uint16_t port = 0;
};

// False if the figures do not come to that.
bool becomes(TurnNode& node, const std::function<bool(const TurnFigures&)>& as_wished) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!as_wished(node.figures())) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

// A media worker by hand: its end of the rings, and its socket, which is for what the kernel
// brings.
struct Media {
    explicit Media(TurnNodeOptions& options, const IpAddress& ip = kLoopback)
        : socket(ip),
          exchange({options.relay_bind_v4, {}, options.server.first_port, options.server.last_port},
                   {ip}, 1) {
        exchange.connect(0, bell, {socket.local()});
        options.media = &exchange;
    }
    const SocketAddress& local() const { return socket.local(); }

    // What came by the ring; waits as a worker does.
    std::optional<std::string> receive(int timeout_ms = 2000) {
        worker::RelayExchange::Lane& lane = exchange.lane(0);
        bell.announce_sleep();
        pollfd waiting{bell.fd(), POLLIN, 0};
        if (lane.to_worker.empty() && ::poll(&waiting, 1, timeout_ms) < 0) return std::nullopt;
        bell.awake();
        auto* const ring = lane.to_worker.consumer();
        if (ring == nullptr || ring->front() == nullptr) return std::nullopt;
        const worker::RelayedDatagram& datagram = *ring->front();
        port = datagram.head.port;
        std::string text(as_text(BytesView(datagram.bytes).first(datagram.size)));
        ring->release();
        return text;
    }
    // False if what was sent is not taken in time.
    bool is_read() {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (!exchange.lane(0).to_turn.empty()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return true;
    }
    std::uint64_t owner(std::uint16_t of) {
        return exchange.table().owner(IpAddress::Family::kV4, of);
    }
    void send(std::uint64_t allocation, std::uint16_t to, std::string_view text) {
        REQUIRE(worker::push(exchange.lane(0).to_turn.producer(), {allocation, {}, 0, to},
                             as_bytes(text)));
        exchange.turn_bell().notify();
    }

    Endpoint socket;
    worker::Wakeup bell;
    worker::RelayExchange exchange;
    std::uint16_t port = 0;  // that the last datagram came from
};

std::string channel_text(const std::optional<Datagram>& datagram) {
    if (!datagram) return "nothing";
    const auto data = wire::ChannelData::parse(datagram->bytes);
    return data ? std::string(as_text(data->data)) : "no channel data";
}

}  // namespace

TEST_CASE("TurnNode: datagrams go both ways through the relayed address [TURN-03, TURN-14]") {
    const auto node = start(options(kLoopback));
    Client client(node->udp()[0]);
    Endpoint peer;
    const SocketAddress relayed = client.allocate();
    CHECK(relayed.port >= 20'000);
    client.bind(0x4000, peer.local());
    client.send_on(0x4000, "hello");
    const auto there = peer.receive();
    REQUIRE(there.has_value());
    CHECK(there->from == relayed);
    CHECK(as_text(there->bytes) == "hello");
    peer.send(relayed, as_bytes("world"));
    const auto back = client.receive();
    REQUIRE(back.has_value());
    CHECK(as_text(wire::ChannelData::parse(back->bytes)->data) == "world");

    // Another host has no permission.
    Endpoint stranger(kSecond);
    stranger.send(relayed, as_bytes("x"));
    CHECK_FALSE(client.receive(200).has_value());
    REQUIRE(becomes(*node, [](const auto& f) { return f.counters.without_permission == 1; }));
    const TurnFigures counted = node->figures();
    CHECK(counted.allocations == 1);
    CHECK(counted.counters.to_peers_bytes == 5);
    CHECK(counted.counters.to_clients_bytes == 5);
    CHECK(counted.send_dropped == 0);
}

TEST_CASE("TurnNode: bound to any address, it answers from the one that was asked [TURN-19]") {
    const auto node = start(options(IpAddress::v4(0)));
    const std::uint16_t port = node->udp()[0].port;
    // The route to the client would leave from 127.0.0.1.
    Client client({kSecond, port}, kLoopback);
    Endpoint peer;
    const SocketAddress relayed = client.allocate();  // checks where answers come from
    client.bind(0x4000, peer.local());
    peer.send(relayed, as_bytes("world"));
    const auto back = client.receive();
    REQUIRE(back.has_value());
    CHECK(back->from == SocketAddress{kSecond, port});
}

TEST_CASE("TurnNode: behind a NAT our media is reached without leaving the host [TURN-03]") {
    const IpAddress told = *IpAddress::parse("203.0.113.9");
    TurnNodeOptions behind_nat = options(kLoopback);
    behind_nat.aliases = {{told, kSecond}};
    const auto media = std::make_unique<Endpoint>(kSecond);
    const std::uint16_t port = media->local().port;
    behind_nat.server.peers.own_media = {{told, {{port, port}}}};
    const auto node = start(behind_nat);
    Client client(node->udp()[0]);
    const SocketAddress relayed = client.allocate();
    client.bind(0x4000, {told, port});
    client.send_on(0x4000, "hello");
    const auto there = media->receive();
    REQUIRE(there.has_value());
    CHECK(as_text(there->bytes) == "hello");
    media->send(relayed, as_bytes("world"));
    const auto back = client.receive();
    REQUIRE(back.has_value());
    CHECK(as_text(wire::ChannelData::parse(back->bytes)->data) == "world");
}

TEST_CASE("TurnNode: an ended allocation gives its port back [TURN-13, TURN-17]") {
    std::atomic<bool> revoked{false};
    TurnNodeOptions with_keys = options(kLoopback);
    with_keys.server.find_secret = [&](std::string_view key) -> std::optional<std::string> {
        if (revoked && key == "key") return std::nullopt;
        return "secret";
    };
    const OnePort one(with_keys);
    const auto& [node, first, port] = one;
    Client second(node->udp()[0]);
    CHECK_FALSE(DatagramSocket::open({kLoopback, port}).has_value());
    REQUIRE(becomes(*node, [](const auto& f) { return f.allocations == 1; }));
    revoked = true;
    node->handle_new_keys();
    REQUIRE(becomes(*node, [](const auto& f) { return f.allocations == 0; }));
    revoked = false;
    CHECK(second.allocate().port == port);
}

TEST_CASE("TurnNode: what a participant has ends soon after it [TURN-17]") {
    const auto node = start(options(kLoopback));
    Client client(node->udp()[0]);
    client.allocate();
    node->end_user("PA_1");
    const auto left = [&] {
        return *client
                    .ask(StunMethod::kRefresh,
                         [](StunBuilder& b) { b.u32(StunAttr::kLifetime, 600); })
                    .u32(StunAttr::kLifetime);
    };
    std::uint32_t seconds = left();
    for (int i = 0; i < 100 && seconds > 30; ++i)
        seconds = left();
    CHECK(seconds <= 30);
}

TEST_CASE("TurnNode: allocations end by themselves [TURN-13]") {
    const auto node = start(options(kLoopback));
    Client client(node->udp()[0]);
    client.allocate();
    const StunMessage answer =
        client.ask(StunMethod::kRefresh, [](StunBuilder& b) { b.u32(StunAttr::kLifetime, 1); });
    CHECK(answer.u32(StunAttr::kLifetime) == 1);
    CHECK(becomes(*node, [](const auto& f) { return f.allocations == 0; }));
}

TEST_CASE("TurnNode: a port that is taken is an error that names it [TURN-01]") {
    const auto node = start(options(kLoopback));
    TurnNodeOptions same = options(kLoopback);
    same.udp = node->udp();
    const auto second = TurnNode::start(same);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().find(node->udp()[0].to_string()) != std::string::npos);
}

TEST_CASE("TurnNode: our own media is reached without sockets, both ways [TURN-03, TURN-14]") {
    TurnNodeOptions with_media = options(kLoopback);
    Media media(with_media);
    {
        const auto node = start(with_media);
        Client client(node->udp()[0]);
        const SocketAddress relayed = client.allocate();
        CHECK(media.owner(relayed.port) != 0);
        client.bind(0x4000, media.local());
        client.send_on(0x4000, "hello");
        CHECK(media.receive() == "hello");
        CHECK(media.port == relayed.port);
        media.send(media.owner(relayed.port), relayed.port, "world");
        CHECK(channel_text(client.receive()) == "world");
        REQUIRE(becomes(*node, [](const auto& f) { return f.counters.to_clients == 1; }));
        const TurnFigures by_ring = node->figures();
        CHECK(by_ring.shortcut.to_workers == 1);
        CHECK(by_ring.shortcut.to_clients == 1);
        CHECK(by_ring.relays.sent == 0);
        CHECK(by_ring.relays.received == 0);
        CHECK(by_ring.counters.to_peers_bytes == 5);

        // The relayed address is still there for everybody else, and for what comes by the kernel.
        media.socket.send(relayed, as_bytes("kernel"));
        CHECK(channel_text(client.receive()) == "kernel");
        Endpoint peer;
        client.bind(0x4001, peer.local());
        client.send_on(0x4001, "outside");
        CHECK(peer.receive().has_value());
        REQUIRE(becomes(*node, [](const auto& f) { return f.relays.sent == 1; }));
        CHECK(node->figures().relays.received == 1);
        CHECK(node->figures().shortcut.to_workers == 1);
        CHECK_FALSE(media.socket.receive(0).has_value());
    }
    CHECK(media.exchange.table().empty());
}

TEST_CASE("TurnNode: workers' datagrams need a permission as others' do [TURN-06, TURN-15]") {
    TurnNodeOptions with_media = options(kLoopback);
    Media media(with_media, kSecond);
    const auto node = start(with_media);
    Client client(node->udp()[0]);
    const std::uint16_t port = client.allocate().port;
    media.send(media.owner(port), port, "too early");
    REQUIRE(becomes(*node, [](const auto& f) { return f.counters.without_permission == 1; }));
    client.bind(0x4000, media.local());
    media.send(media.owner(port), port, "in time");
    CHECK(channel_text(client.receive()) == "in time");
    // New rules hold at once the other way.
    turn::PeerRules none;
    none.deny = {*Cidr::parse("127.0.0.0/8")};
    node->set_peer_rules(none);
    client.send_on(0x4000, "denied");
    REQUIRE(becomes(*node, [](const auto& f) { return f.counters.forbidden_peers == 1; }));
    CHECK_FALSE(media.receive(0).has_value());
}

TEST_CASE("TurnNode: an allocation that ended gets nothing, nor does who has its port [TURN-13]") {
    TurnNodeOptions with_media = options(kLoopback);
    with_media.server.first_port = 1;
    with_media.server.last_port = 65'535;
    Media media(with_media);
    const OnePort one(with_media);
    const auto& [node, its_client, port] = one;
    Client& first = *its_client;
    Client second(node->udp()[0]);
    first.bind(0x4000, media.local());
    const std::uint64_t before = media.owner(port);
    REQUIRE(before != 0);
    first.ask(StunMethod::kRefresh, [](StunBuilder& b) { b.u32(StunAttr::kLifetime, 0); });
    CHECK(media.owner(port) == 0);
    first.send_on(0x4000, "after the end");
    REQUIRE(second.allocate().port == port);
    second.bind(0x4000, media.local());
    CHECK(media.owner(port) != 0);
    CHECK(media.owner(port) != before);
    // What was on its way meanwhile.
    media.send(before, port, "for the first");
    media.send(media.owner(port), port, "for the second");
    CHECK(channel_text(second.receive()) == "for the second");
    CHECK_FALSE(first.receive(0).has_value());
    second.send_on(0x4000, "of the second");
    CHECK(media.receive() == "of the second");
    CHECK(becomes(*node, [](const auto& f) { return f.shortcut.to_workers > 0; }));
    CHECK(node->figures().shortcut.to_workers == 1);
}

TEST_CASE("TurnNode: keys that are gone end the way to our media at once [TURN-17]") {
    std::atomic<bool> revoked{false};
    TurnNodeOptions with_media = options(kLoopback);
    with_media.server.find_secret = [&](std::string_view) -> std::optional<std::string> {
        if (revoked) return std::nullopt;
        return "secret";
    };
    Media media(with_media);
    const auto node = start(with_media);
    Client client(node->udp()[0]);
    const std::uint16_t port = client.allocate().port;
    client.bind(0x4000, media.local());
    const std::uint64_t before = media.owner(port);
    REQUIRE(becomes(*node, [](const auto& f) { return f.allocations == 1; }));
    revoked = true;
    node->handle_new_keys();
    REQUIRE(becomes(*node, [](const auto& f) { return f.allocations == 0; }));
    CHECK(media.exchange.table().empty());
    media.send(before, port, "late");
    REQUIRE(media.is_read());
    // What it does next comes after the end of that turn.
    revoked = false;
    Client next(node->udp()[0]);
    next.allocate();
    REQUIRE(becomes(*node, [](const auto& f) { return f.allocations == 1; }));
    CHECK(node->figures().counters.to_clients == 0);
    CHECK(node->figures().shortcut.to_clients == 0);
}

TEST_CASE(
    "TurnNode: behind a NAT our media is on the ring where clients are told it is [TURN-03]") {
    const IpAddress told = *IpAddress::parse("203.0.113.9");
    TurnNodeOptions behind_nat = options(kLoopback);
    behind_nat.aliases = {{told, kSecond}};
    Media media(behind_nat, kSecond);
    const std::uint16_t port = media.local().port;
    behind_nat.server.peers.own_media = {{told, {{port, port}}}};
    const auto node = start(behind_nat);
    Client client(node->udp()[0]);
    const std::uint16_t relayed = client.allocate().port;
    client.bind(0x4000, {told, port});
    client.send_on(0x4000, "hello");
    CHECK(media.receive() == "hello");
    media.send(media.owner(relayed), relayed, "world");
    CHECK(channel_text(client.receive()) == "world");
}

TEST_CASE("TurnNode: what workers send while it is busy is read in parts, all of it [DES-41]") {
    TurnNodeOptions with_media = options(kLoopback);
    Media media(with_media);
    const auto node = start(with_media);
    Client client(node->udp()[0]);
    const std::uint16_t port = client.allocate().port;
    client.bind(0x4000, media.local());
    // Nobody wakes it but once.
    for (std::size_t i = 0; i <= 2 * MediaShortcut::kMaxPerRead; ++i)
        REQUIRE(worker::push(media.exchange.lane(0).to_turn.producer(),
                             {media.owner(port), {}, 0, port}, as_bytes("x")));
    media.exchange.turn_bell().notify();
    CHECK(becomes(*node, [](const auto& f) {
        return f.counters.to_clients == 2 * MediaShortcut::kMaxPerRead + 1;
    }));
}

TEST_CASE("TurnNode: a burst to a client by TCP is written while it is read [TURN-02, DES-41]") {
    TurnNodeOptions with_media = options(kLoopback);
    with_media.streams = {{kLoopback, 0}};
    Media media(with_media);
    const auto node = start(with_media);
    StreamClient client(node->streams()[0]);
    const std::uint16_t port = client.allocate().port;
    client.bind(0x4000, media.local());
    // More than may wait for one client.
    constexpr std::size_t kBurst = 200;
    const std::string text(1200, 'x');
    static_assert(kBurst * 1200 > Backlog::kMaxOctets);
    for (std::size_t i = 0; i < kBurst; ++i)
        REQUIRE(worker::push(media.exchange.lane(0).to_turn.producer(),
                             {media.owner(port), {}, 0, port}, as_bytes(text)));
    media.exchange.turn_bell().notify();
    std::size_t came = 0;
    while (came < kBurst && channel_text(client.receive()) == text)
        ++came;
    CHECK(came == kBurst);
    CHECK(becomes(*node, [](const auto& f) { return f.counters.to_clients == kBurst; }));
    CHECK(node->figures().streams.dropped == 0);
}

// A client by TCP that reads nothing, to which a worker sends pictures until one has no room.
struct SlowClient {
    SlowClient() {
        client.bind(0x4000, media.local());
        while (node->figures().streams.dropped == 0)
            send(100, picture, Urgency::kGivesWay);
    }
    void send(std::size_t count, const std::string& text, Urgency urgency) {
        for (std::size_t i = 0; i < count; ++i)
            REQUIRE(worker::push(media.exchange.lane(0).to_turn.producer(),
                                 {media.owner(port), {}, 0, port, urgency}, as_bytes(text)));
        media.exchange.turn_bell().notify();
        sent += count;
        REQUIRE(becomes(*node, [&](const auto& f) { return f.counters.to_clients == sent; }));
    }

    const std::string picture = std::string(1200, 'p');
    TurnNodeOptions with_media = [] {
        TurnNodeOptions all = options(kLoopback);
        all.streams = {{kLoopback, 0}};
        return all;
    }();
    Media media{with_media};
    std::unique_ptr<TurnNode> node = start(with_media);
    StreamClient client{node->streams()[0]};
    std::uint16_t port = client.allocate().port;
    std::size_t sent = 0;
};

TEST_CASE("TurnNode: sound overtakes pictures to a client by TCP that is slow [TURN-02, DES-06]") {
    SlowClient slow;
    slow.send(3, "tone", Urgency::kFirst);
    const std::size_t arrived = slow.client.unread();
    std::size_t sounds = 0, before = 0, behind = 0;
    for (std::string text; (text = channel_text(slow.client.receive())) != "nothing";) {
        REQUIRE((text == "tone" || text == slow.picture));
        sounds += text == "tone" ? 1U : 0U;
        ++(sounds == 3 ? behind : before);
    }
    CHECK(sounds == 3);
    // Behind it are the pictures that had to wait, but for a write that was begun.
    CHECK(behind > Backlog::kMaxOctets / 1204 - 20);
    CHECK(behind <= Backlog::kMaxOctets / 1204 + 1);
    // And before it is little more than what had arrived: a write, and what the kernel may hold.
    CHECK(before * 1204 < arrived + 2 * net::FramedListener::kMaxWrite + std::size_t{64} * 1024);
}

TEST_CASE("TurnNode: an answer outlasts a stream that stands still, pictures do not [TURN-02]") {
    SlowClient slow;
    std::array<std::uint8_t, 100> buffer;
    StunBuilder builder(buffer, StunClass::kRequest, StunMethod::kBinding, {7, 7});
    slow.client.send(slow.node->streams()[0], builder.finish());
    std::this_thread::sleep_for(Backlog::kLongest.us() * std::chrono::microseconds(1) +
                                std::chrono::milliseconds(200));
    std::size_t answers = 0, pictures = 0;
    for (std::string text; (text = channel_text(slow.client.receive())) != "nothing";)
        ++(text == slow.picture ? pictures : answers);
    CHECK(answers == 1);
    CHECK(pictures + slow.node->figures().streams.dropped == slow.sent);
    CHECK(slow.node->figures().streams.dropped > Backlog::kMaxOctets / 1204);
}

TEST_CASE("TurnNode: media waits for no turn that is long [DES-41, DES-42]") {
    // Its handlers last until they are let go: a turn with handlers that follow each other.
    std::atomic<bool> slow{false};
    std::atomic<int> begun{0}, allowed{0};
    TurnNodeOptions with_media = options(kLoopback);
    with_media.server.find_secret = [&](std::string_view) {
        const int mine = slow ? ++begun : 0;
        while (allowed < mine)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return std::string("secret");
    };
    Media media(with_media);
    const auto node = start(with_media);
    Client client(node->udp()[0]);
    const std::uint16_t port = client.allocate().port;
    client.bind(0x4000, media.local());
    REQUIRE(becomes(*node, [](const auto& f) { return f.allocations == 1; }));
    slow = true;
    const auto runs = [&](int handler) {
        for (int i = 0; i < 2000 && begun < handler; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return begun == handler;
    };
    node->handle_new_keys();
    CHECK(runs(1));
    for (int handler = 1; handler < 8; ++handler) {
        // The first may be what the loop was woken for: its turn ends with it.
        if (handler == 3) media.send(media.owner(port), port, "in time");
        node->handle_new_keys();
        allowed = handler;
        CHECK(runs(handler + 1));
    }
    CHECK(channel_text(client.receive(0)) == "in time");
    allowed = 100;
}

}  // namespace confab::turn_server
