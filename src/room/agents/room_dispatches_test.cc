// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Dispatches and jobs of rooms, through RoomManager: a harness that answers for the workers.
#include "room/agents/room_dispatches.h"

#include <doctest/doctest.h>

#include <functional>
#include <optional>
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
using livekit::JT_PUBLISHER;
using livekit::JT_ROOM;
using testing::Harness;
using testing::Ids;
using testing::listening;
using testing::States;
using testing::test_join;
using World = testing::AgentWorld;
using R = livekit::SignalResponse;

}  // namespace

TEST_CASE(
    "RoomDispatches: the id that another node gave is kept, and makes one dispatch [RPC-05]") {
    World w;
    w.create();
    livekit::AgentDispatch wanted;
    wanted.set_room("r");
    wanted.set_agent_name("named");
    wanted.set_id("AD_abcdefghijkl");
    for (int attempt = 0; attempt < 2; ++attempt) {
        const auto made = w.manager.create_dispatch(w.clock(), wanted);
        REQUIRE(made);
        CHECK(made->id() == "AD_abcdefghijkl");
        CHECK(w.list().agent_dispatches_size() == 2);
    }
    for (const char* bad :
         {"", "AD_", "TR_abcdefghijkl", "AD_abc/efghijkl", "AD_abcdefghijklmnopq"}) {
        wanted.set_id(bad);
        const auto made = w.manager.create_dispatch(w.clock(), wanted);
        REQUIRE(made);
        CHECK(made->id() != bad);
        CHECK(made->id().starts_with("AD_"));
        CHECK(made->id().size() == 15);
    }
}

TEST_CASE("RoomDispatches: a room wants every worker without a name [DSP-20] [ROOM-11]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    REQUIRE(w.launched().size() == 1);
    const livekit::Job job = w.launched()[0];
    CHECK(job.type() == JT_ROOM);
    CHECK(job.room().name() == "r");
    CHECK(job.room().sid().starts_with("RM_"));
    CHECK(job.room().turn_password().empty());
    CHECK(job.enable_recording());
    CHECK_FALSE(job.enable_redaction());
    CHECK_FALSE(job.has_participant());
    const auto listed = w.list();
    REQUIRE(listed.agent_dispatches_size() == 1);
    const livekit::AgentDispatch& one = listed.agent_dispatches(0);
    CHECK(one.id() == job.dispatch_id());
    CHECK(one.agent_name().empty());
    CHECK(one.room() == "r");
    CHECK(one.state().created_at() == w.clock().wall.us() * 1000);
    CHECK(w.states() == States{JS_PENDING});
    w.join_active("r", "alice");
    CHECK(w.launched().size() == 1);
}

TEST_CASE("RoomDispatches: what is asked for by name is all there is [DSP-20] [DSP-32]") {
    World w;
    w.kinds({{JT_ROOM, "", "", ""}, {JT_ROOM, "bot", "", ""}, {JT_ROOM, "bot", "", "blue"}});
    w.create([](auto& request) {
        auto& bot = *request.add_agents();
        bot.set_agent_name("bot");
        bot.set_metadata("md");
        (*bot.mutable_attributes())["a"] = "b";
        bot.set_restart_policy(livekit::JRP_NEVER);
        request.add_agents()->set_deployment("a_b");
    });
    REQUIRE(w.launched().size() == 1);
    CHECK(w.launched()[0].agent_name() == "bot");
    CHECK(w.launched()[0].metadata() == "md");
    CHECK(w.launched()[0].attributes().at("a") == "b");
    CHECK(w.launched()[0].deployment().empty());
    CHECK(w.list().agent_dispatches_size() == 1);
    CHECK(w.list().agent_dispatches(0).restart_policy() == livekit::JRP_NEVER);
}

TEST_CASE("RoomDispatches: a list of nothing but nonsense is no automatic one [DSP-20]") {
    World w;
    w.any(JT_ROOM);
    w.create([](auto& request) { request.add_agents()->set_deployment("a b"); });
    CHECK(w.launched().empty());
    CHECK(w.list().agent_dispatches_size() == 0);
}

