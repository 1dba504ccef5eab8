// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/dispatch_store.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "cluster/store/golden_testing.h"
#include "cluster/store/world_testing.h"
#include "livekit_agent.pb.h"
#include "livekit_agent_dispatch.pb.h"

namespace confab::cluster::store {
namespace {

using testing::golden;
using testing::Kept;
using testing::kUnknown;
using testing::World;

struct Storing {
    Storing() : port(world.attach()), store(*port, world.notices) {}
    World world;
    std::unique_ptr<redis::Port> port;
    DispatchStore store;
};

constexpr Duration kTurn = Duration::millis(10);
const std::string kRoom = "gold room-1";
const std::string kDispatch = "AD_6hpH2PPdBcZG";
const std::string kJob = "AJ_yeFE7WaZySEi";

}  // namespace

TEST_CASE("DispatchStore: a dispatch is stored without its jobs, as upstream has it [RDS-18]") {
    Storing s;
    const std::string plain = golden<livekit::AgentDispatch>(testing::kDispatchJson);
    livekit::AgentDispatch dispatch;
    REQUIRE(dispatch.ParseFromString(plain));
    dispatch.mutable_state()->add_jobs()->set_id("AJ_1");
    Kept<bool> kept;
    s.store.put_dispatch(s.world.now, kRoom, dispatch.SerializeAsString(), kept.done());
    s.world.pass(kTurn);
    CHECK(kept.value());
    CHECK(s.world.field("agent_dispatch:" + kRoom, kDispatch) == plain);
    Kept<StoredList> all;
    s.store.dispatches(s.world.now, kRoom, all.done());
    s.world.pass(kTurn);
    REQUIRE(all.value().size() == 1);
    CHECK(all.value()[0].bytes == plain);
    Kept<bool> gone;
    s.store.remove_dispatch(s.world.now, kRoom, kDispatch, gone.done());
    s.world.pass(kTurn);
    CHECK(gone.value());
    CHECK(s.world.server.store().keys().empty());
}

TEST_CASE("DispatchStore: a job is stored without its room, its participant by name [RDS-19]") {
    Storing s;
    livekit::Job job;
    REQUIRE(job.ParseFromString(golden<livekit::Job>(testing::kJobJson)));
    job.mutable_room()->set_name(kRoom);
    job.mutable_participant()->set_identity("alice");
    job.mutable_participant()->set_metadata("secret");
    Kept<bool> kept;
    s.store.put_job(s.world.now, kRoom, job.SerializeAsString(), kept.done());
    Kept<StoredList> all;
    s.store.jobs(s.world.now, kRoom, all.done());
    s.world.pass(kTurn);
    REQUIRE(all.value().size() == 1);
    livekit::Job stored;
    REQUIRE(stored.ParseFromString(all.value()[0].bytes));
    CHECK_FALSE(stored.has_room());
    CHECK(stored.participant().identity() == "alice");
    CHECK(stored.participant().metadata().empty());
    CHECK(stored.state().worker_id() == "AW_ocriF8ocgZ2X");
    CHECK(all.value()[0].bytes.find(kUnknown) != std::string::npos);
    // One without a participant gets none.
    const std::string plain = golden<livekit::Job>(testing::kJobJson);
    Kept<bool> again;
    s.store.put_job(s.world.now, kRoom, plain, again.done());
    s.world.pass(kTurn);
    CHECK(s.world.field("agent_job:" + kRoom, kJob) == plain);
    Kept<bool> gone;
    s.store.remove_job(s.world.now, kRoom, kJob, gone.done());
    s.world.pass(kTurn);
    CHECK(gone.value());
}

TEST_CASE(
    "DispatchStore: what is none is not written, garbage is passed over, outages are failures") {
    Storing s;
    Kept<bool> a;
    Kept<bool> b;
    Kept<bool> c;
    s.store.put_dispatch(s.world.now, kRoom, "\xff", a.done());
    s.store.put_job(s.world.now, kRoom, "", b.done());
    livekit::Job large;
    large.set_id("AJ_1");
    large.set_metadata(std::string(kMaxRecord, 'x'));
    s.store.put_job(s.world.now, kRoom, large.SerializeAsString(), c.done());
    CHECK(a.error() == Failure::Code::kInvalid);
    CHECK(b.error() == Failure::Code::kInvalid);
    CHECK(c.error() == Failure::Code::kTooLarge);
    s.world.run({"HSET", "agent_job:" + kRoom, "AJ_bad", "\xff"});
    Kept<StoredList> jobs;
    s.store.jobs(s.world.now, kRoom, jobs.done());
    s.world.pass(kTurn);
    CHECK(jobs.value().empty());
    CHECK(s.world.told(Notice::Kind::kGarbage) == 1);
    s.world.server.hang(s.world.now);
    Kept<StoredList> silent;
    s.store.dispatches(s.world.now, kRoom, silent.done());
    s.world.pass(Duration::seconds(6));
    CHECK(silent.error() == Failure::Code::kUnavailable);
}

}  // namespace confab::cluster::store
