// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Agents of rooms that another node had, and what a store is told for the next one.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "livekit_internal.pb.h"
#include "room/agents/dispatch_testing.h"

namespace confab::room {
namespace {

using livekit::JS_FAILED;
using livekit::JS_RUNNING;
using livekit::JS_SUCCESS;
using testing::Ids;
using testing::States;

Config stored_too() {
    Config config = testing::listening();
    config.store_listens = true;
    return config;
}

livekit::Job job_of(const std::string& dispatch, livekit::JobStatus status,
                    livekit::JobType type = livekit::JT_ROOM,
                    const std::string& id = "AJ_000000000001") {
    livekit::Job job;
    job.set_id(id);
    job.set_dispatch_id(dispatch);
    job.set_type(type);
    job.mutable_state()->set_status(status);
    job.mutable_state()->set_participant_identity("agent-" + id);
    job.mutable_state()->set_worker_id("AW_x");
    return job;
}

// The same world with a store.
struct World : testing::AgentWorld {
    World() : AgentWorld(stored_too()) {}

    // What the store has by now of the room's agents.
    void apply() {
        for (const Effect& effect : stored) {
            if (const auto* one = std::get_if<StoreDispatch>(&effect))
                dispatches[one->dispatch.id()] = one->dispatch;
            else if (const auto* gone = std::get_if<RemoveDispatch>(&effect))
                dispatches.erase(gone->id);
            else if (const auto* job = std::get_if<StoreJob>(&effect))
                jobs[job->job.id()] = job->job;
            else if (const auto* removed = std::get_if<RemoveJob>(&effect))
                jobs.erase(removed->id);
        }
        seen.insert(seen.end(), stored.begin(), stored.end());
        stored.clear();
    }
    StoredAgents agents() {
        apply();
        StoredAgents all;
        for (const auto& [id, one] : dispatches)
            all.dispatches.push_back(one);
        for (auto [id, one] : jobs) {  // as Redis has them
            one.clear_room();
            all.jobs.push_back(one);
        }
        return all;
    }
    // The room, at another node, with what a store has.
    void adopt(StoredAgents all) {
        livekit::Room room;
        room.set_name("r");
        room.set_sid("RM_aaaabbbbcccc");
        room.set_empty_timeout(3600);
        room.set_creation_time(1'699'999'000);
        livekit::RoomInternal internal;
        internal.add_agent_dispatches()->set_agent_name("of old");
        REQUIRE(manager.adopt(clock(), room, internal.SerializeAsString(), std::move(all)));
        drain();
    }
    Ids names() {
        Ids result;
        const livekit::ListAgentDispatchResponse all = list();
        for (const livekit::AgentDispatch& one : all.agent_dispatches())
            result.push_back(one.agent_name());
        std::sort(result.begin(), result.end());
        return result;
    }
    Ids adopted() const {
        Ids result;
        for (const livekit::Job& job : of<AdoptAgentJob, livekit::Job>(&AdoptAgentJob::job))
            result.push_back(job.id());
        return result;
    }

    // Whom the jobs are for, in their order.
    Ids launched_for() const {
        Ids result;
        for (const livekit::Job& job : launched())
            result.push_back(job.participant().identity());
        return result;
    }
    // Those of two_for().
    void agents_come() {
        for (const char* id : {"AJ_000000000001", "AJ_000000000002"})
            (void)join(agent(job_of("", JS_RUNNING, livekit::JT_ROOM, id)));
    }

    std::map<std::string, livekit::AgentDispatch> dispatches;
    std::map<std::string, livekit::Job> jobs;
    std::vector<Effect> seen;
};

livekit::AgentDispatch wanted(const std::string& id, const std::string& name) {
    livekit::AgentDispatch one;
    one.set_id(id);
    one.set_agent_name(name);
    return one;
}

constexpr const char* kFirst = "AD_000000000001";

AgentKinds for_participants() {
    return {{livekit::JT_PARTICIPANT, "", "", ""}, {livekit::JT_PUBLISHER, "", "", ""}};
}

livekit::Job for_whom(const std::string& identity, livekit::JobStatus status,
                      livekit::JobType type = livekit::JT_PARTICIPANT,
                      const std::string& id = "AJ_000000000001") {
    livekit::Job job = job_of(kFirst, status, type, id);
    job.mutable_participant()->set_identity(identity);
    return job;
}

// Of one dispatch, for a participant and for its tracks: both run.
StoredAgents two_for(const std::string& identity) {
    return {{wanted(kFirst, "")},
            {for_whom(identity, JS_RUNNING),
             for_whom(identity, JS_RUNNING, livekit::JT_PUBLISHER, "AJ_000000000002")}};
}

}  // namespace

TEST_CASE(
    "RoomDispatches: a store is told of each dispatch, and of jobs that began [RDS-18] [RDS-19]") {
    World w;
    w.any(livekit::JT_ROOM);
    w.create();
    w.apply();
    REQUIRE(w.dispatches.size() == 1);  // the one for workers without a name
    CHECK(w.dispatches.begin()->second.room() == "r");
    CHECK(w.dispatches.begin()->second.state().created_at() > 0);
    CHECK(w.jobs.empty());  // nobody has it yet
    w.stored = w.seen;
    const livekit::Job job = w.launched().at(0);
    w.stored.clear();
    const SessionId agent = w.run(job);
    w.apply();
    REQUIRE(w.jobs.contains(job.id()));
    CHECK(w.jobs[job.id()].state().status() == JS_RUNNING);
    const std::string named = w.dispatch("named");
    w.apply();
    CHECK(w.dispatches[named].agent_name() == "named");
    REQUIRE(w.remove(named));
    w.apply();
    CHECK_FALSE(w.dispatches.contains(named));
    w.leave(agent);
    w.advance(RoomDispatches::kStatusTime);
    w.apply();
    CHECK(w.jobs[job.id()].state().status() == JS_SUCCESS);
    // With its dispatch it goes.
    REQUIRE(w.remove(job.dispatch_id()));
    w.apply();
    CHECK(w.jobs.empty());
}

TEST_CASE(
    "RoomDispatches: that the last one was deleted is kept, until there is one again [RDS-18]") {
    World w;
    w.create();
    w.apply();
    const std::string id = w.dispatches.begin()->first;
    REQUIRE(w.remove(id));
    w.apply();
    REQUIRE(w.dispatches.size() == 1);
    CHECK(w.dispatches[id].state().deleted_at() > 0);
    World next;
    next.adopt(w.agents());
    CHECK(next.names().empty());
    next.apply();
    CHECK(next.dispatches.empty());
    const std::string again = w.dispatch("again");
    w.apply();
    CHECK(w.dispatches.size() == 1);
    CHECK(w.dispatches.contains(again));
}

TEST_CASE("RoomDispatches: those of the API go on with their room at its next node [DSP-29]") {
    World w;
    w.create();
    const std::string made = w.dispatch("of the API");
    World next;
    next.kinds({{livekit::JT_ROOM, "of the API", "", ""}});
    next.adopt(w.agents());
    CHECK(next.names() == Ids{"", "of the API"});
    CHECK(next.list(made).agent_dispatches(0).state().created_at() ==
          w.list(made).agent_dispatches(0).state().created_at());
    REQUIRE(next.launched().size() == 1);
    CHECK(next.launched()[0].metadata() == "md");
    next.apply();
    CHECK(next.dispatches.size() == 2);
    // A node that kept none, as others do: those the room was made with.
    World other;
    other.adopt({});
    CHECK(other.names() == Ids{"of old"});
}

TEST_CASE(
    "RoomDispatches: an agent that comes along keeps its job, and no other one is started "
    "[DSP-29]") {
    World w;
    w.any(livekit::JT_ROOM);
    w.adopt({{wanted(kFirst, "")}, {job_of(kFirst, JS_RUNNING)}});
    CHECK(w.launched().empty());
    CHECK(w.adopted() == Ids{"AJ_000000000001"});
    CHECK(w.of<AdoptAgentJob, livekit::Job>(&AdoptAgentJob::job)[0].room().name() == "r");
    CHECK(w.states() == States{JS_RUNNING});
    const SessionId agent = w.join(w.agent(job_of(kFirst, JS_RUNNING)));
    w.advance(RoomDispatches::kArrivalTime * 2);
    CHECK(w.launched().empty());
    CHECK(w.ended().empty());
    w.leave(agent);
    w.advance(RoomDispatches::kStatusTime);
    CHECK(w.states() == States{JS_SUCCESS});
    CHECK(w.ended() == Ids{"AJ_000000000001"});
}

TEST_CASE("RoomDispatches: for an agent that does not come another one is started [DSP-29]") {
    World w;
    w.any(livekit::JT_ROOM);
    w.adopt({{wanted(kFirst, "")}, {job_of(kFirst, JS_RUNNING)}});
    w.advance(RoomDispatches::kArrivalTime - Duration::millis(1));
    CHECK(w.launched().empty());
    w.advance(Duration::millis(1) + RoomDispatches::kFirstRestart);
    CHECK(w.launched().size() == 1);
    CHECK(w.ended() == Ids{"AJ_000000000001"});
}

TEST_CASE(
    "RoomDispatches: jobs that are over are listed, and one that failed is begun anew [DSP-26] "
    "[DSP-29]") {
    for (const livekit::JobStatus status : {JS_SUCCESS, JS_FAILED}) {
        World w;
        w.any(livekit::JT_ROOM);
        w.adopt({{wanted(kFirst, "")}, {job_of(kFirst, status)}});
        CHECK(w.adopted().empty());
        CHECK(w.launched().size() == (status == JS_FAILED ? 1 : 0));
        CHECK(w.states().front() == status);
    }
}

TEST_CASE("RoomDispatches: a job for nobody, or of no dispatch, is ended [DSP-29]") {
    World w;
    w.adopt({{wanted(kFirst, "")},
             {job_of(kFirst, JS_RUNNING, livekit::JT_PARTICIPANT),  // it does not say for whom
              job_of("AD_000000000009", JS_RUNNING, livekit::JT_ROOM, "AJ_000000000002"),
              job_of(kFirst, JS_RUNNING, livekit::JT_ROOM, "no id")}});
    const Ids both = {"AJ_000000000001", "AJ_000000000002"};
    CHECK(w.adopted() == both);
    CHECK(w.ended() == both);
    CHECK(w.states().empty());
    w.jobs["AJ_000000000001"];
    w.apply();
    CHECK(w.jobs.empty());
}

TEST_CASE("RoomDispatches: nonsense of a store is passed over, and so many are taken [DSP-29]") {
    World w;
    StoredAgents all;
    livekit::AgentDispatch spaced = wanted("AD_000000000002", "x");
    spaced.set_deployment("a b");
    all.dispatches = {wanted("no id", "x"), spaced};
    for (std::size_t i = 0; i <= RoomDispatches::kMaxDispatches; ++i) {
        std::string id = std::to_string(100'000'000'000 + i);
        all.dispatches.push_back(wanted("AD_" + id, "y"));
        all.dispatches.push_back(wanted("AD_" + id, "y"));
    }
    w.adopt(std::move(all));
    CHECK(w.names().size() == RoomDispatches::kMaxDispatches);
    CHECK(w.names().front() == "y");
}

TEST_CASE(
    "RoomDispatches: an agent keeps its job for a participant that comes along, whoever comes "
    "first [DSP-21] [DSP-29] [RDS-19]") {
    for (const bool agent_first : {true, false}) {
        World w;
        w.kinds(for_participants());
        w.adopt(two_for("alice"));
        CHECK(w.adopted() == Ids{"AJ_000000000001", "AJ_000000000002"});
        if (agent_first) w.agents_come();
        const SessionId alice = w.join(testing::test_join("r", "alice"));
        if (!agent_first) w.agents_come();
        CHECK(w.launched().empty());
        const std::string sid = w.list().agent_dispatches(0).state().jobs(0).participant().sid();
        CHECK(sid.starts_with("PA_"));
        w.publish(alice, "mic", false);
        w.advance(RoomDispatches::kArrivalTime * 2);
        CHECK(w.launched().empty());
        CHECK(w.ended().empty());
        CHECK(w.states() == States{JS_RUNNING, JS_RUNNING});
        // A stranger is none of their business, and who comes once more is new.
        (void)w.join(testing::test_join("r", "bob"));
        CHECK(w.launched_for() == Ids{"bob"});
        w.leave(alice);
        (void)w.join(testing::test_join("r", "alice"));
        CHECK(w.launched_for() == Ids{"bob", "alice"});
    }
}

TEST_CASE(
    "RoomDispatches: for a participant whose agent does not come another one is started, and for "
    "one who does not come none [DSP-29]") {
    for (const bool comes : {true, false}) {
        World w;
        w.kinds(for_participants());
        w.adopt(two_for("alice"));
        if (comes) (void)w.join(testing::test_join("r", "alice"));
        w.advance(RoomDispatches::kArrivalTime + RoomDispatches::kFirstRestart * 2);
        CHECK(w.ended() == Ids{"AJ_000000000001", "AJ_000000000002"});
        CHECK(w.launched_for() == (comes ? Ids{"alice", "alice"} : Ids{}));
        if (comes) continue;
        (void)w.join(testing::test_join("r", "alice"));  // a new session, and no old job
        CHECK(w.launched_for() == Ids{"alice"});
    }
}

TEST_CASE(
    "RoomDispatches: a job that was over is no reason not to begin one for who comes [DSP-21] "
    "[DSP-26]") {
    for (const livekit::JobStatus status : {JS_SUCCESS, JS_FAILED}) {
        World w;
        w.kinds(for_participants());
        w.adopt({{wanted(kFirst, "")}, {for_whom("alice", status)}});
        CHECK(w.launched().empty());
        CHECK(w.states() == States{status});
        (void)w.join(testing::test_join("r", "alice"));
        CHECK(w.launched_for() == Ids{"alice"});
    }
}

TEST_CASE(
    "RoomDispatches: a dispatch that is deleted before its participant comes takes its jobs along "
    "[DSP-25] [DSP-29]") {
    World w;
    w.kinds(for_participants());
    w.adopt(two_for("alice"));
    REQUIRE(w.remove(kFirst));
    CHECK(w.ended() == Ids{"AJ_000000000001", "AJ_000000000002"});
    (void)w.join(testing::test_join("r", "alice"));
    CHECK(w.list().agent_dispatches().empty());
}

TEST_CASE(
    "RoomDispatches: a room that moves to another node leaves its jobs to it, and no worker is "
    "told [DSP-29] [OPS-01]") {
    World w;
    w.kinds({{livekit::JT_ROOM, "", "", ""}, {livekit::JT_PARTICIPANT, "", "", ""}});
    w.create();
    (void)w.join(testing::test_join("r", "alice"));
    const auto launched = w.launched();
    REQUIRE(launched.size() == 2);
    for (const livekit::Job& job : launched)
        (void)w.run(job);
    w.apply();
    w.webhooks.clear();
    REQUIRE(hand_over(w.manager, w.clock(), "r", RoomEnd::kMoves));
    w.drain();
    for (const EndAgentJob::Why why : w.of<EndAgentJob, EndAgentJob::Why>(&EndAgentJob::why))
        CHECK(why == EndAgentJob::Why::kAgentMoved);
    CHECK(w.ended().size() == 2);
    const auto told = w.webhook_names();
    CHECK(std::count(told.begin(), told.end(), "agent_job_ended") == 0);
    w.apply();
    CHECK(w.jobs.size() == 2);
    World next;
    next.kinds({{livekit::JT_ROOM, "", "", ""}, {livekit::JT_PARTICIPANT, "", "", ""}});
    next.adopt(w.agents());
    for (const livekit::Job& job : launched)
        (void)next.join(next.agent(job));
    (void)next.join(testing::test_join("r", "alice"));
    next.advance(RoomDispatches::kArrivalTime * 2);
    CHECK(next.launched().empty());
    CHECK(next.states() == States{JS_RUNNING, JS_RUNNING});
}

TEST_CASE(
    "RoomDispatches: what nobody has yet, and whose agent has just left, does not move along "
    "[DSP-27] [DSP-29]") {
    World w;
    w.kinds({{livekit::JT_ROOM, "", "", ""}, {livekit::JT_PARTICIPANT, "", "", ""}});
    w.create();
    const livekit::Job of_room = w.launched().at(0);
    const SessionId agent = w.run(of_room);
    (void)w.join(testing::test_join("r", "alice"));
    const livekit::Job waits = w.launched().at(1);
    w.leave(agent);
    w.apply();
    REQUIRE(hand_over(w.manager, w.clock(), "r", RoomEnd::kMoves));
    w.drain();
    using Why = EndAgentJob::Why;
    std::map<std::string, Why> whys;
    for (const Effect& effect : w.stored)
        if (const auto* end = std::get_if<EndAgentJob>(&effect)) whys[end->job] = end->why;
    CHECK(whys == std::map<std::string, Why>{{of_room.id(), Why::kAgentLeft},
                                             {waits.id(), Why::kUnwanted}});
    w.apply();
    CHECK(w.jobs.size() == 1);
    CHECK(w.jobs[of_room.id()].state().status() == JS_SUCCESS);
}

TEST_CASE(
    "RoomDispatches: a room of which another node has one too leaves its dispatches, without jobs "
    "[DSP-29]") {
    World w;
    w.any(livekit::JT_ROOM);
    w.create();
    const livekit::Job job = w.launched().at(0);
    (void)w.run(job);
    w.apply();
    CHECK(w.jobs.size() == 1);
    REQUIRE(hand_over(w.manager, w.clock(), "r", RoomEnd::kCopy));
    w.drain();
    CHECK(w.ended() == Ids{job.id()});
    w.apply();
    CHECK(w.jobs.empty());
    CHECK(w.dispatches.size() == 1);
}

}  // namespace confab::room