TEST_CASE("RoomDispatches: the token that makes the room says its agents, or a preset [DSP-20]") {
    World w;
    w.kinds({{JT_ROOM, "bot", "", ""}});
    JoinParams params = test_join("r", "alice");
    params.grants.room_config.emplace().add_agents()->set_agent_name("bot");
    w.join(params);
    CHECK(w.launched().size() == 1);
    params.grants.identity = "bob";
    params.grants.room_config->add_agents();
    w.join(params);
    CHECK(w.list().agent_dispatches_size() == 1);

    Config config = listening();
    config.room.presets["p"].add_agents()->set_agent_name("of the preset");
    Harness h(config);
    const auto names = [&](const char* room, const char* own) {
        livekit::CreateRoomRequest request;
        request.set_name(room);
        request.set_room_preset("p");
        if (own != nullptr) request.add_agents()->set_agent_name(own);
        REQUIRE(h.manager.create_room(h.clock(), request));
        livekit::ListAgentDispatchRequest ask;
        ask.set_room(room);
        const auto listed = h.manager.list_dispatch(h.clock(), ask).value();
        REQUIRE(listed.agent_dispatches_size() == 1);
        return listed.agent_dispatches(0).agent_name();
    };
    CHECK(names("a", nullptr) == "of the preset");
    CHECK(names("b", "own") == "own");
}

TEST_CASE("RoomDispatches: a job for each participant and publisher, once [DSP-21] [DSP-12]") {
    World w;
    w.kinds({{JT_PARTICIPANT, "", "", ""}, {JT_PUBLISHER, "", "", ""}});
    w.create();
    CHECK(w.launched().empty());
    const SessionId alice = w.join_active("r", "alice");
    REQUIRE(w.launched().size() == 1);
    CHECK(w.launched()[0].type() == JT_PARTICIPANT);
    CHECK(w.launched()[0].participant().identity() == "alice");
    w.publish(alice, "mic", false);
    w.publish(alice, "cam", true);
    REQUIRE(w.launched().size() == 2);
    CHECK(w.launched()[1].type() == JT_PUBLISHER);
    CHECK(w.launched()[1].participant().tracks_size() == 1);
    w.join(w.agent(w.launched()[0]));
    JoinParams recorder = test_join("r", "recorder");
    recorder.grants.kind = livekit::ParticipantInfo::EGRESS;
    w.join(recorder);
    CHECK(w.launched().size() == 2);
    JoinParams phone = test_join("r", "phone");
    phone.grants.kind = livekit::ParticipantInfo::SIP;
    w.join(phone);
    JoinParams ghost = test_join("r", "ghost");
    ghost.grants.video->hidden = true;
    w.join(ghost);
    CHECK(w.launched().size() == 4);
    w.join_active("r", "alice");  // a new session counts as new
    CHECK(w.launched().size() == 5);
}

TEST_CASE("RoomDispatches: workers that come later get what is there [DSP-23] [DSP-21]") {
    World w;
    const SessionId alice = w.join_active("r", "alice");
    w.publish(alice, "mic", false);
    CHECK(w.launched().empty());
    CHECK(w.states().empty());
    w.kinds({{JT_ROOM, "", "", ""}, {JT_PARTICIPANT, "", "", ""}, {JT_PUBLISHER, "", "", ""}});
    REQUIRE(w.launched().size() == 3);
    w.kinds({{JT_ROOM, "", "", ""}, {JT_ROOM, "bot", "", ""}, {JT_PUBLISHER, "bot", "", ""}});
    CHECK(w.launched().size() == 3);
    w.dispatch("bot");
    CHECK(w.launched().size() == 5);
    CHECK(w.launched()[4].participant().identity() == "alice");
}

