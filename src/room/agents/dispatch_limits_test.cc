// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Limits of a room's dispatches, what becomes of jobs that found no place, and agents that move.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "room/agents/dispatch_testing.h"

namespace confab::room {
namespace {

using livekit::JS_FAILED;
using livekit::JS_PENDING;
using livekit::JS_RUNNING;
using livekit::JS_SUCCESS;
using livekit::JT_PARTICIPANT;
using livekit::JT_ROOM;
using testing::Ids;
using testing::States;
using testing::test_join;
using World = testing::AgentWorld;

void move(World& w, const std::string& identity, const std::string& to) {
    livekit::MoveParticipantRequest request;
    request.set_room("r");
    request.set_identity(identity);
    request.set_destination_room(to);
    REQUIRE(w.manager.relocations(w.clock()).move(request));
    w.drain();
}

std::vector<EndAgentJob::Why> why_ended(const World& w) {
    return w.of<EndAgentJob, EndAgentJob::Why>(&EndAgentJob::why);
}

}  // namespace

TEST_CASE("RoomDispatches: so many dispatches and ended jobs [IMM-15]") {
    constexpr int kMost = 1'000;
    World w;
    w.create();
    for (int i = 1; i < kMost; ++i)
        w.dispatch("bot");
    livekit::AgentDispatch wanted;
    wanted.set_room("r");
    const auto refused = w.manager.create_dispatch(w.clock(), wanted);
    CHECK(refused.error().code == ServiceCode::kFailedPrecondition);
    CHECK(w.list().agent_dispatches_size() == kMost);
    World many;
    many.create([](auto& request) {
        for (int i = 0; i <= kMost; ++i)
            request.add_agents();
    });
    CHECK(many.list().agent_dispatches_size() == kMost);

    World w2;
    w2.any(JT_PARTICIPANT);
    w2.create();
    for (std::size_t i = 0; i <= RoomDispatches::kMaxEndedJobs; ++i) {
        w2.join(test_join("r", "p" + std::to_string(i)));
        w2.change(w2.launched().back(), JS_RUNNING);
        w2.change(w2.launched().back(), JS_SUCCESS);
        CHECK(w2.states().size() == std::min(i + 1, RoomDispatches::kMaxEndedJobs));
    }
    CHECK(w2.list().agent_dispatches(0).state().jobs(0).id() == w2.launched()[1].id());
}

TEST_CASE("RoomDispatches: an old job that runs ends beside as many as are listed [IMM-15]") {
    for (const std::size_t ended :
         {RoomDispatches::kMaxEndedJobs - 1, RoomDispatches::kMaxEndedJobs,
          RoomDispatches::kMaxEndedJobs + 1}) {
        CAPTURE(ended);
        World w;
        w.any(JT_PARTICIPANT);
        w.create();
        constexpr int kOld = 20;  // ids are random: some of these come before, some after
        for (std::size_t i = 0; i < kOld + ended; ++i) {
            w.join(test_join("r", "p" + std::to_string(i)));
            w.change(w.launched().back(), JS_RUNNING);
            if (i >= kOld) w.change(w.launched().back(), JS_SUCCESS);
        }
        const std::size_t listed = std::min(ended, RoomDispatches::kMaxEndedJobs);
        CHECK(w.states().size() == listed + kOld);
        SUBCASE("with the dispatch") {
            const std::string id = w.list().agent_dispatches(0).id();
            REQUIRE(w.remove(id));
            CHECK(w.list().agent_dispatches_size() == 0);
        }
        SUBCASE("with the room") {
            livekit::DeleteRoomRequest request;
            request.set_room("r");
            REQUIRE(w.manager.delete_room(w.clock(), request));
            w.drain();
        }
        CHECK(w.ended().size() == kOld);
    }
}

TEST_CASE(
    "RoomDispatches: a job that was given up is made anew while its reason is there [DSP-23]") {
    World w;
    w.any(JT_PARTICIPANT);
    w.create();
    w.join_active("r", "alice");
    const SessionId bob = w.join_active("r", "bob");
    REQUIRE(w.launched().size() == 2);
    for (const livekit::Job& job : w.launched())
        w.give_up(job);
    CHECK(w.states() == States{JS_FAILED, JS_FAILED});
    w.leave(bob);
    w.advance(RoomDispatches::kLaunchAgain - Duration::millis(1));
    CHECK(w.launched().size() == 2);
    w.advance(Duration::millis(1));
    REQUIRE(w.launched().size() == 3);
    CHECK(w.launched()[2].participant().identity() == "alice");
    CHECK(w.states() == States{JS_FAILED, JS_FAILED, JS_PENDING});
    w.advance(RoomDispatches::kLaunchAgain * 3);
    CHECK(w.launched().size() == 3);  // it waits
}

TEST_CASE("RoomDispatches: a job that a worker refused for good is not made anew [DSP-23]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    livekit::Job job = w.launched()[0];
    job.mutable_state()->set_worker_id("AW_x");
    job.mutable_state()->set_status(JS_SUCCESS);
    w.manager.job_changed(w.clock(), job.room().name(), job, false);
    w.drain();
    w.advance(RoomDispatches::kLaunchAgain * 3);
    CHECK(w.launched().size() == 1);
}

TEST_CASE(
    "RoomDispatches: open jobs have a limit, and who found no place gets one later [IMM-15]") {
    World w;
    w.kinds({{JT_ROOM, "bot", "", ""}, {JT_PARTICIPANT, "bot", "", ""}});
    w.create();
    // A hundred rooms' worth: each dispatch has a job for the room and for each who is there.
    constexpr std::size_t kPeople = 110;
    for (std::size_t i = 0; i < kPeople; ++i)
        w.join(test_join("r", "p" + std::to_string(i)));
    std::vector<std::string> ids;
    for (int i = 1; i < 100; ++i)
        ids.push_back(w.dispatch("bot"));
    REQUIRE(w.launched().size() == RoomDispatches::kMaxOpenJobs);
    w.advance(RoomDispatches::kLaunchAgain);
    CHECK(w.launched().size() == RoomDispatches::kMaxOpenJobs);
    REQUIRE(w.remove(ids.front()));
    w.advance(RoomDispatches::kLaunchAgain);
    CHECK(w.launched().size() == RoomDispatches::kMaxOpenJobs + kPeople + 1);
}

TEST_CASE("RoomDispatches: a namespace that comes later has its job as well [DSP-22]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    CHECK(w.launched().size() == 1);
    w.kinds({{JT_ROOM, "", "", ""}, {JT_ROOM, "", "other", ""}});
    REQUIRE(w.launched().size() == 2);
    CHECK(w.launched()[1].namespace_() == "other");
    w.kinds({{JT_ROOM, "", "other", ""}});
    CHECK(w.launched().size() == 2);
}

TEST_CASE(
    "RoomDispatches: who moves has jobs where it is, and none where it was [API-12] [DSP-21]") {
    World w;
    w.any(JT_PARTICIPANT);
    w.create();
    w.join_active("s", "carol");
    w.join_active("r", "alice");
    w.join_active("r", "bob");  // keeps the room
    const std::vector<livekit::Job> before = w.launched();
    REQUIRE(before.size() == 3);
    const auto of_alice = [&](const std::vector<livekit::Job>& jobs) {
        return *std::find_if(jobs.rbegin(), jobs.rend(), [](const livekit::Job& job) {
            return job.participant().identity() == "alice";
        });
    };
    move(w, "alice", "s");
    CHECK(w.ended() == Ids{of_alice(before).id()});
    REQUIRE(w.launched().size() == 4);
    CHECK(of_alice(w.launched()).room().name() == "s");
}

TEST_CASE("RoomDispatches: a moved agent goes on, its job is over where it was [API-12] [DSP-27]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    w.join_active("r", "alice");
    w.join_active("s", "carol");
    const livekit::Job job = w.launched()[0];
    w.run(job);
    move(w, "agent-" + job.id(), "s");
    CHECK(w.states() == States{JS_SUCCESS});
    CHECK(why_ended(w) == std::vector{EndAgentJob::Why::kAgentMoved});
    w.advance(RoomDispatches::kReturnTime);
    livekit::DeleteRoomRequest request;
    request.set_room("r");
    REQUIRE(w.manager.delete_room(w.clock(), request));
    w.drain();
    CHECK(w.ended().size() == 1);  // nothing ends it now
}

}  // namespace confab::room
