// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_dispatcher.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "token/ids.h"

namespace confab::agents {
namespace {

using livekit::JS_FAILED;
using livekit::JS_RUNNING;
using livekit::JS_SUCCESS;

struct World : DispatcherHost {
    void send(const std::string& worker, const livekit::ServerMessage& message) override {
        sent.emplace_back(worker, message);
    }
    void job_started(const livekit::Job& job) override { started.push_back(job.id()); }
    void job_held(const livekit::Job& job) override {
        held.push_back(job.id() + " " + job.state().worker_id());
    }
    void job_over(const livekit::Job& job, bool lost) override {
        over.push_back(job);
        over_lost.push_back(lost);
    }

    Worker& worker(const std::string& id, double load = 0) {
        Worker added;
        added.id = id;
        added.key = {livekit::JT_ROOM, "bot", "", ""};
        added.api_key = "key";
        added.load = load;
        return pool.add(added);
    }
    static livekit::Job job(const std::string& id) {
        livekit::Job result;
        result.set_id(id);
        result.set_agent_name("bot");
        result.mutable_room()->set_name("r");
        return result;
    }
    Clock clock() const { return {now, UnixTime::seconds(100) + (now - Timestamp())}; }
    void request(const std::string& id, Duration patience = Duration::seconds(12)) {
        dispatcher.request(
            clock(), job(id), now + patience,
            [this](const JobDispatcher::Outcome& outcome) { answers.push_back(outcome); });
    }
    void advance(Duration by) {
        const Timestamp until = now + by;
        while (dispatcher.next_deadline() <= until) {
            now = dispatcher.next_deadline();
            dispatcher.handle_timeout(clock());
        }
        now = until;
    }
    void say(Worker& worker, const std::string& id, bool available, bool terminate = false) {
        livekit::AvailabilityResponse answer;
        answer.set_job_id(id);
        answer.set_available(available);
        answer.set_terminate(terminate);
        answer.set_participant_identity("agent-" + id);
        dispatcher.answered(clock(), worker, answer);
    }
    void update(Worker& worker, const std::string& id, livekit::JobStatus status) {
        livekit::UpdateJobStatus update;
        update.set_job_id(id);
        update.set_status(status);
        dispatcher.updated(clock(), worker, update);
    }
    void lose(const std::string& id) {
        pool.remove(id);
        dispatcher.worker_gone(clock(), id);
    }
    void migrate(Worker& worker, const std::string& id) {
        livekit::MigrateJobRequest request;
        request.add_job_ids(id);
        dispatcher.migrated(clock(), worker, request);
    }
    // To whom, of that kind.
    std::vector<std::string> told(livekit::ServerMessage::MessageCase kind) const {
        std::vector<std::string> result;
        for (const auto& [to, message] : sent)
            if (message.message_case() == kind) result.push_back(to);
        return result;
    }
    std::vector<std::string> offered() const { return told(livekit::ServerMessage::kAvailability); }
    std::vector<std::string> assigned() const { return told(livekit::ServerMessage::kAssignment); }
    std::vector<std::string> ended() const { return told(livekit::ServerMessage::kTermination); }

