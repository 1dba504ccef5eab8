// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The launcher of a node with rooms, over a bus, against a hub with workers of the same node.
#include "agents/job_launcher.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agents/worker_hub.h"
#include "rpc/local_bus.h"

namespace confab::agents {
namespace {

struct World : LauncherHost {
    World() { launcher->start(now); }
    void kinds_known(const std::set<WorkerKey>& all) override { kinds = all; }
    void job_changed(const livekit::Job& job, bool lost) override {
        changes.push_back(job);
        changes_lost.push_back(lost);
    }

    Clock clock() const { return {now, UnixTime::seconds(100) + (now - Timestamp())}; }
    // All that is due now.
    void settle() {
        for (int i = 0; i < 10'000; ++i) {
            take_outputs();
            const Timestamp next =
                earlier(bus_hub.next_deadline(),
                        earlier(launcher->next_deadline(), workers.next_deadline()));
            if (next > now) return;
            if (bus_hub.next_deadline() <= now) bus_hub.handle_timeout(now);
            if (workers.next_deadline() <= now) workers.handle_timeout(clock());
            if (launcher->next_deadline() <= now) launcher->handle_timeout(now);
        }
        FAIL("it never rests");
    }
    void advance(Duration by) {
        settle();
        const Timestamp until = now + by;
        for (;;) {
            const Timestamp next =
                earlier(bus_hub.next_deadline(),
                        earlier(launcher->next_deadline(), workers.next_deadline()));
            if (next > until) break;
            now = next;
            settle();
        }
        now = until;
        settle();
    }
    void take_outputs() {
        while (auto output = workers.poll_output()) {
            if (const auto* end = std::get_if<WorkerEnd>(&*output)) {
                ended.push_back(end->worker);
                cut = end->cut;
                continue;
            }
            const auto& frame = std::get<WorkerFrame>(*output);
            livekit::ServerMessage message;
            REQUIRE(message.ParseFromString(frame.frame.payload));
            told[frame.worker].push_back(message);
            if (message.has_availability() && accepts) {
                livekit::WorkerMessage answer;
                answer.mutable_availability()->set_job_id(message.availability().job().id());
                answer.mutable_availability()->set_available(*accepts);
                say(frame.worker, answer);
            }
        }
    }
    void say(const std::string& worker, const livekit::WorkerMessage& message) {
        workers.handle_message(clock(), worker, false, message.SerializeAsString());
    }
    std::string worker(const std::string& name, const std::string& ns = "",
                       livekit::JobType type = livekit::JT_ROOM) {
        const std::string id = workers.connect(clock(), "key");
        livekit::WorkerMessage message;
        message.mutable_register_()->set_agent_name(name);
        message.mutable_register_()->set_namespace_(ns);
        message.mutable_register_()->set_type(type);
        say(id, message);
        settle();
        return id;
    }
    void load(const std::string& worker, float load, bool full) {
        livekit::WorkerMessage message;
        message.mutable_update_worker()->set_load(load);
        message.mutable_update_worker()->set_status(full ? livekit::WS_FULL
                                                         : livekit::WS_AVAILABLE);
        say(worker, message);
        settle();
    }
    livekit::Job job(const std::string& id, const std::string& name = "bot") {
        livekit::Job result;
        result.set_id(id);
        result.set_agent_name(name);
        result.mutable_room()->set_name("r");
        return result;
    }
    void launch(const std::string& id, const std::string& name = "bot") {
        launcher->launch(now, job(id, name));
        settle();
    }
    void end(const std::string& id) {
        launcher->end(now, id, ::rpc::TERMINATION_REQUESTED);
        settle();
    }
    std::size_t count(const std::string& worker, livekit::ServerMessage::MessageCase kind) {
        std::size_t result = 0;
        for (const livekit::ServerMessage& message : told[worker])
            result += message.message_case() == kind ? 1 : 0;
        return result;
    }
    std::size_t offers(const std::string& worker) {
        return count(worker, livekit::ServerMessage::kAvailability);
    }
    // "AJ_1 1" for a job that runs.
    std::vector<std::string> seen() const {
        std::vector<std::string> result;
        for (const livekit::Job& job : changes)
            result.push_back(job.id() + " " + std::to_string(job.state().status()));
        return result;
    }

