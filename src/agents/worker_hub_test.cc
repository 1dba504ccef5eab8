// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/worker_hub.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "agents/launcher_testing.h"

namespace confab::agents {
namespace {

using testing::World;
using Texts = World::Texts;

}  // namespace

TEST_CASE("WorkerHub: who does not register in time, or says nonsense, is cut [WRK-02]") {
    World w;
    const std::string a = w.workers.connect(w.clock(), "key");
    w.advance(WorkerSession::kRegisterTimeout - Duration::micros(1));
    CHECK(w.ended.empty());
    w.advance(Duration::micros(1));
    CHECK(w.ended == Texts{a});
    CHECK(w.cut);
    w.workers.disconnected(w.clock(), a);
    const std::string b = w.worker("bot");
    w.advance(WorkerSession::kRegisterTimeout * 2);
    CHECK(w.ended.size() == 1);
    w.say(b, {});
    w.settle();
    CHECK(w.ended == Texts{a, b});
    w.say(b, {});  // not heard any more
    w.settle();
    CHECK(w.ended.size() == 2);
    CHECK(w.workers.snapshot().connected == 1);
    w.workers.disconnected(w.clock(), b);
    CHECK(w.workers.snapshot().connected == 0);
    CHECK(w.workers.snapshot().registered == 0);
}

TEST_CASE("WorkerHub: a node that drains gives no jobs and lets its workers go in turn [WRK-13]") {
    World w;
    for (int i = 0; i < 5; ++i)
        w.worker("bot");
    CHECK(w.workers.takes_workers());
    w.workers.drain(w.clock());
    CHECK_FALSE(w.workers.takes_workers());
    w.launch("AJ_1");
    CHECK(w.changes.empty());
    w.settle();
    CHECK(w.ended.size() == 1);
    CHECK_FALSE(w.cut);
    w.advance(Duration::seconds(2));
    CHECK(w.ended.size() == 3);
    w.advance(Duration::seconds(3));
    CHECK(w.ended.size() == 5);
    w.workers.drain(w.clock());
    w.settle();
    CHECK(w.ended.size() == 5);
}

TEST_CASE("WorkerHub: a node that drains keeps whoever is in a call until that is over [WRK-13]") {
    World w;
    const std::string busy = w.worker("bot");
    w.launch("AJ_1");
    w.settle();
    w.answer(busy, "AJ_1", true);
    w.settle();
    REQUIRE(w.workers.snapshot().jobs == 1);
    const std::string idle = w.worker("bot");
    w.workers.drain(w.clock());
    w.advance(Duration::seconds(60));
    CHECK(w.ended == Texts{idle});
    livekit::WorkerMessage over;
    over.mutable_update_job()->set_job_id("AJ_1");
    over.mutable_update_job()->set_status(livekit::JS_SUCCESS);
    w.say(busy, over);
    w.advance(WorkerHub::kLookForIdle);
    CHECK(w.ended == Texts{idle, busy});
    CHECK_FALSE(w.cut);
}

TEST_CASE("WorkerHub: takes so many workers [IMM-15]") {
    World w;
    for (std::size_t i = 0; i < WorkerHub::kMaxWorkers - 1; ++i)
        w.workers.connect(w.clock(), "key");
    CHECK(w.workers.takes_workers());
    const std::string last = w.workers.connect(w.clock(), "key");
    CHECK_FALSE(w.workers.takes_workers());
    w.workers.disconnected(w.clock(), last);
    CHECK(w.workers.takes_workers());
}

TEST_CASE(
    "WorkerHub: kinds whose topics are the same are told apart by the job [RPC-30] [RPC-32]") {
    World w;
    const std::string a = w.worker("a_b");
    const std::string b = w.worker("a", "b");
    w.launch("AJ_1", "a_b");
    CHECK(w.offers(a) == 1);
    CHECK(w.offers(b) == 0);
    w.workers.disconnected(w.clock(), a);
    livekit::Job job = w.job("AJ_2", "a");
    job.set_namespace_("b");
    w.launcher->launch(w.now, job);
    w.settle();
    CHECK(w.offers(b) == 1);  // the topic is served while one of them is there
}

TEST_CASE(
    "WorkerHub: a worker whose upgrade was on its way when the node began to drain [WRK-13]") {
    for (const bool alone : {false, true}) {
        CAPTURE(alone);
        World w;
        const std::string first = alone ? "" : w.worker("bot");
        w.workers.drain(w.clock());
        const std::string late = w.worker("bot");
        w.advance(WorkerHub::kDrainTime * 2);
        CHECK(w.ended == (alone ? Texts{late} : Texts{first, late}));
    }
}

TEST_CASE("WorkerHub: those who went before do not hold up a drain [WRK-13]") {
    World w;
    std::vector<std::string> all;
    all.reserve(10);
    for (int i = 0; i < 10; ++i)
        all.push_back(w.worker("bot"));
    w.workers.drain(w.clock());
    for (int i = 0; i < 9; ++i)
        w.workers.disconnected(w.clock(), all[static_cast<std::size_t>(i)]);
    w.settle();
    CHECK(w.ended == Texts{all[9]});
}

TEST_CASE("WorkerHub: workers whose API key is gone are cut and get no job [DSP-10] [WRK-16]") {
    World w;
    const std::string stays = w.worker("bot");
    w.load(stays, 0.99F, false);
    const std::string silent = w.workers.connect(w.clock(), "old");
    const std::string goes = w.worker("bot", "", livekit::JT_ROOM, "old");
    const std::string only = w.worker("only", "", livekit::JT_ROOM, "old");
    w.workers.keys_changed();  // all of them are there
    w.settle();
    CHECK(w.ended.empty());
    w.remove_old_key();
    w.workers.keys_changed();
    w.workers.keys_changed();
    for (int i = 0; i < 20; ++i)
        w.launcher->launch(w.now, w.job("AJ_" + std::to_string(i)));
    w.launch("AJ_only", "only");  // before its connection is known to be closed
    CHECK(std::set<std::string>(w.ended.begin(), w.ended.end()) ==
          std::set<std::string>{silent, goes, only});
    CHECK(w.ended.size() == 3);
    CHECK(w.cut);
    CHECK(w.offers(goes) == 0);
    CHECK(w.offers(only) == 0);
    CHECK(w.offers(stays) == 20);
    CHECK(w.launcher->snapshot().running == 20);
    CHECK(w.launcher->snapshot().waiting == 1);  // and is not refused: nobody has room
    for (const std::string& id : {silent, goes, only})
        w.workers.disconnected(w.clock(), id);
    w.worker("only");
    CHECK(w.seen().back() == "AJ_only 1");
}

TEST_CASE("WorkerHub: jobs of a worker whose API key is gone are kept as of any other [WRK-10]") {
    World w;
    const std::string a = w.worker("bot", "", livekit::JT_ROOM, "old");
    w.launch("AJ_1");
    w.remove_old_key();
    w.workers.keys_changed();
    w.settle();
    w.workers.disconnected(w.clock(), a);
    CHECK(w.workers.snapshot().jobs == 1);
    w.advance(JobDispatcher::kKeptWithoutWorker);
    CHECK(w.how.back() == JobChange::kLost);
}

TEST_CASE("WorkerHub: a job from before a restart goes on and can be ended [WRK-10] [RPC-08]") {
    const std::string kId = "AJ_23456789ABCD";
    World w;
    const std::string a = w.worker("bot");
    w.migrate(a, kId);
    CHECK(w.count(a, livekit::ServerMessage::kTermination) == 0);
    CHECK(w.workers.snapshot().jobs == 1);
    ::rpc::JobTerminateRequest request;
    request.set_job_id(kId);
    bool ended = false;
    w.bus.call(w.now, {"AgentInternal", "JobTerminate"}, {kId}, request.SerializeAsString(), {},
               [&ended](const rpc::Outcome& outcome) { ended = outcome.has_value(); });
    w.settle();
    CHECK(ended);
    CHECK(w.count(a, livekit::ServerMessage::kTermination) == 1);
    w.migrate(a, kId);  // it ended here
    CHECK(w.count(a, livekit::ServerMessage::kTermination) == 2);
    CHECK(w.workers.snapshot().jobs == 0);
}

}  // namespace confab::agents
