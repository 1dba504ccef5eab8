// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The TURN server with real sockets on loopback.
#include "runtime/turn/turn_node.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include "crypto/hmac.h"
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

class Client : public Endpoint {
  public:
    Client(SocketAddress server, const IpAddress& ip = kLoopback) : Endpoint(ip), server_(server) {}

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
        const auto udp = [](StunBuilder& b) { b.u32(StunAttr::kRequestedTransport, 17U << 24); };
        const StunMessage challenge = ask(StunMethod::kAllocate, udp);
        REQUIRE(challenge.error_code()->code == 401);
        nonce_ = std::string(*challenge.text(StunAttr::kNonce));
        const StunMessage answer = ask(StunMethod::kAllocate, udp);
        REQUIRE(answer.message_class() == StunClass::kSuccess);
        CHECK(answer.xor_address(StunAttr::kXorMappedAddress) == local());
        return *answer.xor_address(StunAttr::kXorRelayedAddress);
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

// False if the figures do not come to that.
bool becomes(TurnNode& node, const std::function<bool(const TurnFigures&)>& as_wished) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!as_wished(node.figures())) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
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
    TurnNodeOptions one = options(kLoopback);
    // One that no other program has.
    const std::uint16_t port = Endpoint().local().port;
    one.server.first_port = one.server.last_port = port;
    one.server.find_secret = [&](std::string_view key) -> std::optional<std::string> {
        if (revoked && key == "key") return std::nullopt;
        return "secret";
    };
    const auto node = start(one);
    Client first(node->udp()[0]);
    Client second(node->udp()[0]);
    CHECK(first.allocate().port == port);
    CHECK_FALSE(DatagramSocket::open({kLoopback, port}).has_value());
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

}  // namespace confab::turn_server