    using Texts = std::vector<std::string>;
    Timestamp now = Timestamp::micros(1'000'000);
    rpc::LocalHub bus_hub;
    rpc::LocalBus bus{bus_hub, "ND_one"};
    token::KeyMap keys{{{"key", "a-secret-of-thirty-two-characters"}}};
    WorkerHub workers{bus, keys, {}, 5};
    std::shared_ptr<JobLauncher> launcher =
        std::make_shared<JobLauncher>(bus, static_cast<LauncherHost&>(*this));
    std::optional<bool> accepts = true;
    std::set<WorkerKey> kinds;
    std::map<std::string, std::vector<livekit::ServerMessage>> told;
    std::vector<std::string> ended;
    bool cut = false;
    std::vector<livekit::Job> changes;
    std::vector<bool> changes_lost;
};

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
    CHECK(w.kinds.contains({livekit::JT_PARTICIPANT, "bot", "n", ""}));
    CHECK_FALSE(w.kinds.contains({livekit::JT_PUBLISHER, "bot", "n", ""}));
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
    CHECK_FALSE(w.changes_lost[1]);
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
    w.load(a, 1, false);
    CHECK(w.offers(a) == 0);
    w.load(a, 0.9F, false);
    CHECK(w.seen() == Texts{"AJ_1 1", "AJ_2 1", "AJ_3 1"});
}

TEST_CASE("JobLauncher: a job that all refused is tried again, ever more seldom [DSP-07]") {
    World w;
    const std::string a = w.worker("bot");
    w.accepts = false;
    w.launch("AJ_1");
    CHECK(w.offers(a) == 1);
    std::int64_t pause = JobLauncher::kFirstRetry.us();
    for (std::size_t tries = 1; tries <= 6; ++tries) {
        w.advance(Duration::micros(pause - 1));
        CHECK(w.offers(a) == tries);
        w.advance(Duration::micros(1));
        CHECK(w.offers(a) == tries + 1);
        pause = std::min(pause * 2, JobLauncher::kLastRetry.us());
    }
    CHECK(w.changes.empty());
    w.accepts = true;
    w.advance(JobLauncher::kLastRetry);
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
    w.advance(JobLauncher::kFirstRetry);
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
    CHECK(w.launcher->snapshot().waiting == 0);
}

TEST_CASE("JobLauncher: so many jobs wait and no more [DSP-23] [IMM-15]") {
    World w;
    for (std::size_t i = 0; i < JobLauncher::kMaxWaiting; ++i)
        w.launcher->launch(w.now, w.job("AJ_" + std::to_string(i)));
    // One of them is on its way.
    CHECK(w.launcher->snapshot().waiting == JobLauncher::kMaxWaiting - 1);
    CHECK(w.changes.empty());
    w.launcher->launch(w.now, w.job("AJ_last"));
    CHECK(w.changes.empty());
    w.launcher->launch(w.now, w.job("AJ_more"));
    CHECK(w.seen() == Texts{"AJ_more 3"});
    CHECK(w.changes[0].state().error() == "too many jobs wait for a worker");
}

TEST_CASE("JobLauncher: a worker that does not come back is told of [WRK-10]") {
    World w;
    const std::string a = w.worker("bot");
    w.launch("AJ_1");
    w.workers.disconnected(w.clock(), a);
    w.advance(JobDispatcher::kKeptWithoutWorker - Duration::micros(1));
    CHECK(w.changes.size() == 1);
    w.advance(Duration::micros(1));
    CHECK(w.seen() == Texts{"AJ_1 1", "AJ_1 3"});
    CHECK(w.changes_lost[1]);
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

}  // namespace confab::agents
