// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data messages while the control plane is behind: they wait at their senders, whose windows close.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "sfu/shard/shard_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::World;
using test::world_time;

struct DataWorld {
    explicit DataWorld(std::size_t count) : world(1) {
        world.take_data = false;
        for (std::size_t i = 0; i < count; ++i) {
            clients.push_back(&world.add_client(0, true));
            world.command(0, OpenDataChannels{clients.back()->id, false});
        }
        world.run(800);
    }
    bool send(std::size_t client, const std::string& text) {
        Client& from = *clients[client];
        return from.transport->send_message(world_time(world.now_ms), from.channels.at("_reliable"),
                                            sctp::SharedBytes(as_bytes(text))) ==
               sctp::SendStatus::kOk;
    }
    // Everything that comes while the control plane takes `per_ms` messages each millisecond.
    void take(std::size_t per_ms, std::int64_t ms) {
        for (const std::int64_t end = world.now_ms + ms; world.now_ms < end;) {
            for (std::size_t i = 0; i < per_ms; ++i) {
                auto event = world.shards[0]->poll_data_event();
                if (!event) break;
                const auto& data = std::get<DataReceived>(*event);
                texts[data.peer].emplace_back(as_text(data.payload));
                order.push_back(data.peer);
            }
            world.run(1);
        }
    }

    World world;
    std::vector<Client*> clients;
    std::map<PeerId, std::vector<std::string>> texts;
    std::vector<PeerId> order;
};

TEST_CASE("Shard: what was acknowledged is never lost while control is behind [DC-20]") {
    DataWorld data(1);
    constexpr std::size_t kMessages = 70'000;
    std::size_t sent = 0;
    // Nobody takes anything: the sender's window closes, and it sends no more than fits.
    for (int ms = 0; ms < 1500; ++ms) {
        while (sent < kMessages && data.send(0, "m" + std::to_string(sent)))
            ++sent;
        data.world.run(1);
    }
    CHECK(data.world.events_of<DataChannelFailed>().empty());
    const PeerId id = data.clients[0]->id;
    for (int round = 0; round < 600 && data.texts[id].size() < kMessages; ++round) {
        while (sent < kMessages && data.send(0, "m" + std::to_string(sent)))
            ++sent;
        data.take(500, 20);
    }
    REQUIRE(data.texts[id].size() == kMessages);
    for (std::size_t i = 0; i < kMessages; i += 997)
        CHECK(data.texts[id][i] == "m" + std::to_string(i));
    CHECK(data.world.shards[0]->snapshot().events_dropped == 0);
}

TEST_CASE("Shard: a flood of data delays its own sender only [DC-20]") {
    DataWorld data(3);
    for (int i = 0; i < 2000; ++i)
        REQUIRE(data.send(0, std::string(1000, 'x')));
    data.world.run(500);
    REQUIRE(data.send(1, "one"));
    REQUIRE(data.send(2, "two"));
    data.world.run(100);
    data.take(1, 200);
    // Behind what had been queued before they spoke, and one message of the flood.
    const auto place = [&](std::size_t client) {
        const auto found =
            std::find(data.order.begin(), data.order.end(), data.clients[client]->id);
        return static_cast<std::size_t>(found - data.order.begin());
    };
    CHECK(place(1) <= Shard::kMaxData + 2);
    CHECK(place(2) <= Shard::kMaxData + 3);
    data.take(100, 2000);
    CHECK(data.texts[data.clients[0]->id].size() == 2000);
}

TEST_CASE("Shard: a sender that goes while its data waits leaves nothing behind [DC-20][IMM-15]") {
    DataWorld data(2);
    for (int i = 0; i < 500; ++i) {
        REQUIRE(data.send(0, std::string(1000, 'x')));
        REQUIRE(data.send(1, std::string(1000, 'y')));
    }
    data.world.run(300);
    data.world.command(0, ClosePeer{data.clients[0]->id});
    data.take(10, 1000);
    CHECK(data.texts[data.clients[1]->id].size() == 500);
    CHECK(data.texts[data.clients[0]->id].size() <= Shard::kMaxData);
}

TEST_CASE("Shard: events of a connection are not held back by the data of others [DC-20]") {
    DataWorld data(2);
    for (int i = 0; i < 2000; ++i)
        REQUIRE(data.send(0, std::string(1000, 'x')));
    data.world.run(500);
    const std::size_t before = data.world.events_of<PeerStateChanged>().size();
    Client& late = data.world.add_client(0, true);
    data.world.command(0, OpenDataChannels{late.id, false});
    data.world.run(800);
    CHECK(data.world.events_of<PeerStateChanged>().size() == before + 1);
    CHECK(late.channels.contains("_reliable"));
}

TEST_CASE("Shard: a client that restarts ICE again and again costs no memory [ICE-14][IMM-15]") {
    World world(1);
    Client& client = world.add_client(0);
    world.run(300);
    for (int i = 0; i < 1000; ++i) {
        RestartIce restart;
        restart.peer = client.id;
        restart.local = {"arestart" + std::to_string(i), "a_password_of_enough_length_123"};
        world.command(0, restart);
    }
    CHECK(world.shards[0]->known_ufrags() == ShardPeer::kMaxUfrags);
    world.command(0, ClosePeer{client.id});
    CHECK(world.shards[0]->known_ufrags() == 0);
}

TEST_CASE("Shard: the generation that works lives on, however often ICE is restarted [ICE-14]") {
    World world(1);
    Client& client = world.add_client(0);
    world.run(300);
    for (std::size_t i = 0; i < 2 * ShardPeer::kMaxUfrags; ++i) {
        RestartIce restart;
        restart.peer = client.id;
        restart.local = {"arestart" + std::to_string(i), "a_password_of_enough_length_123"};
        world.command(0, restart);
    }
    world.run(1000);
    const std::uint64_t unknown = world.shards[0]->snapshot().unknown_datagrams;
    world.run(12'000);
    CHECK(world.shards[0]->snapshot().unknown_datagrams == unknown);
    CHECK(unknown == 0);
    for (const PeerStateChanged& event : world.events_of<PeerStateChanged>()) {
        CHECK(event.state != PeerState::kDisconnected);
        CHECK(event.state != PeerState::kFailed);
    }
}

}  // namespace
}  // namespace confab::sfu