TEST_CASE("RoomDispatches: a job for each namespace [DSP-22]") {
    World w;
    w.kinds({{JT_ROOM, "", "", ""}, {JT_ROOM, "", "n", ""}, {JT_ROOM, "", "n", "blue"}});
    w.create();
    REQUIRE(w.launched().size() == 2);
    CHECK(w.launched()[0].namespace_().empty());
    CHECK(w.launched()[1].namespace_() == "n");
    CHECK(w.launched()[0].id() != w.launched()[1].id());
}

TEST_CASE("RoomDispatches: a kind whose deployment nobody names is asked for any [RPC-06]") {
    World w;
    w.kinds({{JT_ROOM, "bot", "", "_"}});
    w.create([](auto& request) {
        for (const char* deployment : {"", "blue"}) {
            livekit::RoomAgentDispatch& one = *request.add_agents();
            one.set_agent_name("bot");
            one.set_deployment(deployment);
        }
        request.add_agents()->set_agent_name("other");
    });
    REQUIRE(w.launched().size() == 2);
    CHECK(w.launched()[0].deployment().empty());
    CHECK(w.launched()[1].deployment() == "blue");
    w.kinds({{JT_ROOM, "bot", "", "_"}, {JT_ROOM, "bot", "", "blue"}, {JT_ROOM, "bot", "", ""}});
    CHECK(w.launched().size() == 2);  // once
}

TEST_CASE("RoomDispatches: jobs that nobody took yet go with who they were for [DSP-21]") {
    World w;
    w.any(JT_PARTICIPANT);
    const SessionId alice = w.join_active("r", "alice");
    const SessionId bob = w.join_active("r", "bob");
    w.change(w.launched()[1], JS_RUNNING);
    w.leave(alice);
    CHECK(w.ended() == Ids{w.launched()[0].id()});
    w.leave(bob);
    CHECK(w.ended().size() == 1);
    CHECK(w.states() == States{JS_RUNNING});
    w.change(w.launched()[0], JS_RUNNING);  // somebody took it in the last moment
    CHECK(w.ended() == Ids{w.launched()[0].id(), w.launched()[0].id()});
}

TEST_CASE("RoomDispatches: a job's way is listed and told by webhook [DSP-26] [DSP-30] [HOOK-01]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    const livekit::Job job = w.launched()[0];
    w.change(job, JS_RUNNING);
    livekit::Job listed = w.list().agent_dispatches(0).state().jobs(0);
    CHECK(listed.state().status() == JS_RUNNING);
    CHECK(listed.state().worker_id() == "AW_x");
    w.change(job, JS_SUCCESS);
    listed = w.list().agent_dispatches(0).state().jobs(0);
    CHECK(listed.state().status() == JS_SUCCESS);
    CHECK(listed.state().ended_at() > 0);
    CHECK(w.webhook_names() == Ids{"room_started", "agent_job_started", "agent_job_ended"});
    CHECK(w.webhooks[1].job().id() == job.id());
    CHECK(w.webhooks[1].room().name() == "r");
    CHECK(w.webhooks[2].job().state().status() == JS_SUCCESS);
    w.change(job, JS_FAILED);  // it is over
    CHECK(w.states() == States{JS_SUCCESS});
}

