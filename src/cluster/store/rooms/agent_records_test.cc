// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/agent_records.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/store/world_testing.h"
#include "livekit_agent.pb.h"
#include "livekit_agent_dispatch.pb.h"

namespace confab::cluster::store {
namespace {

using testing::World;

std::string dispatch(const std::string& id, const std::string& metadata = "") {
    livekit::AgentDispatch one;
    one.set_id(id);
    one.set_metadata(metadata);
    return one.SerializeAsString();
}
std::string job(const std::string& id) {
    livekit::Job one;
    one.set_id(id);
    return one.SerializeAsString();
}

struct Writing {
    Writing()
        : port(world.attach([this](Timestamp at) {
              if (ready) records.handle_up(at);
          })),
          store(*port, world.notices),
          records(store) {
        ready = true;
        world.drive(records);
    }
    std::string dispatch_of(const std::string& id, const std::string& room = "r") {
        return world.field("agent_dispatch:" + room, id);
    }
    std::string job_of(const std::string& id) { return world.field("agent_job:r", id); }
    void put(const std::string& id, const std::string& room = "r",
             const std::string& metadata = "") {
        records.put_dispatch(world.now, room, id, dispatch(id, metadata));
    }

    bool ready = false;
    World world;
    std::unique_ptr<redis::Port> port;
    DispatchStore store;
    AgentRecords records;
};

constexpr Duration kTurn = Duration::millis(10);

}  // namespace

TEST_CASE(
    "AgentRecords: what a room wants and what runs is in Redis while it is so [RDS-18] [RDS-19]") {
    Writing w;
    w.put("AD_1");
    w.put("AD_2");
    w.records.put_job(w.world.now, "r", "AJ_1", job("AJ_1"));
    w.world.pass(kTurn);
    CHECK(w.dispatch_of("AD_1") == dispatch("AD_1"));
    CHECK(w.dispatch_of("AD_2") == dispatch("AD_2"));
    CHECK(w.job_of("AJ_1") == job("AJ_1"));
    w.records.remove_dispatch(w.world.now, "r", "AD_1");
    w.records.remove_job(w.world.now, "r", "AJ_1");
    w.world.pass(kTurn);
    CHECK(w.dispatch_of("AD_1") == "-");
    CHECK(w.dispatch_of("AD_2") != "-");
    CHECK(w.job_of("AJ_1") == "-");
    CHECK(w.records.snapshot().held == 1);
    CHECK(w.records.snapshot().waiting == 0);
}

TEST_CASE("AgentRecords: an outage costs nothing but time, and an empty Redis is filled [RDS-32]") {
    Writing w;
    w.put("AD_1");
    w.put("AD_kept");
    w.put("AD_gone");
    w.world.pass(kTurn);
    w.world.server.stop(w.world.now);
    w.world.pass(Duration::seconds(30));
    for (int i = 0; i < 100; ++i)
        w.put("AD_1", "r", std::to_string(i));
    w.records.remove_dispatch(w.world.now, "r", "AD_gone");
    CHECK(w.records.snapshot().waiting == 2);
    w.world.server.store().clear();
    w.world.server.start(w.world.now);
    w.world.pass(Duration::seconds(60));
    CHECK(w.dispatch_of("AD_1") == dispatch("AD_1", "99"));
    CHECK(w.dispatch_of("AD_kept") == dispatch("AD_kept"));
    CHECK(w.dispatch_of("AD_gone") == "-");
    CHECK(w.records.snapshot().waiting == 0);
}

TEST_CASE("AgentRecords: of a room that is another node's nothing is written any more [NODE-16]") {
    Writing w;
    w.put("AD_1");
    w.put("AD_1", "other");
    w.put("AD_1", "s");
    w.world.pass(kTurn);
    w.world.server.stop(w.world.now);
    w.put("AD_2");
    w.records.remove_dispatch(w.world.now, "r", "AD_1");
    w.records.close("r");
    CHECK(w.records.snapshot().held == 2);
    CHECK(w.records.snapshot().bytes == 2 * dispatch("AD_1").size());
    w.world.server.start(w.world.now);
    const std::array<std::string_view, 4> next = {"HSET", "agent_dispatch:r", "AD_2", "its own"};
    (void)w.world.server.store().run(w.world.now, next);
    w.world.pass(Duration::seconds(60));
    CHECK(w.dispatch_of("AD_1") == dispatch("AD_1"));  // as the next node may want it
    CHECK(w.dispatch_of("AD_2") == "its own");
    CHECK(w.dispatch_of("AD_1", "other") == dispatch("AD_1"));
}

TEST_CASE(
    "AgentRecords: what was on its way when the room went away is not made up for [NODE-16]") {
    Writing w;
    w.world.pass(kTurn);
    w.put("AD_1");
    w.records.close("r");
    w.world.server.stop(w.world.now);
    w.world.pass(Duration::seconds(1));
    CHECK(w.records.snapshot().waiting == 0);
    const std::array<std::string_view, 4> next = {"HSET", "agent_dispatch:r", "AD_1", "its own"};
    (void)w.world.server.store().run(w.world.now, next);
    w.world.server.start(w.world.now);
    w.world.pass(Duration::seconds(60));
    CHECK(w.dispatch_of("AD_1") == "its own");
}

TEST_CASE("AgentRecords: what is no record is not tried again, and so much is held") {
    Writing w;
    w.records.put_job(w.world.now, "r", "AJ_1", "\xff");
    w.world.pass(kTurn);
    CHECK(w.records.snapshot().waiting == 0);
    w.put("AD_1");
    const std::string huge(AgentRecords::kMaxHeld, 'x');
    w.records.put_dispatch(w.world.now, "r", "AD_2", huge);
    CHECK(w.records.snapshot().dropped == 1);
    CHECK(w.records.snapshot().bytes < 1'000);
    for (std::size_t i = 0; i < 3 * AgentRecords::kMaxOnTheWay; ++i)
        w.put("AD_x" + std::to_string(i));
    CHECK(w.records.snapshot().waiting > AgentRecords::kMaxOnTheWay);
    w.world.pass(Duration::seconds(1));
    CHECK(w.records.snapshot().waiting == 0);
    CHECK(w.dispatch_of("AD_x767") != "-");
}

}  // namespace confab::cluster::store
