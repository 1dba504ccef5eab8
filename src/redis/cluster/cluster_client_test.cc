// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/cluster/cluster_client.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "redis/server_testing.h"

namespace confab::redis {
namespace {

using testing::bulk;
using testing::Strings;

// Three masters, a third of the slots each; whoever is asked for another's says so.
struct World {
    World() {
        owners = {{5460, "a:1"}, {10922, "b:1"}, {16383, "c:1"}};
        for (const char* one : {"a:1", "b:1", "c:1", "d:1"})
            network.at(one).special = [this, one](const Strings& words) { return say(one, words); };
        make({{"a", 1}});
    }
    void make(std::vector<Address> seeds) {
        Events events{[this](Timestamp, std::string_view, const std::string& payload) {
                          heard.push_back(payload);
                      },
                      {},
                      [this](Timestamp, Line line) { ups += line == Line::kCommands ? 1 : 0; },
                      [this](Timestamp, Line line, const Fault& fault) {
                          downs += line == Line::kCommands ? 1 : 0;
                          latest = fault.text;
                      },
                      {}};
        client = std::make_unique<ClusterClient>(now, std::move(seeds), 2, Login{"", "", 5, "x"},
                                                 std::move(events), 1);
    }
    const std::string& owner(std::uint16_t slot) const { return owners.lower_bound(slot)->second; }
    std::optional<std::string> say(const std::string& self, const Strings& words) {
        if (words[0] == "CLUSTER") return slots();
        if (words[0] == "SELECT") return "-ERR SELECT is not allowed in cluster mode\r\n";
        if (words[0] == "PUBLISH") {  // to the listeners of all
            for (const char* one : {"a:1", "b:1", "c:1", "d:1"})
                network.at(one).publish(words[1], words[2]);
            return ":1\r\n";
        }
        if (words[0] == "SUBSCRIBE" || words[0] == "HELLO" || words[0] == "ASKING" ||
            words[0] == "PING")
            return std::nullopt;
        const std::uint16_t slot = slot_of(words[1]);
        const bool asked = network.at(self).log.size() > 1 &&
                           network.at(self).log[network.at(self).log.size() - 2][0] == "ASKING";
        if (slot == migrating && self == owner(slot) && !asked)
            return "-ASK " + std::to_string(slot) + " d:1\r\n";
        if (owner(slot) != self && !(slot == migrating && asked))
            return "-MOVED " + std::to_string(slot) + " " + owner(slot) + "\r\n";
        return std::nullopt;
    }
    std::string slots() const {
        std::string out = "*" + std::to_string(told.empty() ? owners.size() : told.size()) + "\r\n";
        int first = 0;
        for (const auto& [last, address] : told.empty() ? owners : told) {
            out += "*3\r\n:" + std::to_string(first) + "\r\n:" + std::to_string(last) +
                   "\r\n*2\r\n" + bulk(address.substr(0, 1)) + ":1\r\n";
            first = last + 1;
        }
        return out;
    }
    std::string run(std::initializer_list<std::string_view> words, Duration time) {
        const auto said = std::make_shared<std::string>("waiting");
        const std::vector<std::string_view> all(words);
        const auto taken =
            client->command(now, all, [said](Timestamp, const Result<Value, Fault>& reply) {
                *said = reply ? reply->text : "fault";
            });
        if (!taken) return "no connection";
        pass(time);
        return *said;
    }
    std::string run(std::initializer_list<std::string_view> words) {
        return run(words, Duration::millis(50));
    }
    void pass(Duration time) { network.pass(*client, time); }
    bool is_up() const { return client->is_up(Line::kCommands); }

