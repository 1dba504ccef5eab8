// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_launcher.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agents/kinds.h"
#include "agents/launcher_testing.h"
#include "agents/methods.h"

namespace confab::agents {
namespace {

using testing::World;
using Texts = World::Texts;
using S = livekit::ServerMessage;

}  // namespace

TEST_CASE("JobLauncher: knows which kinds of workers there are [RPC-06] [RPC-09]") {
    World w;
    w.settle();
    CHECK(w.kinds.empty());
    const std::string a = w.worker("bot");
    CHECK(w.kinds == std::set<WorkerKey>{{livekit::JT_ROOM, "bot", "", ""}});
    w.worker("bot");
    w.worker("", "space", livekit::JT_PUBLISHER);
    CHECK(w.kinds.size() == 2);
    w.workers.disconnected(w.clock(), a);
    w.advance(JobLauncher::kGatherAgain + JobLauncher::kGatherTime);
    CHECK(w.kinds.size() == 2);  // the other one is still there
}

TEST_CASE("JobLauncher: kinds that are gone are forgotten [RPC-06]") {
    World w;
    const std::string a = w.worker("bot");
    w.advance(JobLauncher::kGatherTime);
    CHECK(w.kinds.size() == 1);
    w.workers.disconnected(w.clock(), a);
    w.advance(JobLauncher::kGatherAgain + JobLauncher::kGatherTime);
    CHECK(w.kinds.empty());
}

TEST_CASE(
    "JobLauncher: a worker that is back while its kind is asked for counts [RPC-06] [RPC-09]") {
    World w;
    const std::string before = w.worker("bot");
    w.advance(JobLauncher::kGatherTime);
    w.workers.disconnected(w.clock(), before);
    w.worker("other");  // of a new kind: all are asked
    w.advance(JobLauncher::kGatherTime / 2);
    const std::string back = w.worker("bot");
    w.advance(JobLauncher::kGatherTime);
    CHECK(w.kinds.size() == 2);
    w.workers.disconnected(w.clock(), back);
    w.advance(JobLauncher::kGatherAgain + JobLauncher::kGatherTime);
    CHECK(w.kinds.size() == 1);  // and no longer than it is there
}

TEST_CASE(
    "JobLauncher: nodes that do not say what goes together are taken by their word [RPC-06]") {
    World w;
    const auto other = w.bus.serve({"AgentInternal", "CheckEnabled", rpc::Flow::kMulti}, {"far"},
                                   [](const rpc::Request&, rpc::Reply) {}, {});
    rpc::LocalBus far(w.bus_hub, "ND_far");
    const auto served = far.serve({"AgentInternal", "CheckEnabled", rpc::Flow::kMulti}, {},
                                  [](const rpc::Request&, rpc::Reply reply) {
                                      ::rpc::CheckEnabledResponse response;
                                      response.set_room_enabled(true);
                                      response.set_participant_enabled(true);
                                      response.add_agent_names("bot");
                                      response.add_namespaces("");
                                      response.add_namespaces("n");
                                      reply(response.SerializeAsString());
                                  },
                                  {});
    REQUIRE(served);
    w.advance(JobLauncher::kGatherAgain);
    CHECK(w.kinds.size() == 4);
    CHECK(w.kinds.contains({livekit::JT_PARTICIPANT, "bot", "n", kAnyDeployment}));
    CHECK_FALSE(w.kinds.contains({livekit::JT_PUBLISHER, "bot", "n", kAnyDeployment}));
}

TEST_CASE("JobLauncher: a job goes to a worker, runs and ends [CON-52] [RPC-07] [RPC-08]") {
    World w;
    const std::string a = w.worker("bot");
    w.launch("AJ_1");
    CHECK(w.seen() == Texts{"AJ_1 1"});
    CHECK(w.changes[0].state().worker_id() == a);
    CHECK(w.changes[0].room().name() == "r");
    CHECK(w.launcher->snapshot().running == 1);
    livekit::WorkerMessage message;
    message.mutable_update_job()->set_job_id("AJ_1");
    message.mutable_update_job()->set_status(livekit::JS_FAILED);
    message.mutable_update_job()->set_error("e");
    w.say(a, message);
    w.settle();
    CHECK(w.seen() == Texts{"AJ_1 1", "AJ_1 3"});
    CHECK(w.changes[1].state().error() == "e");
    CHECK(w.how[1] == JobChange::kEnded);
    CHECK(w.launcher->snapshot().running == 0);
    w.launch("AJ_2");
    w.end("AJ_2");
    CHECK(w.count(a, S::kTermination) == 1);
    CHECK(w.seen() == Texts{"AJ_1 1", "AJ_1 3", "AJ_2 1"});
    CHECK(w.workers.snapshot().jobs == 0);
    w.end("AJ_2");
    w.end("AJ_unknown");
    CHECK(w.count(a, S::kTermination) == 1);
}

TEST_CASE("JobLauncher: a job waits for the first worker of its kind [DSP-23]") {
    World w;
    w.launch("AJ_1");
    w.worker("other");
    CHECK(w.changes.empty());
    CHECK(w.launcher->snapshot().waiting == 1);
    w.advance(Duration::seconds(100));
    CHECK(w.changes.empty());
    const std::string a = w.worker("bot");
    CHECK(w.seen() == Texts{"AJ_1 1"});
    CHECK(w.offers(a) == 1);
    CHECK(w.launcher->snapshot().waiting == 0);
}

TEST_CASE("JobLauncher: a job waits while all are full, in order [DSP-23] [DSP-01]") {
    World w;
    const std::string a = w.worker("bot");
    w.load(a, 0.1F, true);
    for (const char* id : {"AJ_1", "AJ_2", "AJ_3"})
        w.launch(id);
    CHECK(w.offers(a) == 0);
    CHECK(w.launcher->snapshot().waiting == 3);
    w.load(a, 0.1F, true);
    CHECK(w.offers(a) == 0);
    w.load(a, 1, false);  // it takes jobs by its own word, whatever its load
    CHECK(w.seen() == Texts{"AJ_1 1", "AJ_2 1", "AJ_3 1"});
}

TEST_CASE("JobLauncher: a job that all refused is tried again, ever more seldom [DSP-07]") {
    World w;
    const std::string a = w.worker("bot");
    w.accepts = false;
    w.launch("AJ_1");
    CHECK(w.offers(a) == 1);
    std::int64_t pause = JobLine::kFirstRetry.us();
    for (std::size_t tries = 1; tries <= 6; ++tries) {
        w.advance(Duration::micros(pause - 1));
        CHECK(w.offers(a) == tries);
        w.advance(Duration::micros(1));
        CHECK(w.offers(a) == tries + 1);
        pause = std::min(pause * 2, JobLine::kLastRetry.us());
    }
    CHECK(w.changes.empty());
    w.accepts = true;
    w.advance(JobLine::kLastRetry);
    CHECK(w.seen() == Texts{"AJ_1 1"});
}

TEST_CASE("JobLauncher: nobody answers in time, the job waits on [DSP-02] [DSP-06]") {
    World w;
    const std::string a = w.worker("bot");
    w.accepts.reset();
    w.launch("AJ_1");
    w.advance(JobLauncher::kRequestTimeout - Duration::micros(1));
    CHECK(w.launcher->snapshot().asked == 1);
    w.advance(Duration::micros(1));
    CHECK(w.launcher->snapshot().waiting == 1);
    w.advance(JobLine::kFirstRetry);
    CHECK(w.offers(a) == 2);
    CHECK(w.changes.empty());
}

TEST_CASE("JobLauncher: a job that is not wanted any more is not begun [DSP-25]") {
    World w;
    w.launch("AJ_1");
    w.end("AJ_1");  // while it waits
    const std::string a = w.worker("bot");
    CHECK(w.offers(a) == 0);
    w.accepts.reset();
    w.launch("AJ_2");
    CHECK(w.offers(a) == 1);
    w.end("AJ_2");  // while it is offered
    livekit::WorkerMessage answer;
    answer.mutable_availability()->set_job_id("AJ_2");
    answer.mutable_availability()->set_available(true);
    w.say(a, answer);
    w.settle();
    CHECK(w.count(a, S::kAssignment) == 1);
    CHECK(w.count(a, S::kTermination) == 1);
    w.launch("AJ_3");
    w.end("AJ_3");
    w.advance(JobLauncher::kRequestTimeout);
    CHECK(w.changes.empty());
    CHECK(w.launcher->snapshot().waiting == 0);
    CHECK(w.launcher->snapshot().running == 0);
}

TEST_CASE("JobLauncher: a job does not wait for ever [DSP-23]") {
    World w;
    w.launch("AJ_1");
    w.advance(JobLauncher::kMaxWait - Duration::micros(1));
    CHECK(w.changes.empty());
    w.advance(Duration::micros(1));
    CHECK(w.seen() == Texts{"AJ_1 3"});
    CHECK(w.changes[0].state().error() == "no worker took the job in time");
    CHECK(w.how[0] == JobChange::kGivenUp);
    w.worker("bot");
    CHECK(w.changes.size() == 1);
    CHECK(w.launcher->snapshot().waiting == 0);
}

TEST_CASE("JobLauncher: so many jobs of a kind wait, others are not concerned [DSP-23] [IMM-15]") {
    World w;
    const std::string a = w.worker("free");
    for (std::size_t i = 0; i < JobLine::kMaxWaiting - 1; ++i)
        w.launch("AJ_" + std::to_string(i));
    w.launch("AJ_last");
    CHECK(w.launcher->snapshot().waiting == JobLine::kMaxWaiting);
    CHECK(w.changes.empty());
    w.launch("AJ_more");
    CHECK(w.seen() == Texts{"AJ_more 3"});
    CHECK(w.changes[0].state().error() == "too many jobs wait for a worker");
    CHECK(w.how[0] == JobChange::kGivenUp);
    w.launch("AJ_free", "free");
    CHECK(w.seen() == Texts{"AJ_more 3", "AJ_free 1"});
    w.end("AJ_last");
    w.launch("AJ_again");  // there is a place again
    CHECK(w.changes.size() == 2);
    CHECK(w.launcher->snapshot().waiting == JobLine::kMaxWaiting);
}

TEST_CASE("JobLauncher: where too many were refused, a new one is still asked for [DSP-23]") {
    World w;
    w.worker("bot");
    w.accepts = false;
    for (std::size_t i = 0; i < JobLine::kMaxWaiting; ++i)
        w.launcher->launch(w.now, w.job("AJ_" + std::to_string(i)));
    w.settle();
    CHECK(w.changes.empty());
    CHECK(w.launcher->snapshot().waiting == JobLine::kMaxWaiting);
    w.launch("AJ_refused");
    CHECK(w.seen() == Texts{"AJ_refused 3"});
    CHECK(w.how[0] == JobChange::kGivenUp);
    w.accepts = true;
    w.launch("AJ_taken");
    CHECK(w.seen() == Texts{"AJ_refused 3", "AJ_taken 1"});
}

TEST_CASE("JobLauncher: so many jobs wait in all, who is taken at once is free [IMM-15]") {
    World w;
    const std::string a = w.worker("free");
    const std::size_t lines = JobLauncher::kMaxWaiting / JobLine::kMaxWaiting;
    for (std::size_t i = 0; i < JobLauncher::kMaxWaiting - 1; ++i)
        w.launcher->launch(w.now,
                           w.job("AJ_" + std::to_string(i), "bot" + std::to_string(i % lines)));
    w.settle();
    w.launch("AJ_last", "bot4");
    CHECK(w.launcher->snapshot().waiting == JobLauncher::kMaxWaiting);
    CHECK(w.changes.empty());
    w.launch("AJ_more", "another");
    CHECK(w.seen() == Texts{"AJ_more 3"});
    CHECK(w.how[0] == JobChange::kGivenUp);
    w.launch("AJ_free", "free");
    CHECK(w.seen() == Texts{"AJ_more 3", "AJ_free 1"});
}

TEST_CASE("JobLauncher: so many jobs and no more [IMM-15]") {
    World w;
    // On their way, all of them: none waits.
    for (std::size_t i = 0; i < JobLauncher::kMaxJobs; ++i)
        w.launcher->launch(w.now, w.job("AJ_" + std::to_string(i),
                                        "bot" + std::to_string(i / JobLine::kMaxAsked)));
    CHECK(w.launcher->snapshot().asked == JobLauncher::kMaxJobs);
    CHECK(w.changes.empty());
    w.launcher->launch(w.now, w.job("AJ_more", "free"));
    CHECK(w.seen() == Texts{"AJ_more 3"});
    CHECK(w.changes[0].state().error() == "too many jobs on this node");
    CHECK(w.how[0] == JobChange::kGivenUp);
}

TEST_CASE("JobLauncher: a job that a worker refuses stops no other [CON-52] [DSP-07]") {
    World w;
    const std::string a = w.worker("bot");
    w.unwelcome = {"AJ_1"};
    w.launch("AJ_1");
    w.launch("AJ_2");
    CHECK(w.seen() == Texts{"AJ_2 1"});
    for (int i = 0; i < 100; ++i)
        w.unwelcome.insert("AJ_no" + std::to_string(i));
    for (const std::string& id : w.unwelcome)
        w.launch(id);
    w.launch("AJ_3");
    CHECK(w.seen() == Texts{"AJ_2 1", "AJ_3 1"});
    CHECK(w.launcher->snapshot().waiting == 101);
}

TEST_CASE("JobLauncher: a job that is left unanswered stops no other [CON-52] [DSP-06]") {
    World w;
    const std::string a = w.worker("bot");
    w.unanswered = {"AJ_1"};
    w.launch("AJ_1");
    w.launch("AJ_2");
    CHECK(w.seen() == Texts{"AJ_2 1"});
    w.advance(JobLauncher::kRequestTimeout);
    CHECK(w.launcher->snapshot().waiting == 1);
    w.launch("AJ_3");
    CHECK(w.seen() == Texts{"AJ_2 1", "AJ_3 1"});
}

TEST_CASE("JobLauncher: reports of load do not make refused jobs more frequent [DSP-07] [WRK-06]") {
    World w;
    const std::vector<std::string> all = {w.worker("bot"), w.worker("bot")};
    w.accepts = false;
    w.launch("AJ_1");
    w.advance_reporting(Duration::seconds(300), all);
    // After 0, 1, 3, 7, 15, 31, 61, 91 … 271 s, and little later.
    for (const std::string& worker : all) {
        CHECK(w.offers(worker) <= 14);
        CHECK(w.offers(worker) >= 12);
    }
    w.accepts = true;
    w.advance_reporting(JobLine::kLastRetry, all);
    CHECK(w.seen() == Texts{"AJ_1 1"});
}

TEST_CASE("JobLauncher: a worker that takes jobs again is asked at once [DSP-07] [DSP-23]") {
    World w;
    const std::string a = w.worker("bot");
    w.accepts = false;
    w.launch("AJ_1");
    w.advance(Duration::seconds(40));
    w.load(a, 0.1F, true);
    w.accepts = true;
    w.load(a, 0.1F, false);
    CHECK(w.seen() == Texts{"AJ_1 1"});
    w.accepts = false;
    w.launch("AJ_2");
    w.advance(Duration::seconds(40));
    w.accepts = true;
    w.worker("bot");  // or another one that comes
    CHECK(w.seen() == Texts{"AJ_1 1", "AJ_2 1"});
}

TEST_CASE("JobLauncher: room of one kind says nothing of others [RPC-09]") {
    World w;
    const std::string a = w.worker("bot");
    const std::string b = w.worker("other");
    w.accepts = false;
    w.launch("AJ_1");
    w.advance(Duration::seconds(40));
    const std::size_t offers = w.offers(a);
    w.load(b, 0.1F, true);
    w.launch("AJ_2", "other");
    w.load(b, 0.1F, false);
    CHECK(w.offers(b) == 1);
    CHECK(w.offers(a) == offers);
    w.bus.publish({"AgentInternal", "WorkerRegistered", rpc::Flow::kPublish}, {""}, {});
    w.settle();  // of whoever does not say which: it may be any
    CHECK(w.offers(a) == offers + 1);
}

TEST_CASE("JobLauncher: with its room all jobs end, wherever they are [DSP-25]") {
    World w;
    const std::string a = w.worker("bot");
    const auto launch = [&](const std::string& id, const std::string& name, const char* room) {
        livekit::Job job = w.job(id, name);
        job.mutable_room()->set_name(room);
        w.launcher->launch(w.now, job);
        w.settle();
    };
    launch("AJ_runs", "bot", "r");
    launch("AJ_other", "bot", "other");
    launch("AJ_waits", "nobody", "r");
    w.accepts.reset();
    launch("AJ_asked", "bot", "r");
    w.launcher->room_over(w.now, "r");
    w.launcher->room_over(w.now, "unknown");
    w.settle();
    CHECK(w.count(a, S::kTermination) == 1);
    w.answer(a, "AJ_asked", true);
    w.settle();
    CHECK(w.count(a, S::kTermination) == 2);
    CHECK(w.launcher->snapshot().waiting == 0);
    CHECK(w.launcher->snapshot().asked == 0);
    CHECK(w.launcher->snapshot().running == 1);
    CHECK(w.workers.snapshot().jobs == 1);
    CHECK(w.seen() == Texts{"AJ_runs 1", "AJ_other 1"});
    w.launcher->room_over(w.now, "r");
    w.launcher->room_over(w.now, "other");
    w.settle();
    CHECK(w.workers.snapshot().jobs == 0);
}

TEST_CASE("JobLauncher: a job that nobody wants is not given up, too [DSP-23]") {
    World w;
    w.worker("bot");
    w.accepts = false;
    w.launch("AJ_1");
    w.advance(JobLauncher::kMaxWait - Duration::seconds(5));
    w.accepts.reset();
    w.worker("bot");
    w.advance(Duration::seconds(4));
    CHECK(w.launcher->snapshot().asked == 1);
    w.end("AJ_1");
    w.advance(JobLauncher::kRequestTimeout * 2);
    CHECK(w.changes.empty());
    CHECK(w.launcher->snapshot().waiting == 0);
}

TEST_CASE("JobLauncher: an end that is not heard is told again [RPC-08]") {
    World w;
    const std::string a = w.worker("bot");
    w.launch("AJ_1");
    for (std::size_t i = 0; i < rpc::LocalHub::kMaxPending; ++i)
        w.bus.publish({"Any", "Thing", rpc::Flow::kPublish}, {}, {});
    w.end("AJ_1");
    CHECK(w.count(a, S::kTermination) == 0);
    w.advance(JobEnder::kFirstRetry);
    CHECK(w.count(a, S::kTermination) == 1);
    CHECK(w.workers.snapshot().jobs == 0);
}

TEST_CASE("JobLauncher: a job whose lost worker came back late ends as it says [WRK-10]") {
    const std::string kId = "AJ_23456789ABCD";
    for (const bool by_room : {false, true}) {
        CAPTURE(by_room);
        World w;
        const std::string a = w.worker("bot");
        w.launch(kId);
        w.workers.disconnected(w.clock(), a);
        w.advance(JobDispatcher::kKeptWithoutWorker);
        REQUIRE(w.how.back() == JobChange::kLost);
        CHECK(w.launcher->snapshot().running == 0);
        const std::string b = w.worker("bot");
        w.migrate(b, kId);
        CHECK(w.count(b, S::kTermination) == 0);
        CHECK(w.workers.snapshot().jobs == 1);
        if (by_room) {
            w.launcher->room_over(w.now, "r");
            w.settle();
            CHECK(w.count(b, S::kTermination) == 1);
        } else {
            w.job_over(b, kId);
            CHECK(w.seen().back() == kId + " 2");
            CHECK(w.how.back() == JobChange::kEnded);
            CHECK(w.changes.back().room().name() == "r");
        }
        w.job_over(b, kId);
        CHECK(w.changes.size() == (by_room ? 3 : 4));
        CHECK(w.workers.snapshot().jobs == 0);
    }
}

TEST_CASE("JobLauncher: it is told which worker has a job, and that none has [WRK-10]") {
    const std::string kId = "AJ_23456789ABCD";
    World w;
    const std::string a = w.worker("bot");
    w.launch(kId);
    REQUIRE(w.changes.size() == 1);
    CHECK(w.changes[0].state().worker_id() == a);
    w.workers.disconnected(w.clock(), a);
    w.settle();
    REQUIRE(w.changes.size() == 2);
    CHECK(w.changes[1].state().worker_id().empty());
    CHECK(w.changes[1].state().status() == livekit::JS_RUNNING);
    CHECK(w.changes[1].room().name() == "r");
    const std::string b = w.worker("bot");
    w.migrate(b, kId);
    REQUIRE(w.changes.size() == 3);
    CHECK(w.changes[2].state().worker_id() == b);
    CHECK(w.how[2] == JobChange::kRuns);
    SUBCASE("what is said of another kind, or of no job here, counts for nothing") {
        livekit::Job other = w.job(kId, "other");
        other.mutable_state()->set_worker_id("AW_x");
        w.bus.publish(kJobHeld, {}, other.SerializeAsString());
        w.bus.publish(kJobHeld, {}, w.job("AJ_x").SerializeAsString());
        w.settle();
    }
    SUBCASE("a job that is over has none") {
        w.end(kId);
        w.bus.publish(kJobHeld, {}, w.job(kId).SerializeAsString());
        w.settle();
    }
    CHECK(w.changes.size() == 3);
}

TEST_CASE("JobLauncher: a job that is lost is forgotten in the end [WRK-10] [IMM-15]") {
    World w;
    const std::string a = w.worker("bot");
    w.launch("AJ_23456789ABCD");
    w.workers.disconnected(w.clock(), a);
    w.advance(JobDispatcher::kKeptWithoutWorker + JobLauncher::kKeepLost);
    const std::string b = w.worker("bot");
    w.migrate(b, "AJ_23456789ABCD");
    w.job_over(b, "AJ_23456789ABCD");
    CHECK(w.changes.size() == 3);
}

TEST_CASE("JobLauncher: a worker that does not come back is told of [WRK-10]") {
    World w;
    const std::string a = w.worker("bot");
    w.launch("AJ_1");
    w.workers.disconnected(w.clock(), a);
    w.advance(JobDispatcher::kKeptWithoutWorker - Duration::micros(1));
    CHECK(w.changes.size() == 2);
    w.advance(Duration::micros(1));
    CHECK(w.seen() == Texts{"AJ_1 1", "AJ_1 1", "AJ_1 3"});
    CHECK(w.how.back() == JobChange::kLost);
}

TEST_CASE(
    "JobLauncher: a job that another node asked for is heard of, and ended, like its own "
    "[DSP-29]") {
    World w;
    const std::string a = w.worker("bot");
    w.launch("AJ_1");
    w.launch("AJ_2");
    const livekit::Job first = w.changes.at(0);
    const livekit::Job second = w.changes.at(1);
    w.launcher->forget("AJ_1");
    w.launcher->forget("AJ_2");
    CHECK(w.launcher->snapshot().running == 0);
    w.launcher->adopt(first);
    w.launcher->adopt(first);
    w.launcher->adopt(second);
    CHECK(w.launcher->snapshot().running == 2);
    w.job_over(a, "AJ_1");
    CHECK(w.seen().back() == "AJ_1 2");
    CHECK(w.count(a, S::kTermination) == 0);
    w.launcher->room_over(w.now, second.room().name());
    w.settle();
    CHECK(w.count(a, S::kTermination) == 1);
    CHECK(w.launcher->snapshot().running == 0);
}

TEST_CASE(
    "JobLauncher: a job that moved on is not ended with the room, lost worker or not [DSP-29]") {
    for (const bool lost : {false, true}) {
        World w;
        const std::string id = "AJ_23456789ABCD";
        std::string worker = w.worker("bot");
        w.launch(id);
        if (lost) {
            w.workers.disconnected(w.clock(), worker);
            w.advance(JobDispatcher::kKeptWithoutWorker);
        }
        w.launcher->forget(id);
        w.launcher->room_over(w.now, "r");
        w.settle();
        if (lost) {
            worker = w.worker("bot");
            w.migrate(worker, id);
            w.advance(JobEnder::kFirstRetry * 4);
        }
        CHECK(w.count(worker, S::kTermination) == 0);
        CHECK(w.launcher->snapshot().running == 0);
    }
}

TEST_CASE("JobLauncher: terminate in the answer to an offer is the end of the job [CON-52]") {
    World w;
    w.accepts.reset();
    const std::string a = w.worker("bot");
    w.launch("AJ_1");
    livekit::WorkerMessage answer;
    answer.mutable_availability()->set_job_id("AJ_1");
    answer.mutable_availability()->set_terminate(true);
    w.say(a, answer);
    w.settle();
    CHECK(w.seen() == Texts{"AJ_1 2"});
    CHECK(w.launcher->snapshot().running == 0);
}

}  // namespace confab::agents
