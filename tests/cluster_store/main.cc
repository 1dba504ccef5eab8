// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The scripts of cluster/store beside their twins, and its machines, against a real redis-server
// (tests/cluster/run_cluster_store starts it, and again when it ends, with the users that it
// names). usage: cluster_store PORT
// With another word, its machines against a Redis Cluster: cluster_store PORT masters
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../redis_session/checks.h"
#include "../redis_session/connection.h"
#include "../redis_session/node.h"
#include "cluster/store/ingress_store.h"
#include "cluster/store/keys.h"
#include "cluster/store/rooms/room_reader.h"
#include "cluster/store/rooms/room_records.h"
#include "cluster/store/scripts_testing.h"
#include "livekit_ingress.pb.h"
#include "masters.h"
#include "twins.h"

namespace confab::cluster::store {
namespace {

using redis::clock_now;
using redis::expect;
using redis::MemoryStore;
using redis::Value;

// The connections of a node, with whatever it has been told.
class Redis {
  public:
    explicit Redis(std::uint16_t port, const redis::Login& login = {}) : node_(port, login) {
        node_.until("the connection", [this] { return node_.is_up(); });
    }

    Value ask(const std::vector<std::string>& words) {
        std::optional<Value> reply;
        const std::vector<std::string_view> views(words.begin(), words.end());
        const auto taken = node_.client.command(
            clock_now(), views, [&](Timestamp, Result<Value, redis::Fault> result) {
                expect(result.has_value(), result ? "" : result.error().text);
                reply = std::move(*result);
            });
        expect(taken.has_value(), "not taken");
        node_.until(words.front(), [&] { return reply.has_value(); });
        return *reply;
    }
    // Until it holds, with the machine's deadlines.
    template <typename Machine>
    void drive(Machine& machine, const std::string& what, const std::function<bool()>& holds) {
        node_.until(what, [&] {
            if (machine.next_deadline() <= clock_now()) machine.handle_timeout(clock_now());
            return holds();
        });
    }
    redis::Node& node() { return node_; }
    redis::Port& port() { return node_.client; }

  private:
    redis::Node node_;
};

std::string quoted(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words)
        line += " \"" + word + "\"";
    return line;
}

// Maps and sets come in any order.
std::vector<std::string> sorted(const Value& value, std::size_t group) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i + group <= value.items.size(); i += group) {
        std::string one;
        for (std::size_t j = 0; j < group; ++j)
            one.append(std::to_string(value.items[i + j].text.size()))
                .append(":")
                .append(value.items[i + j].text);
        all.push_back(one);
    }
    std::sort(all.begin(), all.end());
    return all;
}

// What a key holds, whatever its type.
template <typename Ask>
std::string content(const Ask& ask, const std::string& key) {
    const Value text = ask({"GET", key});
    if (text.kind == Value::Kind::kText) return "text " + text.text;
    if (!text.is_error()) return "nothing";
    const Value hash = ask({"HGETALL", key});
    if (!hash.is_error()) return "hash" + quoted(sorted(hash, 2));
    return "set" + quoted(sorted(ask({"SMEMBERS", key}), 1));
}

void compare(redis::Connection& redis, std::string_view script, const Case& one,
             std::size_t& errors) {
    MemoryStore memory;
    testing::add_scripts(memory);
    const auto there = [&](const std::vector<std::string>& words) {
        const auto reply = redis.ask(std::vector<std::string_view>(words.begin(), words.end()));
        expect(reply.has_value(), "no reply");
        return *reply;
    };
    const auto here = [&](const std::vector<std::string>& words) {
        const std::vector<std::string_view> views(words.begin(), words.end());
        return memory.run(clock_now(), views);
    };
    there({"FLUSHDB"});
    for (const std::vector<std::string>& words : one.before) {
        there(words);
        here(words);
    }
    std::vector<std::string> words = {"EVAL", std::string(script), std::to_string(one.keys.size())};
    words.insert(words.end(), one.keys.begin(), one.keys.end());
    words.insert(words.end(), one.arguments.begin(), one.arguments.end());
    const Value real = there(words);
    const Value twin = here(words);
    const std::string inputs = quoted(one.keys) + " :" + quoted(one.arguments);
    errors += real.is_error() ? 1U : 0U;
    expect(real.is_error() == twin.is_error(),
           "one fails: " + real.text + " / " + twin.text + inputs);
    expect(real.is_error() || real == twin, "another reply:" + inputs);
    if (real.is_error())
        expect(real.text.find("WRONGTYPE") != std::string::npos, "another error: " + real.text);
    for (const std::string& key : one.keys) {
        std::string both = content(there, key);
        const bool same = both == content(here, key);
        both.append(" / ").append(content(here, key)).append(inputs);
        expect(same, both.insert(0, key + ": "));
    }
}