    Timestamp now = Timestamp::micros(1'000'000);
    testing::Network network{now};
    std::map<int, std::string> owners;  // by the last slot
    std::map<int, std::string> told;    // what CLUSTER SLOTS says, if it is behind
    int migrating = -1;
    Strings heard;
    int ups = 0;
    int downs = 0;
    std::string latest;
    std::unique_ptr<ClusterClient> client;
};

std::string key_of(const World& world, const std::string& owner) {
    for (int i = 0;; ++i)
        if (world.owner(slot_of(std::to_string(i))) == owner) return std::to_string(i);
}

}  // namespace

TEST_CASE(
    "ClusterClient: commands go to whom the slot belongs, messages come from any [RDS-28] "
    "[RDS-29]") {
    World world;
    world.client->subscribe(world.now, "room");
    world.pass(Duration::millis(100));
    CHECK(world.is_up());
    CHECK(world.client->is_up(Line::kChannels));
    CHECK(world.client->trouble().empty());
    for (const char* owner : {"a:1", "b:1", "c:1"}) {
        const std::string key = key_of(world, owner);
        CHECK(world.run({"SET", key, "v"}) == "OK");
        CHECK(*world.network.at(owner).store.string(key) == "v");
        CHECK(world.run({"GET", key}) == "v");
    }
    for (const char* owner : {"a:1", "b:1", "c:1"})
        CHECK(world.network.at(owner).count("SET") == 1);  // no detours
    CHECK(world.run({"PING"}) == "PONG");
    CHECK(world.run({"PUBSUB", "NUMSUB", "room"}) == "no connection");  // no member knows
    for (int i = 0; i < 3; ++i)
        world.run({"PUBLISH", "room", std::to_string(i)});
    CHECK(world.heard == Strings{"0", "1", "2"});
}

TEST_CASE("ClusterClient: slots that have moved, or are moving [RDS-28]") {
    World world;
    world.pass(Duration::millis(100));
    const std::string key = key_of(world, "a:1");
    SUBCASE("to a known one") {
        world.owners = {{5460, "b:1"}, {10922, "b:1"}, {16383, "c:1"}};
        CHECK(world.run({"SET", key, "v"}) == "OK");
        CHECK(world.run({"SET", key, "w"}) == "OK");
        CHECK(world.network.at("a:1").count("SET") == 1);
        CHECK(world.network.at("b:1").count("SET") == 2);
    }
    SUBCASE("to a new one") {
        world.owners = {{5460, "d:1"}, {10922, "b:1"}, {16383, "c:1"}};
        CHECK(world.run({"SET", key, "v"}) == "OK");
        CHECK(*world.network.at("d:1").store.string(key) == "v");
        world.pass(Duration::seconds(1));
        CHECK(world.is_up());
        world.pass(Duration::seconds(60));
        CHECK(world.network.at("a:1").peers.size() <=
              1);  // who has no slots is left, but to listen
    }
    SUBCASE("under way: asked for this once") {
        world.migrating = slot_of(key);
        CHECK(world.run({"SET", key, "v"}) == "OK");
        CHECK(world.run({"SET", key, "w"}) == "OK");
        CHECK(*world.network.at("d:1").store.string(key) == "w");
        CHECK(world.network.at("a:1").count("SET") == 2);
    }
    SUBCASE("round and round: given up after the second") {
        world.told = world.owners;
        world.owners = {{5460, "b:1"}, {10922, "b:1"}, {16383, "c:1"}};
        world.network.at("b:1").special = [&](const Strings& words) -> std::optional<std::string> {
            if (words[0] != "SET") return world.say("b:1", words);
            return "-MOVED " + std::to_string(slot_of(words[1])) + " a:1\r\n";
        };
        CHECK(world.run({"SET", key, "v"}).starts_with("MOVED"));
        CHECK(world.network.at("a:1").count("SET") == 1);
        CHECK(world.network.at("b:1").count("SET") == 2);
    }
    SUBCASE("its old owner has been told already, its new one a moment later") {
        world.told = world.owners;
        world.owners = {{5460, "b:1"}, {10922, "b:1"}, {16383, "c:1"}};
        const Timestamp told_at = world.now + Duration::millis(15);
        world.network.at("b:1").special = [&](const Strings& words) -> std::optional<std::string> {
            if (words[0] != "SET" || world.now >= told_at) return world.say("b:1", words);
            return "-MOVED " + std::to_string(slot_of(words[1])) + " a:1\r\n";
        };
        CHECK(world.run({"SET", key, "v"}, Duration::millis(200)) == "OK");
        CHECK(world.network.at("a:1").count("SET") == 1);
        REQUIRE(world.network.at("b:1").count("SET") == 2);
        CHECK(*world.network.at("b:1").store.string(key) == "v");
    }
    SUBCASE("to one that cannot be reached") {
        world.network.at("d:1").reachable = false;
        world.told = world.owners;
        world.owners = {{5460, "d:1"}, {10922, "b:1"}, {16383, "c:1"}};
        CHECK(world.run({"SET", key, "v"}) == "waiting");
        world.pass(Duration::seconds(6));
        CHECK(world.run({"GET", key_of(world, "b:1")}).empty());
    }
}

TEST_CASE("ClusterClient: a node that dies, and the one that takes its place [RDS-30]") {
    World world;
    world.client->subscribe(world.now, "room");
    world.pass(Duration::millis(100));
    const std::string key = key_of(world, "a:1");
    world.network.at("a:1").reachable = false;
    world.network.cut(*world.client, "a:1");
    world.pass(Duration::seconds(2));
    CHECK_FALSE(world.is_up());
    CHECK(world.downs >= 1);
    CHECK(world.client->trouble().find("no connection to a:1: refused") == 0);
    CHECK(world.client->is_up(Line::kChannels));  // with another one
    CHECK(world.run({"SET", key, "v"}) == "no connection");
    CHECK(world.run({"SET", key_of(world, "b:1"), "v"}) == "OK");
    world.run({"PUBLISH", "room", "still"});
    CHECK(world.heard == Strings{"still"});
    world.owners = {{5460, "d:1"}, {10922, "b:1"}, {16383, "c:1"}};
    world.pass(Duration::millis(300));
    CHECK(world.is_up());
    CHECK(world.ups == 2);
    CHECK(world.run({"SET", key, "v"}) == "OK");
    // All of them at once, and back at other places, known by the seed alone.
    world.network.at("a:1").reachable = true;
    for (const char* one : {"b:1", "c:1", "d:1"}) {
        world.network.at(one).reachable = false;
        world.network.cut(*world.client, one);
    }
    world.pass(Duration::seconds(1));
    CHECK_FALSE(world.is_up());
    world.owners = {{16383, "a:1"}};
    world.pass(Duration::seconds(5));
    CHECK(world.is_up());
    CHECK(world.client->is_up(Line::kChannels));
}

TEST_CASE("ClusterClient: seeds that are gone, and one that is no Cluster, with the remedy") {
    World world;
    world.make({{"x", 1}, {"y", 1}, {"b", 1}});
    world.network.at("x:1").reachable = false;
    world.network.at("y:1").reachable = false;
    world.pass(Duration::millis(300));
    CHECK(world.is_up());
    CHECK(world.client->is_up(Line::kChannels));
    world.make({{"plain", 1}});
    world.network.at("plain:1").special = [](const Strings& words) -> std::optional<std::string> {
        if (words[0] == "CLUSTER") return "-ERR This instance has cluster support disabled\r\n";
        return std::nullopt;
    };
    world.pass(Duration::seconds(1));
    CHECK_FALSE(world.is_up());
    CHECK(world.latest.find("redis.cluster_addresses names no Redis Cluster") == 0);
    CHECK(world.network.at("plain:1").count("CLUSTER") == 1);
}

}  // namespace confab::redis
