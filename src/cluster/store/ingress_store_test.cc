// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/ingress_store.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/rng.h"
#include "cluster/store/golden_testing.h"
#include "cluster/store/record.h"
#include "cluster/store/world_testing.h"
#include "livekit_ingress.pb.h"

namespace confab::cluster::store {
namespace {

using testing::golden;
using testing::Kept;
using testing::kUnknown;
using testing::World;
using Ingress = IngressStore::Ingress;

const std::string kId = "IN_sZzwWmykeiSD";
const std::string kKey = "BoMAZpWJKbkN";

std::string info() {
    return golden<livekit::IngressInfo>(testing::kIngressJson);
}
std::string moved(const std::string& room, const std::string& key = kKey) {
    std::string moved = without(info(), {livekit::IngressInfo::kRoomNameFieldNumber,
                                         livekit::IngressInfo::kStreamKeyFieldNumber});
    if (!room.empty()) append_field(moved, livekit::IngressInfo::kRoomNameFieldNumber, room);
    append_field(moved, livekit::IngressInfo::kStreamKeyFieldNumber, key);
    return moved;
}
std::string state(std::int64_t started, std::int64_t updated, const std::string& error = "") {
    livekit::IngressState state;
    state.set_started_at(started);
    state.set_updated_at(updated);
    state.set_error(error);
    return state.SerializeAsString().append(kUnknown);
}

struct Storing {
    Storing() : port(world.attach()), store(*port, world.notices) {}
    Result<bool, Failure> put(const std::string& record) {
        Kept<bool> kept;
        store.store(world.now, record, kept.done());
        world.pass(Duration::millis(10));
        return kept.all->front();
    }
    Result<bool, Failure> set_state(const std::string& record, const std::string& id = kId) {
        Kept<bool> kept;
        store.set_state(world.now, id, record, kept.done());
        world.pass(Duration::millis(10));
        return kept.all->front();
    }
    std::vector<Ingress> listed(const std::string& room) {
        Kept<std::vector<Ingress>> kept;
        store.list(world.now, room, kept.done());
        world.pass(Duration::millis(10));
        REQUIRE(kept.ok());
        return kept.value();
    }
    std::string stored_state() {
        const std::string* value = world.server.store().string("{ingress}_state:" + kId);
        return value ? *value : "-";
    }
    // Another node does something just before each script runs.
    template <typename F>
    void race(F&& meddle, int times) {
        for (const auto& twin : testing::kTwins)
            world.server.store().add_script(
                std::string(twin.script),
                [this, run = twin.run, meddle, times](redis::MemoryStore& memory, Timestamp at,
                                                      redis::Words keys, redis::Words words) {
                    if (races++ < times) meddle(races);
                    return run(memory, at, keys, words);
                });
    }
    World world;
    std::unique_ptr<redis::Port> port;
    IngressStore store;
    int races = 0;
};

}  // namespace

TEST_CASE(
    "IngressStore: the keys of upstream, its odd names and its order [RDS-11] [RDS-12] [RDS-13] "
    "[RDS-14]") {
    Storing s;
    CHECK(s.put(info()).value());
    CHECK(s.world.field("ingress", kId) == info());
    CHECK(s.world.field("{ingress}_stream_key", kKey) == kId);
    CHECK(s.stored_state().empty());
    CHECK(s.world.server.store().set("room_{ingress}:ir")->contains(kId));
    CHECK_FALSE(s.put(moved("ir2")).value());
    CHECK(s.world.server.store().set("room_{ingress}:ir") == nullptr);
    CHECK(s.world.server.store().set("room_{ingress}:ir2")->contains(kId));
    CHECK(s.listed("ir").empty());
    REQUIRE(s.listed("ir2").size() == 1);
    CHECK(s.listed("ir2")[0].info == moved("ir2"));
    Kept<Ingress> gone;
    s.store.remove(s.world.now, kId, gone.done());
    s.world.pass(Duration::millis(10));
    CHECK(gone.value().info == moved("ir2"));
    CHECK(s.world.server.store().keys().empty());
    Kept<Ingress> nothing;
    s.store.remove(s.world.now, kId, nothing.done());
    s.world.pass(Duration::millis(10));
    CHECK(nothing.error() == Failure::Code::kNotFound);
}

TEST_CASE(
    "IngressStore: another key or room leaves nothing of the old one; without a room there is no "
    "set") {
    Storing s;
    CHECK(s.put(info()).value());
    CHECK_FALSE(s.put(moved("", "other")).value());
    CHECK(s.world.field("{ingress}_stream_key", kKey) == "-");
    CHECK(s.world.field("{ingress}_stream_key", "other") == kId);
    CHECK(s.world.server.store().set("room_{ingress}:ir") == nullptr);
    CHECK(s.world.server.store().set("room_{ingress}:") == nullptr);
    CHECK_FALSE(s.put(moved("ir")).value());
    CHECK(s.world.server.store().set("room_{ingress}:ir")->contains(kId));
}

TEST_CASE(
    "IngressStore: the state is no part of the record, and is there again when it is read [RDS-11] "
    "[RDS-25]") {
    Storing s;
    std::string with_state = info();
    append_field(with_state, livekit::IngressInfo::kStateFieldNumber, state(1, 1));
    CHECK(s.put(with_state).value());
    CHECK(s.world.field("ingress", kId) == info());
    CHECK(s.stored_state() == state(1, 1));
    std::string newer = info();
    append_field(newer, livekit::IngressInfo::kStateFieldNumber, state(9, 9));
    CHECK_FALSE(s.put(newer).value());
    CHECK(s.stored_state() == state(1, 1));  // a change of the ingress changes no state
    for (const bool by_key : {false, true}) {
        Kept<Ingress> kept;
        if (by_key)
            s.store.load_by_stream_key(s.world.now, kKey, kept.done());
        else
            s.store.load(s.world.now, kId, kept.done());
        s.world.pass(Duration::millis(10));
        CHECK(kept.value().info == info());
        CHECK(kept.value().state == state(1, 1));
        CHECK(kept.value().whole() == with_state);
    }
    Kept<Ingress> none;
    s.store.load_by_stream_key(s.world.now, "wrong", none.done());
    Kept<std::vector<Ingress>> all;
    s.store.list(s.world.now, all.done());
    s.world.pass(Duration::millis(10));
    CHECK(none.error() == Failure::Code::kNotFound);
    CHECK(all.value().size() == 1);
    s.world.run({"DEL", "{ingress}_state:" + kId});  // upstream ends when it meets this (04 ING-25)
    Kept<Ingress> stateless;
    s.store.load(s.world.now, kId, stateless.done());
    s.world.pass(Duration::millis(10));
    livekit::IngressInfo whole;
    REQUIRE(whole.ParseFromString(stateless.value().whole()));
    CHECK(whole.has_state());
}

TEST_CASE("IngressStore: which state is written [RDS-23]") {
    Storing s;
    CHECK(s.put(info()).value());
    CHECK(s.set_state(state(10, 5)).value());
    CHECK(s.set_state(state(9, 99)).error().code == Failure::Code::kOutdated);
    CHECK(s.stored_state() == state(10, 5));
    CHECK_FALSE(s.set_state(state(10, 4)).value());
    CHECK(s.stored_state() == state(10, 5));
    CHECK(s.set_state(state(10, 5, "again")).value());
    CHECK(s.stored_state() == state(10, 5, "again"));
    CHECK(s.set_state(state(11, 1)).value());
    CHECK(s.stored_state() == state(11, 1));
}

TEST_CASE("IngressStore: no state of an ingress that there is not [ING-25]") {
    Storing s;
    CHECK(s.set_state(state(1, 1), "IN_none").error().code == Failure::Code::kNotFound);
    CHECK(s.world.server.store().keys().empty());
    CHECK(s.put(info()).value());
    s.race([&](int) { s.world.run({"HDEL", "ingress", kId}); }, 1);  // between both reads
    CHECK(s.set_state(state(1, 1)).error().code == Failure::Code::kNotFound);
    CHECK(s.stored_state().empty());
}

TEST_CASE("IngressStore: races are run again, and five that are lost are an error [RDS-23]") {
    Storing s;
    CHECK(s.put(info()).value());
    const auto meddle = [&](int n) {
        s.world.run({"HSET", "ingress", kId, moved("other" + std::to_string(n))});
        s.world.run({"SET", "{ingress}_state:" + kId, state(1, n)});
    };
    s.race(meddle, 4);
    CHECK(s.set_state(state(2, 1)).value());
    s.races = 0;
    CHECK_FALSE(s.put(moved("mine")).value());
    CHECK(s.world.field("ingress", kId) == moved("mine"));
    s.race(meddle, 1'000'000);
    s.races = 0;
    CHECK(s.set_state(state(3, 1)).error().code == Failure::Code::kBusy);
    CHECK(s.races == IngressStore::kTries);
    CHECK(s.stored_state() == state(1, 5));
    s.races = 0;
    CHECK(s.put(moved("mine")).error().code == Failure::Code::kBusy);
    CHECK(s.races == IngressStore::kTries);
    CHECK(s.world.field("ingress", kId) == moved("other5"));
    Kept<Ingress> gone;
    s.store.remove(s.world.now, kId, gone.done());
    s.world.pass(Duration::millis(10));
    CHECK(gone.error() == Failure::Code::kBusy);
}

TEST_CASE("IngressStore: of many that change it at once, what is left belongs together") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        Storing s;
        Rng rng(seed);
        std::vector<std::unique_ptr<redis::Port>> ports;
        std::vector<std::unique_ptr<IngressStore>> nodes;
        for (int i = 0; i < 3; ++i) {
            ports.push_back(s.world.attach());
            nodes.push_back(std::make_unique<IngressStore>(*ports.back(), s.world.notices));
        }
        int answers = 0;
        for (int i = 0; i < 60; ++i) {
            IngressStore& node = *nodes[rng.below(3)];
            const std::string room = rng.below(5) == 0 ? "" : "r" + std::to_string(rng.below(3));
            if (rng.below(6) == 0)
                node.remove(s.world.now, kId, [&](auto&&...) { ++answers; });
            else
                node.store(s.world.now, moved(room, "k" + std::to_string(rng.below(3))),
                           [&](auto&&...) { ++answers; });
            s.world.pass(Duration::micros(static_cast<std::int64_t>(rng.below(600))));
        }
        s.world.pass(Duration::seconds(1));
        CHECK(answers == 60);
        const std::string left = s.world.field("ingress", kId);
        std::size_t expected = 0;
        if (left != "-") {
            const std::string room(text_of(left, livekit::IngressInfo::kRoomNameFieldNumber));
            expected = room.empty() ? 3 : 4;
            if (!room.empty())
                CHECK(s.world.server.store().set("room_{ingress}:" + room) != nullptr);
            CHECK(s.world.server.store().hash("{ingress}_stream_key")->size() == 1);
        }
        CHECK(s.world.server.store().keys().size() == expected);
    }
}

