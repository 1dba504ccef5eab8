// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What connections report, through a whole shard and the other ends of its connections.
#include "sfu/shard/connection_events.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "sfu/shard/shard_data_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::DataWorld;
using test::numbered;
using test::text_packet;
using test::World;

std::vector<PeerState> states_of(const World& world, const Client& client) {
    std::vector<PeerState> states;
    for (const PeerStateChanged& one : world.events_of<PeerStateChanged>())
        if (one.peer == client.id) states.push_back(one.state);
    return states;
}

TEST_CASE("ConnectionEvents: states are told in order, with where the client is [ICE-04]") {
    World world(1);
    Client& client = world.add_client(0);
    world.run(300);
    world.cut = &client;
    world.run(12'000);
    world.cut = nullptr;
    world.run(5'000);
    const auto states = states_of(world, client);
    REQUIRE(states.size() >= 3);
    CHECK(std::vector(states.end() - 3, states.end()) ==
          std::vector{PeerState::kConnected, PeerState::kDisconnected, PeerState::kReconnected});
    const PeerStateChanged last = world.events_of<PeerStateChanged>().back();
    CHECK(last.failure == PeerFailure::kNone);
    CHECK(last.type == ConnectionType::kUdp);
    CHECK(last.remote == client.address);
}

TEST_CASE("ConnectionEvents: a connection that fails says of what [ICE-04]") {
    World world(1);
    Client& client = world.add_client(0);
    world.run(300);
    world.cut = &client;
    world.run(60'000);
    CHECK(states_of(world, client).back() == PeerState::kFailed);
    CHECK(world.events_of<PeerStateChanged>().back().failure == PeerFailure::kIce);
}

TEST_CASE("ConnectionEvents: a stream that ends is no way over UDP [ICE-08][ICE-18]") {
    World world(1);
    Client& client = world.add_client(0);
    world.streams[client.address] = 5;
    world.run(300);
    REQUIRE(states_of(world, client) == std::vector{PeerState::kConnected});
    world.cut = &client;
    world.shards[0]->handle_tcp_closed(test::world_time(world.now_ms),
                                       world.path_of(client.address, world.address_of(0)));
    world.run(2'000);
    CHECK(states_of(world, client) == std::vector{PeerState::kConnected});
    // What is told later is not of a path that is not there either.
    world.run(9'000);
    CHECK(states_of(world, client) == std::vector{PeerState::kConnected, PeerState::kDisconnected});
    for (const PeerStateChanged& told : world.events_of<PeerStateChanged>())
        CHECK(told.type == ConnectionType::kTcp);
}

TEST_CASE("ConnectionEvents: channels are told with what they are for [DC-02] [SIG-78]") {
    DataWorld data(1, {0});
    data.clients[0]->transport->want_channel(test::world_time(data.world.now_ms),
                                             {"of my own", true, std::nullopt});
    data.world.run(300);
    const auto opened = data.world.events_of<DataChannelOpened>();
    REQUIRE(opened.size() == 4);
    std::vector<DataChannel> kinds;
    for (const DataChannelOpened& one : opened) {
        CHECK(one.peer == data.clients[0]->id);
        kinds.push_back(one.channel);
    }
    CHECK(kinds == std::vector{DataChannel::kReliable, DataChannel::kLossy, DataChannel::kDataTrack,
                               DataChannel::kOther});
    CHECK(opened[3].label == "of my own");
}

TEST_CASE("ConnectionEvents: one that ends while it waits for its turn holds nobody up [IMM-15]") {
    for (const std::size_t gone : {0U, 1U, 2U}) {
        DataWorld data(1, {0, 0, 0, 0});
        constexpr std::uint32_t kMessages = 900;
        for (std::uint32_t i = 0; i < kMessages; ++i)
            for (const std::size_t from : {0U, 1U, 2U})
                REQUIRE(data.send(
                    from, text_packet(std::to_string(from) + "-" + std::to_string(i), i + 1)));
        // Far more than a turn takes is on its way.
        while (data.texts(3).size() < kMessages / 2)
            data.world.run(1);
        REQUIRE(data.texts(3).size() < 2 * kMessages);
        data.world.command(0, ClosePeer{data.clients[gone]->id});
        data.world.run(5'000);
        for (const std::size_t from : {0U, 1U, 2U}) {
            const auto got = data.texts(3, "PA_p" + std::to_string(from));
            const auto said = numbered(std::to_string(from) + "-", kMessages);
            CHECK(got.size() <= kMessages);
            CHECK(std::equal(got.begin(), got.end(), said.begin()));
            if (from != gone) CHECK(got.size() == kMessages);
        }
        CHECK(data.world.shards[0]->snapshot().peers == 3);
    }
}

TEST_CASE("ConnectionEvents: what waits for a receiver follows as it makes room [DC-20]") {
    constexpr std::uint32_t kMessages = 2'500;
    DataWorld data(1, {0, 0});
    const std::string filling(1'000, '.');
    data.clients[1]->deaf = true;
    for (std::uint32_t i = 0; i < kMessages; ++i)
        REQUIRE(data.send(0, text_packet(std::to_string(i) + filling, i + 1)));
    data.world.run(3'000);
    REQUIRE(data.texts(1).empty());
    data.clients[1]->deaf = false;
    const std::int64_t begin = data.world.now_ms;
    while (data.clients[1]->messages.size() < kMessages && data.world.now_ms - begin < 10'000)
        data.world.run(10);
    // Else each 256 KiB waited for the next look at those who lag.
    CHECK(data.world.now_ms - begin < DataReceivers::kTick.ms());
    CHECK(data.texts(1).size() == kMessages);
}

// A sender with much in its connection goes; how much of it the others get.
std::size_t delivered_at_end(std::size_t receivers) {
    DataWorld data(1, std::vector<std::size_t>(1 + receivers, 0));
    const std::string filling(10'000, '.');
    constexpr std::uint32_t kLarge = 180;
    constexpr std::uint32_t kMessages = 4'000;
    data.clients[1]->deaf = true;
    for (std::uint32_t i = 0; i < kMessages; ++i)
        REQUIRE(data.send(0, text_packet(std::to_string(i) + (i < kLarge ? filling : "."), i + 1)));
    data.world.run(3'000);
    data.world.command(0, DataMemberGone{RoomId(1), data.members[0].member});
    data.world.command(0, ClosePeer{data.clients[0]->id});
    data.clients[1]->deaf = false;
    data.world.run(6'000);
    const std::size_t got = data.texts(1).size();
    CHECK(got + data.dropped() == kMessages);
    for (std::size_t i = 1; i <= receivers; ++i)
        CHECK(data.texts(i).size() == got);
    return got;
}

TEST_CASE("ConnectionEvents: at its end a sender has kMaxDeliveriesAtEnd, no more [IMM-15]") {
    // What was taken before is the same, for the one that takes nothing held the sender back.
    constexpr std::size_t kMax = DataTurns::kMaxDeliveriesAtEnd;
    const std::size_t with_one = delivered_at_end(1);
    CHECK(with_one > kMax / 2);
    CHECK(with_one - delivered_at_end(3) == kMax / 2 - kMax / 4);
}

}  // namespace
}  // namespace confab::sfu
