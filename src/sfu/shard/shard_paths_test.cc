// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A call whose datagrams come to another worker's socket, while somebody floods that worker with
// checks (02 DES-03 mode B).
#include <doctest/doctest.h>

#include "sfu/shard/shard_testing.h"
#include "wire/ice/stun.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::publish_video;
using test::vp8_receiver;
using test::World;

// Checks with names of the first worker and of nobody, each from another address.
class Flood {
  public:
    void send(World& world, std::size_t count) {
        std::array<std::uint8_t, 64> buffer;
        wire::StunBuilder builder(buffer, wire::StunClass::kRequest, wire::StunMethod::kBinding,
                                  {});
        builder.text(wire::StunAttr::kUsername, "aforged:forged");
        const BytesView check = builder.finish();
        for (std::size_t i = 0; i < count; ++i, ++next_) {
            const SocketAddress from{IpAddress::v4(0x0A000000 + next_ / 60'000),
                                     static_cast<std::uint16_t>(1 + next_ % 60'000)};
            send_from(world, from, check);
        }
        send_from(world, victim, check);
    }
    SocketAddress victim;  // whose address the last one of each round has

  private:
    static void send_from(World& world, const SocketAddress& from, BytesView check) {
        world.to_shards.push_back({from, World::shard_address(0), to_vector(check)});
    }
    std::uint32_t next_ = 0;
};

struct FloodedCall {
    FloodedCall() : world(2) { world.entrance = 1; }
    void connect() {
        publisher = &world.add_client(0);
        subscriber = &world.add_client(0);
        flood.victim = publisher->address;
    }
    std::size_t talk() {
        const AddReceiver receiver = vp8_receiver(*publisher);
        world.command(0, receiver);
        world.command(0, down_track_to(*subscriber, receiver, 0, 5000));
        std::uint16_t sequence = 100;
        std::int64_t frame = 0;
        publish_video(world, *publisher, world.now_ms + 400, sequence, frame);
        return subscriber->rtp.size();
    }
    World world;
    Flood flood;
    Client* publisher = nullptr;
    Client* subscriber = nullptr;
};

TEST_CASE("Shard: a call that crosses workers begins in a flood of checks [DES-03][ICE-05]") {
    FloodedCall call;
    call.flood.send(call.world, ForeignPaths::kMaxUnproved);
    call.world.run(1);
    call.connect();
    call.world.run(300);
    CHECK(call.talk() > 30);
}

TEST_CASE("Shard: a call that crosses workers goes on in a flood of checks [DES-03][ICE-05]") {
    FloodedCall call;
    call.connect();
    call.world.run(300);
    for (int round = 0; round < 2; ++round) {
        call.flood.send(call.world, ForeignPaths::kMaxUnproved);
        call.world.run(1);
    }
    CHECK(call.talk() > 30);
}

}  // namespace
}  // namespace confab::sfu