TEST_CASE("RoomDispatches: how the agent left says how its job ended [DSP-27]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    w.join_active("r", "alice");
    const livekit::Job job = w.launched()[0];
    SUBCASE("it took its leave") {
        const SessionId session = w.run(job);
        w.leave(session);
        w.advance(RoomDispatches::kStatusTime - Duration::millis(1));
        CHECK(w.states() == States{JS_RUNNING});
        CHECK(w.ended().empty());
        w.advance(Duration::millis(1));
        CHECK(w.states() == States{JS_SUCCESS});
        CHECK(w.ended() == Ids{job.id()});
    }
    SUBCASE("it says that it failed") {
        w.leave(w.run(job), livekit::AGENT_ERROR);
        w.advance(RoomDispatches::kStatusTime - Duration::millis(1));
        CHECK(w.states() == States{JS_RUNNING});
        w.advance(Duration::millis(1));
        CHECK(w.states() == States{JS_FAILED});
        w.advance(RoomDispatches::kFirstRestart);
        CHECK(w.states() == States{JS_FAILED, JS_PENDING});
    }
    SUBCASE("it was removed") {
        w.run(job);
        livekit::RoomParticipantIdentity request;
        request.set_room("r");
        request.set_identity("agent-" + job.id());
        REQUIRE(w.manager.remove_participant(w.clock(), request));
        w.drain();
        CHECK(w.states() == States{JS_SUCCESS});
        CHECK(w.ended() == Ids{job.id()});
        CHECK(w.of<EndAgentJob, EndAgentJob::Why>(&EndAgentJob::why) ==
              std::vector{EndAgentJob::Why::kUnwanted});  // also while its worker is away
        w.advance(RoomDispatches::kReturnTime);
        CHECK(w.ended().size() == 1);
    }
    SUBCASE("its worker says so before") {
        w.leave(w.run(job));
        w.change(job, JS_SUCCESS);
        w.advance(RoomDispatches::kReturnTime);
        CHECK(w.states() == States{JS_SUCCESS});
        CHECK(w.ended().empty());
    }
    SUBCASE("its connection was lost") {
        w.run_and_lose(job);
        w.advance(RoomDispatches::kReturnTime - Duration::millis(1));
        CHECK(w.states() == States{JS_RUNNING});
        w.advance(Duration::millis(1));
        CHECK(w.states() == States{JS_FAILED});
        CHECK(w.list().agent_dispatches(0).state().jobs(0).state().error() ==
              "agent worker left the room");
    }
    SUBCASE("it is back in time") {
        w.run_and_lose(job);
        w.advance(RoomDispatches::kReturnTime - Duration::millis(1));
        w.join(w.agent(job));
        w.advance(RoomDispatches::kReturnTime);
        CHECK(w.states() == States{JS_RUNNING});
        CHECK(w.ended().empty());
    }
    SUBCASE("another session took over") {
        w.run(job);
        const SessionId second = w.join(w.agent(job));
        w.advance(RoomDispatches::kReturnTime * 2);
        CHECK(w.states() == States{JS_RUNNING});
        w.leave(second);
        w.advance(RoomDispatches::kStatusTime);
        CHECK(w.states() == States{JS_SUCCESS});
    }
    SUBCASE("somebody of its name who is no agent left") {
        w.change(job, JS_RUNNING);
        const SessionId other = w.join(test_join("r", "agent-" + job.id()));
        w.leave(other);
        w.advance(RoomDispatches::kReturnTime);
        CHECK(w.states() == States{JS_RUNNING});
    }
}

TEST_CASE(
    "RoomDispatches: an agent that is loaded anew has longer to come back [WRK-10] [DSP-27]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    const livekit::Job job = w.launched()[0];
    const SessionId session = w.run(job);
    const auto end_times = [&](Duration time) {
        w.advance(time - Duration::millis(1));
        CHECK(w.states() == States{JS_RUNNING});
        CHECK(w.ended().empty());
        w.advance(Duration::millis(1));
        CHECK(w.states() == States{JS_SUCCESS});
        CHECK(w.ended() == Ids{job.id()});
    };
    SUBCASE("its worker went before it") {
        w.hold(job, "");
        w.leave(session);
        end_times(RoomDispatches::kReloadTime);
    }
    SUBCASE("another worker took it over, again and again") {
        w.leave(session);
        w.hold(job, "AW_y");
        w.advance(RoomDispatches::kStatusTime);
        w.hold(job, "AW_z");
        CHECK(w.list().agent_dispatches(0).state().jobs(0).state().worker_id() == "AW_z");
        w.advance(RoomDispatches::kStatusTime);
        w.hold(job, "AW_y");
        w.advance(RoomDispatches::kReloadTime - RoomDispatches::kStatusTime * 2);
        CHECK(w.states() == States{JS_SUCCESS});
    }
    SUBCASE("another worker took it over, and went too") {
        w.leave(session);
        w.hold(job, "AW_y");
        w.hold(job, "");
        end_times(RoomDispatches::kReloadTime);
    }
    SUBCASE("it is back, and leaves once more") {
        w.hold(job, "");
        w.leave(session);
        w.hold(job, "AW_y");
        w.advance(RoomDispatches::kReloadTime - Duration::millis(1));
        const SessionId second = w.join(w.agent(job));
        w.advance(RoomDispatches::kReloadTime);
        CHECK(w.states() == States{JS_RUNNING});
        w.leave(second);
        end_times(RoomDispatches::kStatusTime);
    }
    SUBCASE("its new worker says how it ended") {
        w.leave(session);
        w.hold(job, "AW_y");
        w.advance(RoomDispatches::kStatusTime * 2);
        w.change(job, JS_SUCCESS);
        CHECK(w.states() == States{JS_SUCCESS});
        CHECK(w.ended().empty());
    }
}