void twins(std::uint16_t port) {
    redis::Connection redis(port, {});
    for (const testing::Twin& twin : testing::kTwins) {
        Cases cases(7);
        std::size_t errors = 0;
        for (int i = 0; i < 400; ++i)
            compare(redis, twin.script, cases.of(twin.script), errors);
        expect(errors > 0 && errors < 100, "too few or too many cases with errors");
    }
}

// What Commands makes of a refusal, and what is told.
struct Refusal {
    Failure failure;
    Notice notice;
};
Refusal refusal_of(Redis& redis, const std::vector<std::string_view>& words) {
    Refusal refusal;
    bool done = false;
    Notices notices([&](Timestamp, const Notice& notice) { refusal.notice = notice; });
    Commands commands(redis.port(), notices);
    commands.send(clock_now(), words, [&](Timestamp, const Answer& answer) {
        if (!answer) refusal.failure = answer.error();
        done = true;
    });
    redis.node().until("a refusal", [&] { return done; });
    return refusal;
}

void refusals(std::uint16_t port) {
    const std::string_view hset = "return redis.call('HSET', KEYS[1], 'a', 'b')";
    const auto check = [&](const char* user, const std::vector<std::string_view>& words,
                           Notice::Kind kind, const std::string& remedy) {
        Redis redis(port, {user, *user == '\0' ? "" : "right", 0, "confab"});
        const Refusal refusal = refusal_of(redis, words);
        expect(refusal.failure.code == Failure::Code::kRefused, "not refused");
        expect(refusal.notice.kind == kind, "another kind: " + refusal.notice.text);
        expect(refusal.notice.text.find(remedy) != std::string::npos, refusal.notice.text);
    };
    check("reader", {"HSET", "rooms", "a", "b"}, Notice::Kind::kRefused, "+HSET and ~rooms");
    check("reader", {"EVAL", hset, "1", "rooms"}, Notice::Kind::kRefused, "+EVAL and ~rooms");
    check("writer", {"EVAL", hset, "1", "rooms"}, Notice::Kind::kRefused, "ACL SETUSER");
    check("keyless", {"HSET", "room_participants:a", "a", "b"}, Notice::Kind::kRefused,
          "~room_participants:*");
    check("keyless", {"EVAL", hset, "1", "room_participants:a"}, Notice::Kind::kRefused,
          "~room_participants:*");
    Redis(port).ask({"SET", "a text", "x"});
    check("", {"HSET", "a text", "a", "b"}, Notice::Kind::kWrongType, "redis.db");
    check("", {"EVAL", hset, "1", "a text"}, Notice::Kind::kWrongType, "redis.db");
}

