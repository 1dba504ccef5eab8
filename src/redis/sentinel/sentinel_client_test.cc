// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/sentinel/sentinel_client.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>

#include "redis/server_testing.h"

namespace confab::redis {
namespace {

using testing::bulk;
using testing::Strings;

struct World {
    World() : client(now, sentinels(), "main", {"watcher", "s", 7, "confab"}, {}, told(), 1) {
        for (const Address& one : sentinels())
            network.at(to_text(one)).special = [this](const Strings& words) { return say(words); };
    }
    static std::vector<Address> sentinels() {
        return {{"s1", 26379}, {"s2", 26379}, {"s3", 26379}};
    }
    Events told() {
        return {[this](Timestamp, std::string_view, const std::string& payload) {
                    heard.push_back(payload);
                },
                {},
                [this](Timestamp, Line) { ++ups; },
                [this](Timestamp, Line, const Fault&) { ++downs; },
                {}};
    }
    std::optional<std::string> say(const Strings& words) const {
        if (words[0] == "HELLO" && words[4] != "s") return "-WRONGPASS no\r\n";
        if (words[0] == "SELECT") return "-ERR unknown command 'SELECT'\r\n";
        if (words[0] != "SENTINEL") return std::nullopt;
        if (words[1] == "MASTER")
            return epoch ? "%2\r\n" + bulk("name") + bulk("main") + bulk("config-epoch") +
                               bulk(std::to_string(*epoch))
                         : "-NOPERM no\r\n";
        if (words[2] != "main" || master.empty()) return "*-1\r\n";
        return "*2\r\n" + bulk(master) + bulk("6379");
    }
    void fail_over(const std::string& to) {
        for (const Address& one : sentinels()) {
            network.at(to_text(one))
                .publish("+switch-master", "main " + master + " 6379 " + to + " 6379");
        }
        master = to;
        if (epoch) ++*epoch;
    }
    void pass(Duration time) { network.pass(client, time); }
    bool is_up() const { return client.is_up(Line::kCommands) && client.is_up(Line::kChannels); }