    using Ids = std::vector<std::string>;
    Timestamp now = Timestamp::micros(1'000'000);
    WorkerPool pool;
    token::KeyMap keys{{{"key", "a-secret-of-thirty-two-characters"}}};
    JobDispatcher dispatcher{pool, keys, Rng(3), *this};
    std::vector<std::pair<std::string, livekit::ServerMessage>> sent;
    std::vector<JobDispatcher::Outcome> answers;
    Ids started;
    Ids held;  // "AJ_1 AW_a"
    std::vector<livekit::Job> over;
    std::vector<bool> over_lost;
};

using Ids = World::Ids;

}  // namespace

TEST_CASE("JobDispatcher: offer, acceptance, assignment [CON-52]") {
    World w;
    Worker& a = w.worker("AW_a");
    w.request("AJ_1");
    REQUIRE(w.offered() == Ids{"AW_a"});
    const livekit::Job& offered = w.sent[0].second.availability().job();
    CHECK(offered.state().status() == JS_RUNNING);
    CHECK(offered.state().worker_id() == "AW_a");
    CHECK(offered.state().started_at() == w.clock().wall.us() * 1000);
    CHECK(a.unseen == 1);
    CHECK(w.answers.empty());
    w.say(a, "AJ_1", true);
    REQUIRE(w.assigned() == Ids{"AW_a"});
    const livekit::JobAssignment& assignment = w.sent[1].second.assignment();
    CHECK(assignment.job().state().participant_identity() == "agent-AJ_1");
    CHECK_FALSE(assignment.has_url());
    CHECK(token::verify_token(assignment.token(), w.keys, w.clock().wall)->identity ==
          "agent-AJ_1");
    REQUIRE(w.answers.size() == 1);
    CHECK(w.answers[0]->status() == JS_RUNNING);
    CHECK(w.answers[0]->worker_id() == "AW_a");
    CHECK(w.started == Ids{"AJ_1"});
    CHECK(a.jobs == 1);
    CHECK(w.dispatcher.offers() == 0);
    CHECK(w.dispatcher.jobs() == 1);
    CHECK(w.dispatcher.next_deadline().is_never());
}

TEST_CASE("JobDispatcher: an agent without an identity gets one of its job [DSP-11]") {
    World w;
    Worker& a = w.worker("AW_a");
    w.request("AJ_1");
    livekit::AvailabilityResponse answer;
    answer.set_job_id("AJ_1");
    answer.set_available(true);
    w.dispatcher.answered(w.clock(), a, answer);
    REQUIRE(w.answers.size() == 1);
    CHECK(w.answers[0]->participant_identity() == "agent-AJ_1");
}

TEST_CASE("JobDispatcher: who refuses is passed over, when all do the request fails [CON-52]") {
    World w;
    Worker& a = w.worker("AW_a");
    Worker& b = w.worker("AW_b");
    w.request("AJ_1");
    Worker& first = w.offered()[0] == "AW_a" ? a : b;
    Worker& second = w.offered()[0] == "AW_a" ? b : a;
    w.say(first, "AJ_1", false);
    REQUIRE(w.offered().size() == 2);
    CHECK(w.offered()[1] == second.id);
    CHECK(first.unseen == 0);
    w.say(first, "AJ_1", true);  // answered already
    CHECK(w.assigned().empty());
    w.say(second, "AJ_1", false);
    REQUIRE(w.answers.size() == 1);
    CHECK(w.answers[0].error().code == rpc::Code::kResourceExhausted);
    CHECK(w.dispatcher.offers() == 0);
    World empty;
    empty.request("AJ_1");
    REQUIRE(empty.answers.size() == 1);
    CHECK(empty.answers[0].error().code == rpc::Code::kResourceExhausted);
}

TEST_CASE("JobDispatcher: terminate is success at once, and nobody else is asked [CON-52]") {
    World w;
    Worker& a = w.worker("AW_a");
    w.request("AJ_1");
    w.say(a, "AJ_1", false, true);
    REQUIRE(w.answers.size() == 1);
    CHECK(w.answers[0]->status() == JS_SUCCESS);
    CHECK(w.answers[0]->ended_at() > 0);
    CHECK(w.dispatcher.jobs() == 0);
    CHECK(w.assigned().empty());
}

TEST_CASE("JobDispatcher: who is silent may still be late, the first to accept has it [DSP-06]") {
    for (const bool late_first : {false, true}) {
        CAPTURE(late_first);
        World w;
        Worker& a = w.worker("AW_a");
        w.request("AJ_1");
        Worker& b = w.worker("AW_b");
        w.advance(JobDispatcher::kOfferTimeout - Duration::micros(1));
        CHECK(w.offered().size() == 1);
        w.advance(Duration::micros(1));
        CHECK(w.offered() == Ids{"AW_a", "AW_b"});
        CHECK(a.silent_until == w.now + WorkerPool::kSilentTime);
        w.say(late_first ? a : b, "AJ_1", true);
        CHECK(w.assigned() == Ids{late_first ? "AW_a" : "AW_b"});
        w.say(late_first ? b : a, "AJ_1", true);
        CHECK(w.assigned().size() == 1);
        CHECK(w.ended() == Ids{late_first ? "AW_b" : "AW_a"});
        CHECK(w.answers.size() == 1);
        CHECK((a.silent_until == Timestamp()) == late_first);
    }
}

TEST_CASE("JobDispatcher: a request ends when nobody waits for it any more [DSP-02]") {
    World w;
    Worker& a = w.worker("AW_a");
    w.request("AJ_1", Duration::seconds(12));
    w.advance(Duration::seconds(12) - Duration::micros(1));
    CHECK(w.answers.empty());
    CHECK(w.offered().size() == 1);
    w.advance(Duration::micros(1));
    REQUIRE(w.answers.size() == 1);
    CHECK(w.answers[0].error().code == rpc::Code::kDeadlineExceeded);
    w.say(a, "AJ_1", true);  // nobody knows it any more
    CHECK(w.assigned().empty());
    CHECK(w.dispatcher.next_deadline().is_never());
    // A patience shorter than that of an offer.
    w.request("AJ_2", Duration::seconds(1));
    w.advance(Duration::seconds(1));
    CHECK(w.answers.size() == 2);
}

TEST_CASE("JobDispatcher: a request that is asked again is one job [DSP-02]") {
    World w;
    Worker& a = w.worker("AW_a");
    w.request("AJ_1");
    w.request("AJ_1");
    CHECK(w.offered().size() == 1);
    w.say(a, "AJ_1", true);
    CHECK(w.answers.size() == 1);
    w.request("AJ_1");  // it runs
    REQUIRE(w.answers.size() == 2);
    CHECK(w.answers[1]->worker_id() == "AW_a");
    CHECK(w.offered().size() == 1);
}

TEST_CASE("JobDispatcher: a worker that goes while it is asked is passed over [CON-52]") {
    World w;
    w.worker("AW_a");
    w.request("AJ_1");
    Worker& b = w.worker("AW_b");
    w.lose("AW_a");
    REQUIRE(w.offered() == Ids{"AW_a", "AW_b"});
    w.say(b, "AJ_1", true);
    CHECK(w.assigned() == Ids{"AW_b"});
    w.request("AJ_2");
    w.lose("AW_b");
    CHECK(w.answers.back().error().code == rpc::Code::kResourceExhausted);
}

TEST_CASE("JobDispatcher: a worker whose key is gone gets no job [DSP-10]") {
    World w;
    Worker& a = w.worker("AW_a");
    a.api_key = "gone";
    w.request("AJ_1");
    w.say(a, "AJ_1", true);
    CHECK(w.assigned().empty());
    REQUIRE(w.answers.size() == 1);
    CHECK_FALSE(w.answers[0]);
}

TEST_CASE("JobDispatcher: a job ends as its worker says [WRK-08]") {
    World w;
    Worker& a = w.worker("AW_a");
    Worker& b = w.worker("AW_b", 0.99);
    for (const livekit::JobStatus status : {JS_SUCCESS, JS_FAILED}) {
        const std::string id = "AJ_" + std::to_string(status);
        b.available = false;
        w.request(id);
        w.say(a, id, true);
        w.update(b, id, status);  // not its job
        w.update(a, "AJ_x", status);
        w.update(a, id, JS_RUNNING);
        CHECK(w.dispatcher.jobs() == 1);
        w.update(a, id, status);
        CHECK(w.dispatcher.jobs() == 0);
        CHECK(a.jobs == 0);
        REQUIRE_FALSE(w.over.empty());
        CHECK(w.over.back().id() == id);
        CHECK(w.over.back().state().status() == status);
        CHECK_FALSE(w.over_lost.back());
        w.update(a, id, status);
    }
    CHECK(w.over.size() == 2);
}

TEST_CASE(
    "JobDispatcher: a job that is ended from outside is forgotten at once [WRK-11] [RPC-08]") {
    World w;
    Worker& a = w.worker("AW_a");
    w.request("AJ_1");
    w.say(a, "AJ_1", true);
    const auto state = w.dispatcher.terminate(w.clock(), "AJ_1", ::rpc::TERMINATION_REQUESTED);
    REQUIRE(state);
    CHECK(state->status() == JS_SUCCESS);
    CHECK(w.ended() == Ids{"AW_a"});
    CHECK(a.jobs == 0);
    w.update(a, "AJ_1", JS_FAILED);  // late, and without effect
    CHECK(w.over.empty());
    const auto again = w.dispatcher.terminate(w.clock(), "AJ_1", ::rpc::TERMINATION_REQUESTED);
    CHECK(again.error().code == rpc::Code::kNotFound);
    w.request("AJ_2");
    w.say(a, "AJ_2", true);
    const auto left = w.dispatcher.terminate(w.clock(), "AJ_2", ::rpc::AGENT_LEFT_ROOM);
    CHECK(left->status() == JS_FAILED);
    CHECK(left->error() == "agent worker left the room");
}

TEST_CASE("JobDispatcher: jobs of a lost worker are kept for a while [WRK-10]") {
    World w;
    Worker& a = w.worker("AW_a");
    w.request("AJ_1");
    w.say(a, "AJ_1", true);
    w.lose("AW_a");
    w.advance(JobDispatcher::kKeptWithoutWorker - Duration::micros(1));
    CHECK(w.over.empty());
    CHECK(w.dispatcher.jobs() == 1);
    w.advance(Duration::micros(1));
    REQUIRE(w.over.size() == 1);
    CHECK(w.over_lost[0]);
    CHECK(w.over[0].state().status() == JS_FAILED);
    CHECK(w.over[0].state().error() == "the worker is gone");
    CHECK(w.dispatcher.jobs() == 0);
}

TEST_CASE("JobDispatcher: a worker that is back takes its jobs along [WRK-10]") {
    World w;
    Worker& a = w.worker("AW_a");
    w.request("AJ_1");
    w.say(a, "AJ_1", true);
    CHECK(w.held.empty());
    w.lose("AW_a");
    Worker& other = w.worker("AW_o");
    other.api_key = "another";
    other.available = false;
    w.migrate(other, "AJ_1");  // of another project: not its job
    CHECK(w.ended() == Ids{"AW_o"});
    Worker& b = w.worker("AW_b");
    w.migrate(b, "AJ_1");
    w.migrate(b, "AJ_1");
    CHECK(b.jobs == 1);
    CHECK(w.ended() == Ids{"AW_o"});
    CHECK(w.held == Ids{"AJ_1 ", "AJ_1 AW_b"});
    w.advance(JobDispatcher::kKeptWithoutWorker * 2);
    CHECK(w.over.empty());
    CHECK(w.dispatcher.terminate(w.clock(), "AJ_1", ::rpc::TERMINATION_REQUESTED));
    CHECK(w.ended().back() == "AW_b");
    CHECK(b.jobs == 0);
    // Before the old connection was known to be gone.
    Worker& c = w.worker("AW_c");
    b.available = c.available = false;
    Worker& d = w.worker("AW_d");
    w.request("AJ_2");
    w.say(d, "AJ_2", true);
    w.migrate(c, "AJ_2");
    CHECK(d.jobs == 0);
    CHECK(c.jobs == 1);
    w.lose("AW_d");
    w.update(c, "AJ_2", JS_SUCCESS);
    CHECK(w.over.size() == 1);
}

TEST_CASE("JobDispatcher: the end of a job without worker goes to all that may have it [WRK-10]") {
    World w;
    Worker& a = w.worker("AW_a");
    w.request("AJ_1");
    w.say(a, "AJ_1", true);
    w.lose("AW_a");
    w.worker("AW_b");
    w.worker("AW_c");
    w.worker("AW_d").key.agent_name = "other";
    w.worker("AW_e").api_key = "another";
    CHECK(w.dispatcher.terminate(w.clock(), "AJ_1", ::rpc::TERMINATION_REQUESTED));
    CHECK(w.ended() == Ids{"AW_b", "AW_c"});
    CHECK(w.dispatcher.next_deadline().is_never());
}

TEST_CASE("JobDispatcher: a simulated job is offered to the asking worker alone [WRK-09]") {
    World w;
    Worker& a = w.worker("AW_a");
    w.worker("AW_b");
    livekit::SimulateJobRequest request;
    w.dispatcher.simulate(w.clock(), a, request);  // no room: nothing
    CHECK(w.offered().empty());
    request.mutable_room()->set_name("sim");
    request.set_type(livekit::JT_PARTICIPANT);
    w.dispatcher.simulate(w.clock(), a, request);
    REQUIRE(w.offered() == Ids{"AW_a"});
    const livekit::Job job = w.sent[0].second.availability().job();
    CHECK(job.type() == livekit::JT_ROOM);
    CHECK(job.dispatch_id().empty());
    CHECK(job.agent_name() == "bot");
    w.say(a, job.id(), true);
    CHECK(w.assigned() == Ids{"AW_a"});
    CHECK(w.started.empty());
    w.update(a, job.id(), JS_SUCCESS);
    CHECK(w.over.empty());
    request.mutable_participant()->set_identity("bob");
    w.dispatcher.simulate(w.clock(), a, request);
    const livekit::Job second = w.sent.back().second.availability().job();
    CHECK(second.type() == livekit::JT_PUBLISHER);
    w.say(a, second.id(), false);
    CHECK(w.offered().size() == 2);
    CHECK(w.dispatcher.offers() == 0);
    w.dispatcher.simulate(w.clock(), a, request);
    w.advance(JobDispatcher::kOfferTimeout);
    CHECK(w.dispatcher.offers() == 0);
}

TEST_CASE("JobDispatcher: so many offers and no more [IMM-15]") {
    World w;
    Worker& a = w.worker("AW_a");
    for (std::size_t i = 0; i < JobDispatcher::kMaxOffers - 1; ++i)
        w.request("AJ_" + std::to_string(i));
    CHECK(w.dispatcher.offers() == JobDispatcher::kMaxOffers - 1);
    w.request("AJ_last");
    CHECK(w.dispatcher.offers() == JobDispatcher::kMaxOffers);
    CHECK(w.answers.empty());
    w.request("AJ_more");
    REQUIRE(w.answers.size() == 1);
    CHECK(w.answers[0].error().text == "too many jobs on this node");
    CHECK(w.answers[0].error().code == rpc::Code::kUnavailable);  // it says nothing of the job
    livekit::SimulateJobRequest request;
    request.mutable_room()->set_name("sim");
    w.dispatcher.simulate(w.clock(), a, request);
    CHECK(w.dispatcher.offers() == JobDispatcher::kMaxOffers);
}

TEST_CASE(
    "JobDispatcher: a worker that tries to come back as long as SDKs do finds its jobs [WRK-15]") {
    constexpr Duration kPython = Duration::seconds(130);
    World w;
    Worker& a = w.worker("AW_a");
    w.request("AJ_1");
    w.say(a, "AJ_1", true);
    w.lose("AW_a");
    w.advance(kPython + Duration::seconds(10));
    CHECK(w.over.empty());
    Worker& b = w.worker("AW_b");
    w.migrate(b, "AJ_1");
    CHECK(b.jobs == 1);
    CHECK(w.ended().empty());
}

TEST_CASE("JobDispatcher: a job that nobody here knows goes on, and its end is told [WRK-10]") {
    World w;
    Worker& a = w.worker("AW_a");
    const std::string id = "AJ_23456789ABCD";
    w.migrate(a, id);
    w.migrate(a, id);
    CHECK(w.ended().empty());
    CHECK(w.started == Ids{id});
    CHECK(w.held == Ids{id + " AW_a"});
    CHECK(a.jobs == 1);
    CHECK(w.dispatcher.jobs() == 1);
    CHECK(w.dispatcher.next_deadline().is_never());
    w.update(a, id, JS_RUNNING);
    CHECK(w.over.empty());
    w.update(a, id, JS_SUCCESS);
    REQUIRE(w.over.size() == 1);
    CHECK(w.over[0].id() == id);
    CHECK(w.over[0].agent_name() == "bot");
    CHECK(w.over[0].state().status() == JS_SUCCESS);
    CHECK(a.jobs == 0);
    // Its worker may be lost once more.
    const std::string other = "AJ_23456789ABCE";
    w.migrate(a, other);
    w.lose("AW_a");
    w.advance(JobDispatcher::kKeptWithoutWorker);
    CHECK(w.over.size() == 2);
    CHECK(w.over_lost[1]);
    Worker& b = w.worker("AW_b");
    w.migrate(b, other);  // and come back all the same: nothing says that it is over
    CHECK(w.ended().empty());
    CHECK(w.dispatcher.jobs() == 1);
}

TEST_CASE("JobDispatcher: a job that ended here is not brought back [WRK-10]") {
    const std::string said = "AJ_23456789ABCD";
    const std::string ended = "AJ_23456789ABCE";
    World w;
    Worker& a = w.worker("AW_a");
    for (const std::string& id : {said, ended}) {
        w.request(id);
        w.say(a, id, true);
    }
    w.update(a, said, JS_SUCCESS);
    w.lose("AW_a");
    CHECK(w.dispatcher.terminate(w.clock(), ended, ::rpc::TERMINATION_REQUESTED));
    Worker& b = w.worker("AW_b");
    w.migrate(b, said);
    w.migrate(b, ended);
    CHECK(w.ended() == Ids{"AW_b", "AW_b"});
    CHECK(w.dispatcher.jobs() == 0);
    w.advance(EndedJobs::kKept);
    w.migrate(b, ended);  // nobody remembers
    CHECK(w.ended().size() == 2);
    CHECK(w.dispatcher.jobs() == 1);
}

TEST_CASE(
    "JobDispatcher: a job whose agent left while its worker was away may be brought back "
    "[WRK-10]") {
    const std::string id = "AJ_23456789ABCD";
    for (const bool away : {true, false}) {
        CAPTURE(away);
        World w;
        Worker& a = w.worker("AW_a");
        w.request(id);
        w.say(a, id, true);
        if (away) w.lose("AW_a");
        CHECK(w.dispatcher.terminate(w.clock(), id, ::rpc::AGENT_LEFT_ROOM));
        if (!away) w.lose("AW_a");
        Worker& b = w.worker("AW_b");
        w.migrate(b, id);
        CHECK(w.told(livekit::ServerMessage::kTermination) == (away ? Ids{} : Ids{"AW_a", "AW_b"}));
        CHECK(w.dispatcher.jobs() == (away ? 1 : 0));
    }
}

TEST_CASE("JobDispatcher: what is no id of a job is none [WRK-10]") {
    World w;
    Worker& a = w.worker("AW_a");
    const Ids none = {"",
                      "AJ_",
                      "AJ_23456789ABC",
                      "AJ_23456789ABCDE",
                      "AJ_23456789AB/D",
                      "XX_23456789ABCD",
                      std::string(5000, 'x')};
    for (const std::string& id : none)
        w.migrate(a, id);
    CHECK(w.ended().size() == none.size());
    CHECK(w.dispatcher.jobs() == 0);
}

TEST_CASE("JobDispatcher: a job that is on offer is not brought along [WRK-10]") {
    World w;
    Worker& a = w.worker("AW_a");
    w.request("AJ_23456789ABCD");
    w.migrate(a, "AJ_23456789ABCD");
    CHECK(w.dispatcher.jobs() == 0);
    w.say(a, "AJ_23456789ABCD", true);
    CHECK(w.dispatcher.jobs() == 1);
    CHECK(a.jobs == 1);
}

TEST_CASE("JobDispatcher: so many jobs are brought along and no more [IMM-15]") {
    World w;
    Worker& a = w.worker("AW_a");
    Rng rng(1);
    std::string last;
    const auto bring = [&] { w.migrate(a, last = token::make_id(token::kAgentJobPrefix, rng)); };
    for (std::size_t i = 0; i < JobDispatcher::kMaxAdopted - 1; ++i)
        bring();
    CHECK(w.dispatcher.jobs() == JobDispatcher::kMaxAdopted - 1);
    bring();
    const std::string taken = last;
    bring();
    CHECK(w.dispatcher.jobs() == JobDispatcher::kMaxAdopted);
    CHECK(w.ended().empty());  // it is not followed, which is no reason to end it
    w.update(a, taken, JS_SUCCESS);
    bring();
    CHECK(w.dispatcher.jobs() == JobDispatcher::kMaxAdopted);
    w.request("AJ_1");  // those of this node go on
    w.say(a, "AJ_1", true);
    CHECK(w.answers.back());
}

TEST_CASE("JobDispatcher: what a worker could not say while it was away is heard first [WRK-08]") {
    for (const livekit::JobStatus status : {JS_SUCCESS, JS_FAILED}) {
        World w;
        Worker& a = w.worker("AW_a");
        w.request("AJ_1");
        w.say(a, "AJ_1", true);
        Worker& other = w.worker("AW_o");
        w.update(other, "AJ_1", status);  // somebody else has it
        CHECK(w.dispatcher.jobs() == 1);
        w.lose("AW_a");
        other.key.agent_name = "other";
        w.update(other, "AJ_1", status);  // of another kind
        Worker& foreign = w.worker("AW_f");
        foreign.api_key = "another";
        w.update(foreign, "AJ_1", status);
        CHECK(w.over.empty());
        Worker& b = w.worker("AW_b");
        w.update(b, "AJ_1", JS_RUNNING);
        CHECK(b.jobs == 1);
        CHECK(w.dispatcher.next_deadline().is_never());  // it is not lost any more
        w.update(b, "AJ_1", status);
        REQUIRE(w.over.size() == 1);
        CHECK(w.over[0].state().status() == status);
        CHECK_FALSE(w.over_lost[0]);
        CHECK(w.over[0].state().worker_id() == "AW_b");
        CHECK(b.jobs == 0);
    }
}

TEST_CASE("JobDispatcher: so many simulated jobs of a worker [WRK-09] [IMM-15]") {
    World w;
    Worker& a = w.worker("AW_a");
    Worker& b = w.worker("AW_b");
    livekit::SimulateJobRequest request;
    request.mutable_room()->set_name("sim");
    const auto simulate = [&](Worker& worker, bool accept) {
        const std::size_t before = w.offered().size();
        w.dispatcher.simulate(w.clock(), worker, request);
        if (w.offered().size() == before) return std::string();
        const std::string id = w.sent.back().second.availability().job().id();
        w.say(worker, id, accept);
        return id;
    };
    std::string last;
    for (std::size_t i = 0; i < JobDispatcher::kMaxSimulated - 1; ++i) {
        last = simulate(a, true);
        (void)simulate(a, false);  // what is refused does not count
    }
    w.dispatcher.simulate(w.clock(), a, request);  // an offer does
    CHECK(a.simulated == JobDispatcher::kMaxSimulated);
    CHECK(simulate(a, true).empty());
    CHECK_FALSE(simulate(b, true).empty());
    w.update(a, last, JS_SUCCESS);
    CHECK_FALSE(simulate(a, true).empty());
    w.advance(JobDispatcher::kOfferTimeout);
    CHECK_FALSE(simulate(a, true).empty());
    CHECK(simulate(a, true).empty());
    // Node workers never say that one is over.
    CHECK(w.dispatcher.jobs() == JobDispatcher::kMaxSimulated + 1);
    w.advance(JobDispatcher::kSimulatedTime - Duration::micros(1));
    CHECK(w.dispatcher.jobs() > 0);
    CHECK_FALSE(w.dispatcher.next_deadline().is_never());
    w.advance(Duration::micros(1));
    CHECK(w.dispatcher.jobs() == 0);
    CHECK(a.simulated == 0);
    CHECK(a.jobs == 0);
    CHECK(w.over.empty());
    CHECK(w.ended().empty());
    (void)simulate(a, true);
    w.lose("AW_a");
    CHECK(w.dispatcher.jobs() == 0);
    CHECK(w.dispatcher.next_deadline().is_never());
}

TEST_CASE("JobDispatcher: so many jobs and no more, simulated ones too [IMM-15]") {
    World w;
    Worker& a = w.worker("AW_a");
    for (std::size_t i = 0; i < JobDispatcher::kMaxJobs; ++i) {
        REQUIRE(w.dispatcher.jobs() == i);
        w.request("AJ_" + std::to_string(i));
        w.say(a, "AJ_" + std::to_string(i), true);
        w.sent.clear();
        w.answers.clear();
    }
    CHECK(w.dispatcher.jobs() == JobDispatcher::kMaxJobs);
    w.request("AJ_more");
    REQUIRE(w.answers.size() == 1);
    CHECK(w.answers[0].error().text == "too many jobs on this node");
    livekit::SimulateJobRequest request;
    request.mutable_room()->set_name("sim");
    w.dispatcher.simulate(w.clock(), a, request);
    w.migrate(a, "AJ_23456789ABCD");
    CHECK(w.sent.empty());
    CHECK(w.dispatcher.jobs() == JobDispatcher::kMaxJobs);
    w.update(a, "AJ_0", JS_SUCCESS);
    w.dispatcher.simulate(w.clock(), a, request);
    CHECK(w.offered() == Ids{"AW_a"});
}

}  // namespace confab::agents
