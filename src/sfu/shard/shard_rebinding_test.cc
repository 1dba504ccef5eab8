// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A NAT gives a client another port in mid-call, and no check of the client has shown it yet: its
// media lead to the peer, which asks, through whole shards (02 MC-03, TRAP-16).
#include <doctest/doctest.h>

#include "sfu/shard/shard_testing.h"
#include "wire/ice/stun.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::opus_receiver;
using test::World;

constexpr std::uint32_t kSsrc = 0x5EED;

bool is_stun(BytesView datagram) {
    return wire::classify(datagram) == wire::PacketKind::kStun;
}
bool is_check_for(BytesView datagram, std::string_view ufrag) {
    if (!is_stun(datagram)) return false;
    const auto message = wire::StunMessage::parse(datagram);
    return message && message->message_class() == wire::StunClass::kRequest &&
           message->text(wire::StunAttr::kUsername)->starts_with(ufrag);
}

// One talks, one listens and reports.
struct Call {
    explicit Call(std::size_t workers) : world(workers) {
        if (workers > 1) world.entrance = 1;
        publisher = &world.add_client(0);
        subscriber = &world.add_client(0);
        world.run(300);
        const AddReceiver receiver = opus_receiver(*publisher);
        world.command(0, receiver);
        world.command(0, down_track_to(*subscriber, receiver, 0, 6000));
        talk(150);  // what was chosen first may have been chosen anew
        REQUIRE(subscriber->rtp.size() == 150);
    }
    void talk(int packets) {
        for (int i = 0; i < packets; ++i) {
            wire::RtpHeader header;
            header.payload_type = 111;
            header.ssrc = kSsrc;
            header.sequence = sequence++;
            header.timestamp = std::uint32_t{header.sequence} * 960;
            publisher->send(header, Bytes(40, 0x78), world.client_out[publisher], "1");
            if (i % 10 == 0) report();
            world.run(20);
        }
    }
    // An empty receiver report: what a subscriber sends in any case.
    void report() {
        subscriber->send_rtcp({0x80, 201, 0, 1, 0, 0, 0, 1}, world.client_out[subscriber]);
    }
    // The client itself does not notice, and none of its checks arrives.
    void rebind(Client& client, std::uint16_t port) {
        client.address.port = port;
        world.drop_to_shards = [](BytesView datagram) {
            if (!is_stun(datagram)) return false;
            return wire::StunMessage::parse(datagram)->message_class() == wire::StunClass::kRequest;
        };
    }
    World world;
    Client* publisher = nullptr;
    Client* subscriber = nullptr;
    std::uint16_t sequence = 100;
};

TEST_CASE("Shard: a publisher with a new port is heard again at once [MC-03][TRAP-16]") {
    for (const std::size_t workers : {1U, 2U, 3U}) {
        CAPTURE(workers);
        Call call(workers);
        call.rebind(*call.publisher, 9900);
        const std::size_t before = call.subscriber->rtp.size();
        call.talk(50);
        // 50 ms of silence, one packet that asks at the right worker, and its answer.
        CHECK(call.subscriber->rtp.size() >= before + 50 - 3 - 2 * workers);
        call.world.run(100);
        CHECK(call.world.shards[0]->snapshot().srtp_failures == 0);
    }
}

TEST_CASE(
    "Shard: a subscriber with a new port is sent to as soon as it reported [MC-03][TRAP-16]") {
    for (const std::size_t workers : {1U, 2U}) {
        CAPTURE(workers);
        Call call(workers);
        call.rebind(*call.subscriber, 9901);
        const std::size_t before = call.subscriber->rtp.size();
        // Its first report, by the second worker its second one: 200 ms apart.
        call.talk(50);
        CHECK(call.subscriber->rtp.size() >= before + 50 - 10 * workers - 8);
        CHECK(call.subscriber->rtp.size() < before + 50);
    }
}

TEST_CASE("Shard: nothing but a check goes to the new port before its answer [TRAP-16][IMM-1]") {
    Call call(1);
    call.rebind(*call.subscriber, 9902);
    // Its answers are lost.
    call.world.drop_to_shards = [](BytesView datagram) { return is_stun(datagram); };
    int checks = 0;
    int others = 0;
    call.world.lose = [&](const Client& client, BytesView datagram) {
        if (&client == call.subscriber) ++(is_stun(datagram) ? checks : others);
        return false;
    };
    call.talk(100);
    CHECK(others == 0);
    CHECK(checks >= 2);
    CHECK(checks <= 11);  // each 200 ms for as long as reports come
}

TEST_CASE("Shard: copies of a client's packets move nobody [TRAP-16][SRTP-02]") {
    Call call(1);
    std::vector<Bytes> sent;
    call.world.drop_to_shards = [&sent](BytesView datagram) {
        if (!is_stun(datagram)) sent.push_back(to_vector(datagram));
        return false;
    };
    call.talk(20);
    call.world.drop_to_shards = nullptr;
    int asked = 0;
    Client& other = call.world.add_client(0);  // at another address, where no one expects them
    other.address.port = 9903;
    call.world.lose = [&](const Client& client, BytesView datagram) {
        const bool is_own = is_check_for(datagram, other.credentials.ufrag);
        asked += &client == &other && !is_own ? 1 : 0;
        return true;
    };
    call.world.drop_to_shards = [](BytesView datagram) { return is_stun(datagram); };
    call.world.run(200);  // all are silent
    REQUIRE(sent.size() > 20);
    for (const Bytes& packet : sent) {
        call.world.to_shards.push_back({other.address, World::shard_address(0), packet});
        // Made up: the number is new, the keys are not theirs.
        Bytes forged = packet;
        forged[3] = static_cast<std::uint8_t>(forged[3] + 100);
        call.world.to_shards.push_back({other.address, World::shard_address(0), forged});
        call.world.run(1);
    }
    CHECK(asked == 0);
}

}  // namespace
}  // namespace confab::sfu