    Timestamp now = Timestamp::micros(1'000'000);
    testing::Network network{now};
    std::string master = "10.0.0.1";
    std::optional<int> epoch = 0;
    Strings heard;
    int ups = 0;
    int downs = 0;
    SentinelClient client;
};

}  // namespace

TEST_CASE(
    "SentinelClient: the master is asked for, and both connections follow it [RDS-28] [RDS-30]") {
    World world;
    SUBCASE("") {}
    SUBCASE("a user who may not ask for the epoch") {
        world.epoch.reset();
    }
    world.client.subscribe(world.now, "a");
    world.pass(Duration::millis(50));
    CHECK(world.is_up());
    CHECK(world.network.dialled == Strings{"s1:26379", "10.0.0.1:6379", "10.0.0.1:6379"});
    world.fail_over("10.0.0.2");
    world.pass(Duration::millis(50));
    CHECK(world.is_up());
    CHECK(world.ups == 4);
    CHECK(world.downs == 2);
    CHECK(world.network.dialled.back() == "10.0.0.2:6379");
    CHECK(world.network.at("10.0.0.1:6379").peers.empty());
    world.network.at("10.0.0.2:6379").publish("a", "after");
    world.pass(Duration::millis(10));
    CHECK(world.heard == Strings{"after"});
    // One that no message told of is seen when it is asked again.
    world.master = "10.0.0.3";
    world.pass(Sentinels::kAskEvery + Duration::millis(50));
    CHECK(world.network.dialled.back() == "10.0.0.3:6379");
    CHECK(world.is_up());
}

TEST_CASE("SentinelClient: Sentinels that are gone or do not know are passed over [RDS-28]") {
    World world;
    world.network.at("s1:26379").reachable = false;
    world.network.at("s2:26379").special = [](const Strings& words) -> std::optional<std::string> {
        if (words[0] == "SENTINEL") return "*-1\r\n";
        return std::nullopt;
    };
    world.pass(Duration::millis(500));
    CHECK(world.is_up());
    CHECK(world.client.trouble().empty());
    CHECK(world.network.dialled ==
          Strings{"s1:26379", "s2:26379", "s3:26379", "10.0.0.1:6379", "10.0.0.1:6379"});
    // While all of them are gone the master stays the one that it was.
    for (const Address& one : World::sentinels()) {
        world.network.at(to_text(one)).reachable = false;
        world.network.cut(world.client, to_text(one));
    }
    world.network.cut(world.client, "10.0.0.1:6379");
    world.pass(Duration::seconds(1));
    CHECK(world.is_up());
    CHECK(world.downs == 2);
}

TEST_CASE(
    "SentinelClient: one that has not heard of the last fail-over moves nothing that is well "
    "[RDS-28] [RDS-30]") {
    World world;
    world.pass(Duration::millis(50));
    world.fail_over("10.0.0.2");
    world.pass(Duration::millis(50));
    REQUIRE(world.network.dialled.back() == "10.0.0.2:6379");
    REQUIRE(world.downs == 2);
    // The Sentinel that it asks dies; the other two say what was before.
    world.network.at("s1:26379").reachable = false;
    world.master = "10.0.0.1";
    world.epoch = 0;
    world.network.cut(world.client, "s1:26379");
    world.pass(Duration::seconds(10));
    CHECK(world.is_up());
    CHECK(world.downs == 2);
    CHECK(world.network.at("10.0.0.1:6379").peers.empty());
    SUBCASE("what is not well goes where they say") {
        world.network.at("10.0.0.2:6379").reachable = false;
        world.network.cut(world.client, "10.0.0.2:6379");
        world.pass(Sentinels::kAskEvery + Duration::millis(500));
        CHECK(world.is_up());
        CHECK(world.network.dialled.back() == "10.0.0.1:6379");
    }
    SUBCASE("what they hear of later is believed") {
        world.master = "10.0.0.3";
        world.epoch = 2;
        world.pass(Sentinels::kAskEvery + Duration::millis(50));
        CHECK(world.is_up());
        CHECK(world.network.dialled.back() == "10.0.0.3:6379");
    }
}

TEST_CASE("SentinelClient: what is wrong is said with the remedy") {
    World world;
    const std::array<std::string_view, 1> ping = {"PING"};
    SUBCASE("a name that no Sentinel knows") {
        world.master = "";
        world.pass(Duration::seconds(3));
        CHECK(world.client.trouble().find("set redis.sentinel_master_name") != std::string::npos);
    }
    SUBCASE("a password of the Sentinels") {
        for (const Address& one : World::sentinels())
            world.network.at(to_text(one)).special = [](const Strings&) {
                return std::optional<std::string>("-WRONGPASS no\r\n");
            };
        world.pass(Duration::seconds(3));
        CHECK(world.client.trouble().find("WRONGPASS") != std::string::npos);
    }
    SUBCASE("nobody there") {
        for (const Address& one : World::sentinels())
            world.network.at(to_text(one)).reachable = false;
        world.pass(Duration::seconds(3));
        CHECK(world.client.trouble().find("refused") != std::string::npos);
        CHECK(world.network.dialled.size() < 20);
    }
    CHECK_FALSE(world.is_up());
    const auto taken = world.client.command(world.now, ping, {});
    REQUIRE_FALSE(taken);
    CHECK(taken.error().text.find("no Sentinel tells") != std::string::npos);
}

TEST_CASE("SentinelClient: a master that became a replica is left at the first write") {
    World world;
    world.pass(Duration::millis(50));
    world.network.at("10.0.0.1:6379").special =
        [](const Strings& words) -> std::optional<std::string> {
        if (words[0] == "SET") return "-READONLY You can't write against a read only replica.\r\n";
        return std::nullopt;
    };
    const std::array<std::string_view, 3> set = {"SET", "a", "b"};
    std::string said;
    CHECK(world.client.command(world.now, set, [&](Timestamp, const Result<Value, Fault>& reply) {
        said = reply->error_code();
    }));
    world.pass(Duration::millis(10));
    CHECK(said == "READONLY");
    CHECK(world.downs == 1);
    world.fail_over("10.0.0.2");
    world.pass(Duration::millis(100));
    CHECK(world.is_up());
}

}  // namespace confab::redis
