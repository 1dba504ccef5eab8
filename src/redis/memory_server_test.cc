// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/memory_server.h"

#include <doctest/doctest.h>

#include <array>
#include <initializer_list>
#include <string>
#include <vector>

namespace confab::redis {
namespace {

struct World {
    std::unique_ptr<Port> attach() {
        return server.attach(
            now,
            {[this](Timestamp, std::string_view channel, const std::string& payload) {
                 events.push_back(std::string(channel) + "=" + payload);
             },
             [this](Timestamp, const std::string& channel) { events.push_back("on " + channel); },
             [this](Timestamp, Line line) { ups += line == Line::kChannels ? 1 : 0; },
             [this](Timestamp, Line line, const Fault&) {
                 downs += line == Line::kChannels ? 1 : 0;
             },
             {}});
    }
    void pass(Duration time) {
        const Timestamp end = now + time;
        while (server.next_deadline() <= end) {
            now = std::max(now, server.next_deadline());
            server.handle_timeout(now);
        }
        now = end;
    }
    // Its reply in one line: text, number, [items], nil, or what went wrong.
    std::string run(Port& port, std::initializer_list<std::string_view> words) {
        const auto said = std::make_shared<std::string>("waiting");
        const std::vector<std::string_view> all(words);
        const auto taken =
            port.command(now, all, [said](Timestamp, const Result<Value, Fault>& reply) {
                *said = reply ? show(*reply) : "fault";
            });
        if (!taken) return "no connection";
        CHECK(*said == "waiting");
        pass(Duration::millis(10));
        return *said;
    }
    static std::string show(const Value& value) {
        if (value.kind == Value::Kind::kNull) return "nil";
        if (value.kind == Value::Kind::kInteger) return std::to_string(value.integer);
        if (value.kind == Value::Kind::kText) return value.text;
        if (value.is_error()) return std::string(value.error_code());
        std::string all;
        for (const Value& item : value.items)
            all += (all.empty() ? "" : " ") + show(item);
        return "[" + all + "]";
    }

    Timestamp now = Timestamp::micros(1'000'000);
    MemoryServer server;
    std::vector<std::string> events;
    int ups = 0;
    int downs = 0;
};

}  // namespace

TEST_CASE("MemoryServer: commands answer as Redis does") {
    World world;
    const auto port = world.attach();
    world.pass(Duration::millis(1));
    const auto run = [&](std::initializer_list<std::string_view> words) {
        return world.run(*port, words);
    };
    CHECK(run({"HSET", "h", "a", "1", "b", "2"}) == "2");
    CHECK(run({"hset", "h", "a", "3"}) == "0");
    CHECK(run({"HSETNX", "h", "a", "4"}) == "0");
    CHECK(run({"HGET", "h", "a"}) == "3");
    CHECK(run({"HGET", "h", "c"}) == "nil");
    CHECK(run({"HMGET", "h", "b", "c"}) == "[2 nil]");
    CHECK(run({"HGETALL", "h"}) == "[a 3 b 2]");
    CHECK(run({"HKEYS", "h"}) == "[a b]");
    CHECK(run({"HVALS", "h"}) == "[3 2]");
    CHECK(run({"HLEN", "h"}) == "2");
    CHECK(run({"HEXISTS", "h", "b"}) == "1");
    CHECK(run({"HDEL", "h", "a", "b", "c"}) == "2");
    CHECK(run({"EXISTS", "h"}) == "0");
    CHECK(run({"SADD", "s", "x", "y"}) == "2");
    CHECK(run({"SMEMBERS", "s"}) == "[x y]");
    CHECK(run({"SREM", "s", "x"}) == "1");
    CHECK(run({"GET", "s"}) == "WRONGTYPE");
    CHECK(run({"HSET", "h"}) == "ERR");
    CHECK(run({"NONSENSE"}) == "ERR");
    CHECK(run({"INCR", "n"}) == "1");
    CHECK(run({"SET", "lock", "mine", "EX", "5", "NX"}) == "OK");
    CHECK(run({"SET", "lock", "other", "PX", "5000", "NX"}) == "nil");
    world.pass(Duration::seconds(5));
    CHECK(run({"GET", "lock"}) == "nil");
    CHECK(run({"DEL", "n", "nothing"}) == "1");
    CHECK(world.server.count("HSET") == 3);
    world.server.store().add_script(
        "twice", [](MemoryStore& store, Timestamp now, Words keys, Words arguments) {
            const std::array<std::string_view, 3> set = {"SET", keys[0], arguments[0]};
            return store.run(now, set);
        });
    CHECK(run({"EVAL", "twice", "1", "k", "v"}) == "OK");
    CHECK(*world.server.store().string("k") == "v");
    CHECK(run({"EVAL", "twice", "9", "k", "v"}) == "ERR");
    CHECK(run({"EVAL", "unknown", "0"}) == "ERR");
}

TEST_CASE("MemoryServer: channels, a stop, a hang") {
    World world;
    const auto port = world.attach();
    port->subscribe(world.now, "early");
    world.pass(Duration::millis(1));
    CHECK(world.ups == 1);
    port->subscribe(world.now, "late");
    world.pass(Duration::millis(1));
    CHECK(world.events == std::vector<std::string>{"on early", "on late"});
    CHECK(world.run(*port, {"PUBLISH", "late", "1"}) == "1");
    CHECK(world.run(*port, {"PUBLISH", "nobody", "1"}) == "0");
    CHECK(world.events.back() == "late=1");

    world.server.stop(world.now);
    CHECK(world.downs == 1);
    CHECK(world.run(*port, {"PING"}) == "no connection");
    port->unsubscribe(world.now, "late");
    world.events.clear();
    world.server.start(world.now);
    world.pass(Duration::seconds(1));
    CHECK(world.ups == 2);
    CHECK(world.events == std::vector<std::string>{"on early"});

    world.server.hang(world.now);
    CHECK(world.run(*port, {"PING"}) == "waiting");
    world.server.go_on(world.now);
    world.pass(Duration::seconds(6));
    CHECK(world.server.count("PING") == 1);
    CHECK(world.ups == 2);
    world.server.hang(world.now);
    CHECK(world.run(*port, {"PING"}) == "waiting");
    world.pass(MemoryServer::kPatience);
    CHECK_FALSE(port->is_up(Line::kCommands));
    world.server.go_on(world.now);
    world.pass(Duration::seconds(1));
    CHECK(port->is_up(Line::kCommands));
    CHECK(world.server.count("PING") == 1);  // nobody waited for it any more
}

TEST_CASE("MemoryServer: an end may go while something is on its way to it") {
    World world;
    auto port = world.attach();
    port->subscribe(world.now, "a");
    world.pass(Duration::millis(1));
    const std::array<std::string_view, 1> ping = {"PING"};
    CHECK(port->command(world.now, ping,
                        [](Timestamp, const Result<Value, Fault>&) { FAIL("answered"); }));
    world.server.publish(world.now, "a", "x");
    port.reset();
    world.pass(Duration::seconds(10));
    CHECK(world.server.listeners("a") == 0);
}

}  // namespace confab::redis