TEST_CASE("RoomDispatches: a worker that ends behind its agent ends the job at once [DSP-27]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    w.join_active("r", "alice");
    const livekit::Job job = w.launched()[0];
    SUBCASE("which took its leave") {
        w.leave(w.run(job));
        w.advance(Duration::millis(1));
        CHECK(w.states() == States{JS_RUNNING});
        w.hold(job, "");
        CHECK(w.states() == States{JS_SUCCESS});
        CHECK(w.webhook_names().back() == "agent_job_ended");
        CHECK(w.ended() == Ids{job.id()});
        w.advance(RoomDispatches::kReloadTime * 2);
        CHECK(w.states() == States{JS_SUCCESS});
        CHECK(w.ended() == Ids{job.id()});
    }
    SUBCASE("but not where it was lost") {
        w.run_and_lose(job);
        w.hold(job, "");
        CHECK(w.states() == States{JS_RUNNING});
        w.advance(RoomDispatches::kReturnTime);
        CHECK(w.states() == States{JS_FAILED});
    }
    SUBCASE("but not where it is there, or back") {
        const SessionId session = w.run(job);
        SUBCASE("there") {}
        SUBCASE("back") {
            w.leave(session);
            (void)w.join(w.agent(job));
        }
        w.hold(job, "");
        w.advance(RoomDispatches::kReloadTime * 2);
        CHECK(w.states() == States{JS_RUNNING});
        CHECK(w.ended().empty());
    }
}

TEST_CASE("RoomDispatches: who failed is not waited for because its worker is away [DSP-27]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    w.join_active("r", "alice");
    const livekit::Job job = w.launched()[0];
    SUBCASE("it said so") {
        const SessionId session = w.run(job);
        w.hold(job, "");
        w.leave(session, livekit::AGENT_ERROR);
        w.advance(RoomDispatches::kStatusTime);
    }
    SUBCASE("it was lost") {
        w.run_and_lose(job);
        w.hold(job, "");
        w.advance(RoomDispatches::kReturnTime);
    }
    CHECK(w.states() == States{JS_FAILED});
}

TEST_CASE("RoomDispatches: a lost worker is no lost agent [WRK-10] [DSP-27]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    const livekit::Job job = w.launched()[0];
    SUBCASE("the agent is there") {
        w.run(job);
        w.change(job, JS_FAILED, true);
        CHECK(w.states() == States{JS_RUNNING});
    }
    SUBCASE("it never came") {
        w.change(job, JS_RUNNING);
        w.change(job, JS_FAILED, true);
        CHECK(w.states() == States{JS_FAILED});
    }
}

TEST_CASE("RoomDispatches: a job that failed is started again, five times [DSP-28]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    std::int64_t pause = RoomDispatches::kFirstRestart.us();
    for (std::size_t i = 0; i < RoomDispatches::kMaxRestarts; ++i) {
        REQUIRE(w.launched().size() == i + 1);
        w.change(w.launched().back(), JS_RUNNING);
        w.change(w.launched().back(), JS_FAILED);
        w.advance(Duration::micros(pause - 1));
        CHECK(w.launched().size() == i + 1);
        w.advance(Duration::micros(1));
        CHECK(w.launched().size() == i + 2);
        CHECK(w.launched()[i].id() != w.launched()[i + 1].id());
        pause *= 2;
    }
    w.change(w.launched().back(), JS_RUNNING);
    w.change(w.launched().back(), JS_FAILED);
    w.advance(Duration::seconds(120));
    CHECK(w.launched().size() == RoomDispatches::kMaxRestarts + 1);
}

