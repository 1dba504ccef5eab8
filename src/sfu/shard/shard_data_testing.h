// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Participants of one room on real shards who send each other packets, in virtual time.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sfu/data/data_packet_testing.h"
#include "sfu/shard/shard_testing.h"

namespace confab::sfu::test {

struct DataWorld {
    // One participant per entry, on that shard.
    explicit DataWorld(std::size_t shards, const std::vector<std::size_t>& places,
                       const ShardOptions& options = {})
        : world(shards, options) {
        for (const std::size_t shard : places) {
            Client& client = world.add_client(shard, true);
            clients.push_back(&client);
            members.push_back(world.add_member(client, "p" + std::to_string(members.size())));
        }
        DataWorkers all{RoomId(1), {}};
        for (std::size_t i = 0; i < shards; ++i)
            all.workers.push_back(static_cast<WorkerIndex>(i));
        for (std::size_t i = 0; i < shards; ++i)
            world.command(i, all);
        world.run(800);
        for (const Client* client : clients)
            REQUIRE(client->channels.contains("_reliable"));
    }
    bool send(std::size_t from, const Bytes& packet, const std::string& label = "_reliable") {
        Client& client = *clients[from];
        return client.transport->send_message(world_time(world.now_ms), client.channels.at(label),
                                              sctp::SharedBytes(packet)) == sctp::SendStatus::kOk;
    }
    // What the participant got from the one named, in order.
    std::vector<std::string> texts(std::size_t at, const std::string& from = {}) const {
        std::vector<std::string> result;
        for (const std::string& packet : clients[at]->messages)
            if (from.empty() || packet.find(from) != std::string::npos)
                result.push_back(text_in(packet));
        return result;
    }
    std::uint64_t dropped() const {
        std::uint64_t sum = 0;
        for (const auto& shard : world.shards)
            sum += shard->snapshot().data_dropped;
        return sum;
    }

    World world;
    std::vector<Client*> clients;
    std::vector<DataMember> members;
};

inline std::vector<std::string> numbered(const std::string& prefix, std::size_t count) {
    std::vector<std::string> result;
    result.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
        result.push_back(prefix + std::to_string(i));
    return result;
}

}  // namespace confab::sfu::test
