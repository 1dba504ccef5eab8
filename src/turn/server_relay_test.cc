// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What an allocation relays, and to whom.
#include "turn/server_testing.h"

using namespace confab;
using namespace confab::turn;
using namespace confab::turn::testing;

namespace {

constexpr std::string_view kPeer = "5.5.5.5:50000";

struct Call {
    TurnWorld world;
    TurnClient client;
    AllocationHandle allocation;

    explicit Call(const std::function<void(ServerOptions&)>& adjust = {}, std::uint32_t stream = 0)
        : world(adjust), client(world, "9.8.7.6:1000") {
        client.path.stream = stream;
        REQUIRE(client.allocate().ok());
        const std::uint64_t packed = world.ports.opened.begin()->first;
        allocation = {static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(packed >> 32)};
    }
    Output from_peer(std::string_view peer, std::string_view data) {
        return world.server.handle_peer(world.now, allocation, address(peer), as_bytes(data));
    }
    bool reaches(std::string_view peer) { return client.send(peer, "x").to == Output::To::kPeer; }
    bool hears(std::string_view peer) { return from_peer(peer, "x").to == Output::To::kClient; }
};

}  // namespace

TEST_CASE("Server: without a permission nothing passes either way [TURN-15]") {
    Call call;
    CHECK_FALSE(call.reaches(kPeer));
    CHECK_FALSE(call.hears(kPeer));
    CHECK(call.world.server.counters().without_permission == 2);
    CHECK(call.client.send_on(0x4000, "x").to == Output::To::kNobody);
}

TEST_CASE("Server: with a permission by Send and Data, for all ports, five minutes [TURN-13]") {
    Call call;
    const Answer answer = call.client.permit(kPeer);
    CHECK(answer.ok());
    CHECK(answer.integrity);
    const Output out = call.client.send(kPeer, "hello");
    CHECK(out.to == Output::To::kPeer);
    CHECK(out.allocation == call.allocation);
    CHECK(out.peer == address(kPeer));
    CHECK(as_text(out.bytes) == "hello");
    CHECK(call.reaches("5.5.5.5:1"));
    CHECK_FALSE(call.reaches("5.5.5.6:50000"));

    const Output in = call.from_peer("5.5.5.5:7", "world");
    CHECK(in.to == Output::To::kClient);
    CHECK(in.client == call.client.path);
    const auto message = StunMessage::parse(in.bytes);
    REQUIRE(message.has_value());
    CHECK(message->is(StunClass::kIndication, StunMethod::kData));
    CHECK(message->xor_address(StunAttr::kXorPeerAddress) == address("5.5.5.5:7"));
    CHECK(message->text(StunAttr::kData) == "world");

    call.world.pass(Duration::seconds(299));
    CHECK(call.reaches(kPeer));
    call.world.pass(Duration::seconds(1));
    CHECK_FALSE(call.reaches(kPeer));
    CHECK_FALSE(call.hears(kPeer));
}

TEST_CASE("Server: a channel carries both ways for ten minutes, and permits [TURN-13, TURN-14]") {
    Call call;
    CHECK(call.client.bind(0x4001, kPeer).ok());
    const Output out = call.client.send_on(0x4001, "hello");
    CHECK(out.to == Output::To::kPeer);
    CHECK(out.peer == address(kPeer));
    CHECK(as_text(out.bytes) == "hello");
    const Output in = call.from_peer(kPeer, "world");
    CHECK(to_vector(in.bytes) == Bytes{0x40, 0x01, 0, 5, 'w', 'o', 'r', 'l', 'd'});
    // Another port of the peer has no channel.
    CHECK(StunMessage::parse(call.from_peer("5.5.5.5:1", "x").bytes).has_value());

    // The permission of the channel ends before it.
    call.world.pass(Duration::seconds(301));
    CHECK(call.client.send_on(0x4001, "x").to == Output::To::kNobody);
    CHECK(call.client.bind(0x4001, kPeer).ok());
    CHECK(call.client.send_on(0x4001, "x").to == Output::To::kPeer);
    call.client.refresh(3000);
    call.world.pass(Duration::seconds(601));
    CHECK(call.client.permit(kPeer).ok());
    CHECK(call.client.send_on(0x4001, "x").to == Output::To::kNobody);
    CHECK(call.client.bind(0x4002, kPeer).ok());  // free again
}

TEST_CASE("Server: in a stream what goes to the client is padded [TURN-14]") {
    Call call({}, 9);
    REQUIRE(call.client.bind(0x4001, kPeer).ok());
    CHECK(call.from_peer(kPeer, "world").bytes.size() == 12);
}

TEST_CASE("Server: channel and peer are one to one, and of the range [TURN-13]") {
    Call call;
    CHECK(call.client.bind(0x4001, kPeer).ok());
    CHECK(call.client.bind(0x4001, kPeer).ok());
    CHECK(call.client.bind(0x4002, kPeer).error == 400);
    CHECK(call.client.bind(0x4001, "5.5.5.5:2").error == 400);
    CHECK(call.client.bind(0x3FFF, "5.5.5.5:3").error == 400);
    CHECK(call.client.bind(0x8000, "5.5.5.5:3").error == 400);
    CHECK(call.client.bind(0x7FFF, "5.5.5.5:3").ok());
    CHECK(call.client.request(StunMethod::kChannelBind).error == 400);
}