TEST_CASE("RoomDispatches: what is not started again [DSP-28]") {
    World w;
    w.kinds({{JT_ROOM, "bot", "", ""}, {JT_PARTICIPANT, "bot", "", ""}});
    w.create([](auto& request) { request.add_agents()->set_agent_name("nobody"); });
    const SessionId alice = w.join_active("r", "alice");
    const std::string never = w.dispatch("bot", livekit::JRP_NEVER);
    for (const livekit::Job& job : w.launched()) {
        w.change(job, JS_RUNNING);
        w.change(job, JS_FAILED);
    }
    w.advance(Duration::seconds(5));
    CHECK(w.launched().size() == 2);
    // Its participant is gone.
    w.dispatch("bot");
    REQUIRE(w.launched().size() == 4);
    w.give_up(w.launched()[2]);  // nobody took it in time: that is no failure of an agent
    const livekit::Job of_alice = w.launched()[3];
    REQUIRE(of_alice.type() == JT_PARTICIPANT);
    w.change(of_alice, JS_RUNNING);
    w.change(of_alice, JS_FAILED);
    w.leave(alice);
    w.advance(Duration::seconds(5));
    CHECK(w.launched().size() == 4);
}

TEST_CASE("RoomDispatches: a deleted dispatch takes its jobs and agents along [DSP-25]") {
    World w;
    w.kinds({{JT_ROOM, "bot", "", ""}, {JT_PARTICIPANT, "bot", "", ""}});
    w.join_active("r", "alice");
    const std::string id = w.dispatch("bot");
    REQUIRE(w.launched().size() == 2);
    const SessionId agent = w.run(w.launched()[0]);
    const auto removed = w.remove(id);
    REQUIRE(removed);
    CHECK(removed->id() == id);
    CHECK(removed->metadata() == "md");
    CHECK(removed->state().deleted_at() == w.clock().wall.us() * 1000);
    CHECK(removed->state().jobs_size() == 2);
    CHECK(w.ended().size() == 2);
    CHECK(w.list(id).agent_dispatches_size() == 0);
    CHECK(w.list().agent_dispatches_size() == 1);
    CHECK(w.remove(id).error().text == "dispatch ID not found");
    CHECK(w.webhook_names().back() == "agent_job_ended");
    w.advance(RoomDispatches::kLeaveTime - Duration::millis(1));
    CHECK(w.count(agent, R::kLeave) == 0);
    w.advance(Duration::millis(1));
    REQUIRE(w.count(agent, R::kLeave) == 1);
    CHECK(w.of(agent, R::kLeave)[0].leave().reason() == livekit::PARTICIPANT_REMOVED);
    w.advance(Duration::seconds(60));
    CHECK(w.launched().size() == 2);
}

TEST_CASE("RoomDispatches: an agent that is gone, or here anew, is not removed [DSP-25]") {
    World w;
    w.kinds({{JT_ROOM, "bot", "", ""}});
    w.join_active("r", "alice");
    const std::string id = w.dispatch("bot");
    const SessionId agent = w.run(w.launched()[0]);
    REQUIRE(w.remove(id));
    w.leave(agent);
    const SessionId second = w.join(w.agent(w.launched()[0]));
    w.advance(RoomDispatches::kLeaveTime * 2);
    CHECK(w.count(second, R::kLeave) == 0);
}