void rooms(std::uint16_t port) {
    Redis redis(port);
    redis.ask({"FLUSHDB"});
    int lost = 0;
    Notices notices([&](Timestamp, const Notice& notice) {
        lost += notice.kind == Notice::Kind::kLost ? 1 : 0;
    });
    RoomRecords records(redis.port(), notices, "ND_a", {});
    const std::string bytes("\x12\x01r\xc2\xbb\x01\x02\0\n", 9);
    for (int i = 0; i < 200; ++i) {
        const std::string name = "room " + std::to_string(i);
        records.set_room(clock_now(), name, bytes, "i");
        records.set_participant(clock_now(), name, "alice", "a");
    }
    const auto at_rest = [&] { return records.snapshot().waiting == 0; };
    redis.drive(records, "200 rooms", [&] { return redis.ask({"HLEN", "rooms"}).integer == 200; });
    RoomReader reader(redis.port(), notices);
    std::optional<StoredList> read;
    reader.rooms(clock_now(), [&](Timestamp, Result<StoredList, Failure> got) {
        expect(got.has_value(), "not read");
        read = std::move(*got);
    });
    redis.node().until("the rooms", [&] { return read.has_value(); });
    expect(read->size() == 200 && read->front().bytes == bytes, "other bytes");
    // The server goes with all that it had.
    const int ups = redis.node().ups;
    const std::array<std::string_view, 2> shutdown = {"SHUTDOWN", "NOSAVE"};
    expect(redis.port().command(clock_now(), shutdown, {}).has_value(), "SHUTDOWN");
    redis.node().until("the new server",
                       [&] { return redis.node().ups == ups + 2 && redis.node().is_up(); });
    records.handle_up(clock_now());
    redis.drive(records, "the rooms again", at_rest);
    expect(redis.ask({"HLEN", "rooms"}).integer == 200, "rooms");
    expect(redis.ask({"HLEN", "room_node_map"}).integer == 200, "routing");
    expect(redis.ask({"HGET", "room_participants:room 7", "alice"}).text == "a", "participants");
    expect(lost == 1, "not told");
    for (int i = 0; i < 200; ++i)
        records.close(clock_now(), "room " + std::to_string(i));
    redis.drive(records, "the end", at_rest);
    expect(redis.ask({"DBSIZE"}).integer == 0, "something stays");
}

void ingresses(std::uint16_t port) {
    Redis redis(port);
    redis.ask({"FLUSHDB"});
    Notices notices({});
    IngressStore store(redis.port(), notices);
    livekit::IngressInfo info;
    info.set_ingress_id("IN_1");
    info.set_stream_key("key");
    info.set_room_name("r");
    int done = 0;
    store.store(
        clock_now(), info.SerializeAsString(),
        [&](Timestamp, const Result<bool, Failure>& fresh) { done += fresh.value() ? 1 : 9; });
    redis.node().until("an ingress", [&] { return done == 1; });
    livekit::IngressState state;
    state.set_started_at(1);
    store.set_state(
        clock_now(), "IN_1", state.SerializeAsString(),
        [&](Timestamp, const Result<bool, Failure>& set) { done += set.value() ? 1 : 9; });
    redis.node().until("its state", [&] { return done == 2; });
    std::string whole;
    store.load_by_stream_key(clock_now(), "key",
                             [&](Timestamp, const Result<IngressStore::Ingress, Failure>& got) {
                                 whole = got.value().whole();
                             });
    redis.node().until("it", [&] { return !whole.empty(); });
    expect(info.ParseFromString(whole) && info.state().started_at() == 1, "not as it was");
    store.remove(
        clock_now(), "IN_1",
        [&](Timestamp, const Result<IngressStore::Ingress, Failure>& got) { done += got ? 1 : 9; });
    redis.node().until("its end", [&] { return done == 3; });
    expect(redis.ask({"DBSIZE"}).integer == 0, "something stays");
}

}  // namespace

int run(int argc, char** argv) {
    return redis::run_checks(
        argc, argv,
        {{"each script does what its twin does", twins},
         {"what Redis refuses is told with its remedy", refusals},
         {"rooms outlast a server that comes back empty, and leave nothing", rooms},
         {"an ingress from its making to its end", ingresses}});
}

}  // namespace confab::cluster::store

int main(int argc, char** argv) {
    if (argc == 3 && std::string_view(argv[2]) == "masters")
        return confab::cluster::store::run_masters(argc - 1, argv);
    return confab::cluster::store::run(argc, argv);
}