TEST_CASE("Server: a peer of the other family gets 443 [TURN-06]") {
    Call call;
    CHECK(call.client.permit("[2600::9]:1").error == 443);
    CHECK(call.client.bind(0x4001, "[2600::9]:1").error == 443);
}

TEST_CASE("Server: one forbidden or malformed peer refuses the whole request [TURN-06]") {
    Call call;
    const auto permit = [&](const TurnClient::Attributes& second) {
        return call.client.request(StunMethod::kCreatePermission, [&](StunBuilder& b) {
            b.xor_address(StunAttr::kXorPeerAddress, address(kPeer));
            second(b);
        });
    };
    CHECK(permit([](StunBuilder& b) {
              b.xor_address(StunAttr::kXorPeerAddress, address("10.0.0.1:1"));
          }).error == 403);
    CHECK(permit([](StunBuilder& b) { b.text(StunAttr::kXorPeerAddress, "abc"); }).error == 400);
    CHECK_FALSE(call.reaches(kPeer));
    CHECK(permit([](StunBuilder& b) {
              b.xor_address(StunAttr::kXorPeerAddress, address("6.6.6.6:1"));
          }).ok());
    CHECK(call.reaches(kPeer));
    CHECK(call.reaches("6.6.6.6:9"));
    CHECK(call.client.request(StunMethod::kCreatePermission).error == 400);
}

TEST_CASE("Server: private peers get 403, by permission and by channel [TURN-06, SEC-01]") {
    Call call;
    for (const char* peer : {"127.0.0.1:80", "10.0.0.1:80", "169.254.169.254:80"}) {
        const Answer answer = call.client.permit(peer);
        CHECK(answer.error == 403);
        CHECK(answer.integrity);
        CHECK(call.client.bind(0x4001, peer).error == 403);
    }
    CHECK(call.world.server.counters().forbidden_peers == 6);
}

TEST_CASE("Server: of our own addresses media ports alone are reached [SEC-01]") {
    Call call([](ServerOptions& options) {
        options.peers.own_media = {{ip("10.0.0.1"), {{7882, 7882}, {50000, 50010}}}};
    });
    CHECK(call.client.permit("10.0.0.1:7882").ok());
    CHECK(call.reaches("10.0.0.1:7882"));
    CHECK(call.reaches("10.0.0.1:50010"));
    CHECK_FALSE(call.reaches("10.0.0.1:7880"));
    CHECK(call.client.bind(0x4001, "10.0.0.1:7880").error == 403);
    CHECK(call.client.bind(0x4001, "10.0.0.1:50001").ok());
    CHECK(call.client.permit("10.0.0.2:7882").error == 403);
}

TEST_CASE("Server: new rules hold for what is already permitted [SEC-01]") {
    Call call;
    REQUIRE(call.client.bind(0x4001, kPeer).ok());
    CHECK(call.reaches(kPeer));
    PeerRules rules;
    rules.deny = {*Cidr::parse("5.5.0.0/16")};
    call.world.server.set_peer_rules(rules);
    CHECK_FALSE(call.reaches(kPeer));
    CHECK(call.client.send_on(0x4001, "x").to == Output::To::kNobody);
    CHECK(call.client.permit(kPeer).error == 403);
}

TEST_CASE("Server: permissions and channels are bounded, expired ones make room [TURN-13]") {
    Call call;
    call.client.refresh(3000);
    const auto peer = [](std::size_t i) { return "5.5.5." + std::to_string(i) + ":1"; };
    for (std::size_t i = 0; i < kMaxPermissions; ++i)
        CHECK(call.client.permit(peer(i)).ok());
    CHECK(call.client.permit(peer(200)).error == 508);
    CHECK(call.client.bind(0x4001, peer(200)).error == 508);
    CHECK(call.client.permit(peer(0)).ok());
    call.world.pass(Duration::seconds(301));
    CHECK(call.client.permit(peer(200)).ok());
    for (std::uint16_t i = 0; i < kMaxChannels; ++i)
        CHECK(call.client.bind(0x4001 + i, "5.5.5.5:" + std::to_string(i + 1)).ok());
    CHECK(call.client.bind(0x5000, "5.5.5.5:99").error == 508);
    CHECK(call.client.bind(0x4001, "5.5.5.5:1").ok());
}

TEST_CASE("Server: a datagram that is too large is dropped, the largest passes [TURN-15]") {
    Call call;
    REQUIRE(call.client.permit(kPeer).ok());
    CHECK(call.from_peer(kPeer, std::string(kMaxRelayedSize, 'x')).to == Output::To::kClient);
    CHECK(call.from_peer(kPeer, std::string(kMaxRelayedSize + 1, 'x')).to == Output::To::kNobody);
    CHECK(call.from_peer(kPeer, "").to == Output::To::kClient);
}

TEST_CASE("Server: an ended allocation relays nothing [TURN-13]") {
    Call call;
    REQUIRE(call.client.permit(kPeer).ok());
    REQUIRE(call.client.refresh(0).ok());
    CHECK_FALSE(call.reaches(kPeer));
    CHECK_FALSE(call.hears(kPeer));
}