TEST_CASE(
    "IngressStore: garbage is passed over, what is none is not written, outages are failures") {
    Storing s;
    CHECK(s.put("\xff").error().code == Failure::Code::kInvalid);
    CHECK(s.put("").error().code == Failure::Code::kInvalid);
    CHECK(s.put(moved(std::string(kMaxRecord, 'r'))).error().code == Failure::Code::kTooLarge);
    CHECK(s.set_state("\xff").error().code == Failure::Code::kInvalid);
    CHECK(s.world.server.store().keys().empty());
    s.world.run({"HSET", "ingress", "IN_bad", "\xff"});
    CHECK(s.put(info()).value());
    s.world.run({"SET", "{ingress}_state:" + kId, "\xff"});
    Kept<std::vector<Ingress>> all;
    s.store.list(s.world.now, all.done());
    s.world.pass(Duration::millis(10));
    REQUIRE(all.value().size() == 1);
    CHECK(all.value()[0].state.empty());
    CHECK(s.world.told(Notice::Kind::kGarbage) == 2);
    for (int at = 0; at < 10; ++at) {
        Kept<bool> kept;
        s.store.store(s.world.now, moved("r" + std::to_string(at)), kept.done());
        s.world.pass(Duration::micros(at * 100));
        s.world.server.stop(s.world.now);
        s.world.server.start(s.world.now);
        s.world.pass(Duration::seconds(1));
        CHECK(kept.all->size() == 1);
    }
}

}  // namespace confab::cluster::store