TEST_CASE("RoomDispatches: the end of a room is the end of its jobs [DSP-12]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    const livekit::Job job = w.launched()[0];
    const SessionId agent = w.run(job);
    livekit::DeleteRoomRequest request;
    request.set_room("r");
    REQUIRE(w.manager.delete_room(w.clock(), request));
    w.drain();
    CHECK(w.ended() == Ids{job.id()});
    CHECK(w.count(agent, R::kLeave) == 1);
    const auto hooks = w.webhook_names();
    CHECK(hooks[hooks.size() - 2] == "agent_job_ended");
    CHECK(w.webhooks[hooks.size() - 2].job().state().status() == JS_SUCCESS);
    w.change(job, JS_SUCCESS);  // nobody knows it
    livekit::Job late = job;
    late.set_id("AJ_late");
    w.change(late, JS_RUNNING);  // taken when the room was gone
    CHECK(w.ended() == Ids{job.id(), "AJ_late"});
    livekit::ListAgentDispatchRequest ask;
    ask.set_room("r");
    CHECK(w.manager.list_dispatch(w.clock(), ask).error().code == ServiceCode::kUnavailable);
}

TEST_CASE("RoomDispatches: only an agent is left, the room ends in its time [DSP-12] [ROOM-05]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    const SessionId agent = w.run(w.launched()[0]);
    const SessionId alice = w.join_active("r", "alice");
    w.leave(alice);
    w.advance(Duration::seconds(19));
    CHECK(w.manager.has_room("r"));
    w.advance(Duration::seconds(1));
    CHECK_FALSE(w.manager.has_room("r"));
    CHECK(w.of(agent, R::kLeave)[0].leave().reason() == livekit::ROOM_CLOSED);
}

TEST_CASE("RoomDispatches: it is told when a room can be asked [RPC-05]") {
    World w;
    w.create();
    livekit::DeleteRoomRequest request;
    request.set_room("r");
    REQUIRE(w.manager.delete_room(w.clock(), request));
    w.drain();
    std::vector<bool> open;
    for (const Effect& effect : w.stored)
        if (const auto* served = std::get_if<RoomServed>(&effect)) {
            CHECK(served->room == "r");
            open.push_back(served->open);
        }
    CHECK(open == std::vector<bool>{true, false});
    Harness deaf;
    deaf.join_active("r", "alice");
    CHECK(deaf.stored.empty());
}

// ---------------------------------------------------------------- forwarded participants

TEST_CASE("RoomDispatches: who is only forwarded to the room gets no agent there [API-11]") {
    World w;
    w.kinds({{JT_PARTICIPANT, "", "", ""}, {JT_PUBLISHER, "", "", ""}});
    w.create();
    const SessionId alice = w.join_active("other", "alice");
    w.publish(alice, "mic", false);
    w.advance(Duration::seconds(1));
    const std::size_t own = w.launched().size();
    CHECK(own == 2);
    livekit::ForwardParticipantRequest request;
    request.set_room("other");
    request.set_identity("alice");
    request.set_destination_room("r");
    REQUIRE(w.manager.relocations(w.clock()).forward(request));
    w.drain();
    w.publish(alice, "cam", true);
    w.advance(Duration::seconds(1));
    w.dispatch("");  // which is evaluated for those who are there
    CHECK(w.launched().size() == own);
    w.leave(alice);
    w.join_active("r", "alice");
    CHECK(w.launched().size() > own);
}

TEST_CASE("RoomDispatches: an agent is not back when one of its name is forwarded [API-11]") {
    World w;
    w.any(JT_ROOM);
    w.create();
    REQUIRE(w.launched().size() == 1);
    const livekit::Job job = w.launched()[0];
    const SessionId agent = w.run(job);
    (void)w.join_active("other", "agent-" + job.id());
    w.leave(agent);
    livekit::ForwardParticipantRequest request;
    request.set_room("other");
    request.set_identity("agent-" + job.id());
    request.set_destination_room("r");
    REQUIRE(w.manager.relocations(w.clock()).forward(request));
    w.advance(RoomDispatches::kReturnTime + RoomDispatches::kStatusTime);
    CHECK(w.ended() == Ids{job.id()});
    CHECK(w.states() == States{JS_SUCCESS});
}

}  // namespace confab::room
