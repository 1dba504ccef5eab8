// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/egress_store.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "cluster/store/golden_testing.h"
#include "cluster/store/masters_testing.h"
#include "cluster/store/world_testing.h"
#include "livekit_egress.pb.h"

namespace confab::cluster::store {
namespace {

using testing::Kept;
using testing::kUnknown;
using testing::World;

std::string egress(const std::string& id, const std::string& room, std::int64_t ended = 0) {
    livekit::EgressInfo info;
    info.set_egress_id(id);
    info.set_room_name(room);
    info.set_ended_at(ended);
    return info.SerializeAsString().append(kUnknown);
}

struct Storing {
    explicit Storing(RoomScripts::Form form = RoomScripts::Form::kTogether)
        : port(testing::attach(world, form)), store(*port, world.notices) {}
    Result<bool, Failure> create(const std::string& info) {
        Kept<bool> kept;
        store.create(world.now, info, kept.done());
        world.pass(Duration::millis(10));
        return kept.all->front();
    }
    Result<bool, Failure> update(const std::string& info) {
        Kept<bool> kept;
        store.update(world.now, info, kept.done());
        world.pass(Duration::millis(10));
        return kept.all->front();
    }
    std::size_t listed(const std::string& room) {
        Kept<StoredList> kept;
        store.list(world.now, room, kept.done());
        world.pass(Duration::millis(10));
        return kept.ok() ? kept.value().size() : 999;
    }
    World world;
    std::unique_ptr<redis::Port> port;
    EgressStore store;
};

}  // namespace

TEST_CASE("EgressStore: two write the same egress, the first is kept [RDS-08] [RDS-09]") {
    Storing s;
    CHECK(s.create(egress("EG_1", "r")).value());
    CHECK_FALSE(s.create(egress("EG_1", "other")).value());
    CHECK(s.world.field("egress", "EG_1") == egress("EG_1", "r"));
    CHECK(s.world.server.store().set("egress:room:r")->contains("EG_1"));
    CHECK(s.create(egress("EG_2", "")).value());  // a web egress has no room
    CHECK(s.world.server.store().set("egress:room:") == nullptr);
    Kept<std::string> one;
    Kept<std::string> none;
    Kept<StoredList> all;
    s.store.load(s.world.now, "EG_1", one.done());
    s.store.load(s.world.now, "EG_9", none.done());
    s.store.list(s.world.now, all.done());
    s.world.pass(Duration::millis(10));
    CHECK(one.value() == egress("EG_1", "r"));
    CHECK(none.error() == Failure::Code::kNotFound);
    CHECK(all.value().size() == 2);
}

TEST_CASE("EgressStore: an end is noted for the sweeper [RDS-10]") {
    Storing s;
    CHECK(s.update(egress("EG_1", "a|b")).has_value());
    CHECK(s.world.server.store().hash("ended_egress") == nullptr);
    CHECK(s.update(egress("EG_1", "a|b", 1'795'162'001'000'000'001)).has_value());
    CHECK(s.world.field("ended_egress", "EG_1") == "a|b|1795162001000000001");
    CHECK(s.world.field("egress", "EG_1") == egress("EG_1", "a|b", 1'795'162'001'000'000'001));
}

TEST_CASE("EgressStore: a member of the set without a record is passed over [RDS-24]") {
    Storing s;
    CHECK(s.listed("r") == 0);
    CHECK(s.create(egress("EG_1", "r")).value());
    s.world.run({"SADD", "egress:room:r", "EG_gone"});
    CHECK(s.listed("r") == 1);
    CHECK(s.world.log.empty());
    s.world.run({"HSET", "egress", "EG_gone", "\xff"});
    CHECK(s.listed("r") == 1);
    CHECK(s.world.told(Notice::Kind::kGarbage) == 1);
    s.world.run({"DEL", "egress:room:r"});
    s.world.run({"SET", "egress:room:r", "text"});
    CHECK(s.listed("r") == 999);
}

TEST_CASE("EgressStore: what is no egress is not written; outages are failures") {
    Storing s;
    CHECK(s.create("\xff").error().code == Failure::Code::kInvalid);
    CHECK(s.create("").error().code == Failure::Code::kInvalid);
    CHECK(s.update(egress("EG_1", std::string(kMaxRecord, 'r'))).error().code ==
          Failure::Code::kTooLarge);
    CHECK(s.world.writes() == 0);
    s.world.server.stop(s.world.now);
    CHECK(s.create(egress("EG_1", "r")).error().code == Failure::Code::kUnavailable);
    CHECK(s.listed("r") == 999);
}

TEST_CASE("EgressStore: without what leads to it a record is not written, and then is [RDS-09]") {
    for (const auto fault : {testing::Masters::Fault::kLost, testing::Masters::Fault::kUnheard}) {
        Storing s(RoomScripts::Form::kApart);
        auto& masters = dynamic_cast<testing::Masters&>(*s.port);
        masters.fail_after(0, fault);
        CHECK(s.create(egress("EG_1", "r")).error().code == Failure::Code::kUnavailable);
        CHECK(s.world.field("egress", "EG_1") == "-");
        CHECK(s.create(egress("EG_1", "r")).value());
        CHECK(s.listed("r") == 1);
        masters.fail_after(0, fault);
        CHECK(s.update(egress("EG_1", "r", 17)).error().code == Failure::Code::kUnavailable);
        CHECK(s.world.field("egress", "EG_1") == egress("EG_1", "r"));
        CHECK(s.update(egress("EG_1", "r", 17)).has_value());
        CHECK(s.world.field("ended_egress", "EG_1") == "r|17");
        CHECK(s.world.field("egress", "EG_1") == egress("EG_1", "r", 17));
        CHECK(masters.crossed == 0);
    }
}

}  // namespace confab::cluster::store
