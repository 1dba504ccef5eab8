// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/commands.h"

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/store/masters_testing.h"
#include "cluster/store/rooms/room_records.h"
#include "cluster/store/world_testing.h"

namespace confab::cluster::store {
namespace {

using testing::World;

// A Redis that refuses some commands, as one with other rights does.
class Refusing final : public redis::Port {
  public:
    Result<void, redis::Fault> command(Timestamp, redis::Words words, redis::Reply done) override {
        ++asked[std::string(words[0])];
        redis::Value value;
        const auto it = refused.find(std::string(words[0]));
        value.kind =
            it == refused.end() ? redis::Value::Kind::kInteger : redis::Value::Kind::kError;
        if (it != refused.end()) value.text = it->second;
        waiting.emplace_back(std::move(done), std::move(value));
        return {};
    }
    void subscribe(Timestamp, std::string) override {}
    void unsubscribe(Timestamp, const std::string&) override {}
    bool is_up(redis::Line) const override { return true; }

    void answer(Timestamp now) {
        for (auto& [done, value] : std::exchange(waiting, {}))
            done(now, std::move(value));
    }

    std::map<std::string, std::string> refused;
    std::map<std::string, int> asked;
    std::vector<std::pair<redis::Reply, redis::Value>> waiting;
};

}  // namespace

TEST_CASE("Commands: a refusal is told once, with the remedy") {
    World world;
    Refusing port;
    port.refused["HSET"] = "NOPERM User confab has no permissions to run the 'hset' command";
    Commands commands(port, world.notices);
    std::vector<Failure> failures;
    for (const char* key : {"room_participants:a", "room_participants:b", "room_participants:a"})
        commands.send(world.now, {"HSET", key, "x", "y"}, [&](Timestamp, const Answer& answer) {
            if (!answer) failures.push_back(answer.error());
        });
    port.answer(world.now);
    REQUIRE(failures.size() == 3);
    CHECK(failures[0].code == Failure::Code::kRefused);
    REQUIRE(world.log.size() == 1);
    CHECK(world.log[0].kind == Notice::Kind::kRefused);
    CHECK(world.log[0].key == "room_participants:*");
    CHECK(world.log[0].text.find("NOPERM") != std::string::npos);
    CHECK(world.log[0].text.find("ACL SETUSER with +HSET and ~room_participants:*") !=
          std::string::npos);
    CHECK(world.notices.count(Notice::Kind::kRefused) == 3);
    // And again after an hour.
    world.now = world.now + Notices::kAgain;
    commands.send(world.now, {"HSET", "room_participants:c", "x", "y"}, {});
    port.answer(world.now);
    CHECK(world.log.size() == 2);
}

TEST_CASE("Commands: what other refusals ask for") {
    const std::pair<const char*, const char*> cases[] = {
        {"WRONGTYPE Operation against a key", "redis.db"},
        {"ERR Error running script: @user_script:3: WRONGTYPE Operation", "redis.db"},
        {"OOM command not allowed", "maxmemory"},
        {"READONLY You can't write against a read only replica.", "replica"},
        {"MISCONF Redis is configured to save RDB snapshots", "disk"},
        {"ERR The user executing the script can't run this command or subcommand", "ACL SETUSER"},
        {"ERR nonsense", "log of Redis"},
    };
    for (const auto& [error, remedy] : cases) {
        World world;
        Refusing port;
        port.refused["EVAL"] = error;
        Commands commands(port, world.notices);
        commands.eval(world.now, "return 1", {"{ingress}_state:IN_1"}, {}, {});
        port.answer(world.now);
        REQUIRE(world.log.size() == 1);
        CHECK(world.log[0].text.find(remedy) != std::string::npos);
        CHECK(world.log[0].key.starts_with("{ingress}_state:"));
    }
}

TEST_CASE("Commands: what Redis cannot do now is an outage, and nobody is told [RDS-30]") {
    for (const char* error :
         {"CLUSTERDOWN The cluster is down", "TRYAGAIN Multiple keys request during rehashing",
          "MOVED 1 127.0.0.1:1", "ASK 1 127.0.0.1:1", "MASTERDOWN Link with MASTER is down",
          "LOADING Redis is loading the dataset in memory",
          "BUSY Redis is busy running a script"}) {
        World world;
        Refusing port;
        port.refused["HSET"] = error;
        Commands commands(port, world.notices);
        std::optional<Failure> failure;
        commands.send(world.now, {"HSET", "rooms", "x", "y"},
                      [&](Timestamp, const Answer& answer) { failure = answer.error(); });
        port.answer(world.now);
        REQUIRE(failure.has_value());
        CHECK(failure->code == Failure::Code::kUnavailable);
        CHECK(failure->text == error);
        CHECK(world.log.empty());
    }
}

TEST_CASE("Commands: answers of several come together, in the order of the commands") {
    World world;
    const auto port = testing::attach(world, RoomScripts::Form::kApart);
    Commands commands(*port, world.notices);
    world.run({"HSET", "room_node_map", "r", "slow"});
    world.run({"SET", "room_participants:r", "text"});
    world.run({"HSET", "rooms", "r", "quick"});
    std::vector<std::vector<Answer>> got;
    const auto keep = [&](Timestamp, std::vector<Answer> answers) {
        got.push_back(std::move(answers));
    };
    commands.send_all(world.now,
                      {{"HGET", "room_node_map", "r"},
                       {"HGET", "room_participants:r", "r"},
                       {"HGET", "rooms", "r"}},
                      keep);
    CHECK(got.empty());
    world.pass(Duration::millis(10));
    REQUIRE(got.size() == 1);
    REQUIRE(got[0].size() == 3);
    CHECK(got[0][0]->text == "slow");
    CHECK(got[0][1].error().code == Failure::Code::kRefused);
    CHECK(got[0][2]->text == "quick");
    CHECK(failure_of(got[0])->code == Failure::Code::kRefused);
    commands.send_all(world.now, {}, keep);
    REQUIRE(got.size() == 2);
    CHECK(got[1].empty());
    CHECK_FALSE(failure_of(got[1]).has_value());
    world.server.stop(world.now);
    commands.send_all(world.now, {{"GET", "a"}, {"GET", "b"}}, keep);
    REQUIRE(got.size() == 3);
    CHECK(got[2][1].error().code == Failure::Code::kUnavailable);
}

TEST_CASE(
    "Commands: a store that is gone is called no more, nor is one without a connection waiting") {
    World world;
    const auto port = world.attach();
    int called = 0;
    {
        Commands commands(*port, world.notices);
        commands.send(world.now, {"GET", "a"}, [&](Timestamp, const Answer&) { ++called; });
    }
    world.pass(Duration::seconds(10));
    CHECK(called == 0);
    Commands commands(*port, world.notices);
    world.server.stop(world.now);
    commands.send(world.now, {"GET", "a"}, [&](Timestamp, const Answer& answer) {
        ++called;
        CHECK(answer.error().code == Failure::Code::kUnavailable);
    });
    CHECK(called == 1);
}

TEST_CASE(
    "RoomRecords: rights that are missing cost few tries and one notice each, and are used when "
    "given") {
    World world;
    Refusing port;
    port.refused["HSET"] = port.refused["EVAL"] = port.refused["HDEL"] = "NOPERM no";
    RoomRecords records(port, world.notices, "ND_a", {});
    for (int i = 0; i < 10; ++i)
        records.set_room(world.now, "r" + std::to_string(i), "x", "i");
    const auto pass = [&](Duration time) {
        const Timestamp end = world.now + time;
        while (records.next_deadline() <= end) {
            world.now = std::max(world.now, records.next_deadline());
            records.handle_timeout(world.now);
            port.answer(world.now);
        }
        world.now = end;
    };
    pass(Duration::seconds(600));
    CHECK(port.asked["EVAL"] > 10);
    CHECK(port.asked["EVAL"] < 200);
    CHECK(world.log.size() == 3);  // HSET of rooms and of room_internal, EVAL
    CHECK(records.snapshot().waiting == 10);
    port.refused.clear();
    // This fake knows no scripts: a reply that is none of the script's counts as none.
    pass(RoomRecords::kLongestRetry);
    CHECK(records.snapshot().waiting == 10);
}

TEST_CASE("Notices: remembers so many, counts all") {
    int told = 0;
    Notices notices([&](Timestamp, const Notice&) { ++told; });
    const Timestamp now;
    for (int round = 0; round < 2; ++round)
        for (std::size_t i = 0; i < Notices::kMaxRemembered; ++i)
            notices.tell(now, {Notice::Kind::kGarbage, "rooms", std::to_string(i), ""});
    CHECK(told == Notices::kMaxRemembered);
    CHECK(notices.count(Notice::Kind::kGarbage) == 2 * Notices::kMaxRemembered);
    notices.tell(now, {Notice::Kind::kGarbage, "rooms", "one more", ""});
    notices.tell(now, {Notice::Kind::kGarbage, "rooms", "0", ""});
    CHECK(told == Notices::kMaxRemembered + 2);
    CHECK(notices.count(Notice::Kind::kLost) == 0);
}

}  // namespace confab::cluster::store
