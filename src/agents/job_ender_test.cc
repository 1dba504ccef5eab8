// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_ender.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agents/methods.h"
#include "rpc/local_bus.h"

namespace confab::agents {
namespace {

struct World {
    void settle() {
        while (earlier(hub.next_deadline(), ender->next_deadline()) <= now) {
            hub.handle_timeout(now);
            ender->handle_timeout(now);
        }
    }
    void advance(Duration by) {
        settle();
        for (const Timestamp until = now + by; now < until; settle())
            now = earlier(until, earlier(hub.next_deadline(), ender->next_deadline()));
    }
    // A worker's node that has the job and answers with `code`, or well.
    void serve(const std::string& job, std::optional<rpc::Code> code = {}) {
        auto served =
            bus.serve(kJobTerminate, {job},
                      [this, code](const rpc::Request& request, rpc::Reply reply) {
                          ::rpc::JobTerminateRequest wish;
                          REQUIRE(wish.ParseFromString(request.payload));
                          heard.push_back(wish.job_id() + " " + std::to_string(wish.reason()));
                          if (code) return reply(tl::make_unexpected(rpc::Error{*code, "no", {}}));
                          reply(::rpc::JobTerminateResponse().SerializeAsString());
                      },
                      {});
        REQUIRE(served);
        services[job] = *std::move(served);
    }
    void end(const std::string& job) {
        ender->end(now, job, ::rpc::AGENT_LEFT_ROOM);
        settle();
    }

    Timestamp now = Timestamp::micros(1'000'000);
    rpc::LocalHub hub;
    rpc::LocalBus bus{hub, "ND_one"};
    std::shared_ptr<JobEnder> ender = std::make_shared<JobEnder>(bus);
    std::map<std::string, rpc::Registration> services;
    std::vector<std::string> heard;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("JobEnder: told once, and done [RPC-08]") {
    World w;
    w.serve("AJ_1");
    w.end("AJ_1");
    CHECK(w.heard == Texts{"AJ_1 1"});
    CHECK(w.ender->size() == 0);
    CHECK(w.ender->next_deadline().is_never());
    w.serve("AJ_2", rpc::Code::kNotFound);  // it is over: as good
    w.end("AJ_2");
    w.advance(Duration::seconds(100));
    CHECK(w.heard.size() == 2);
    CHECK(w.ender->size() == 0);
}

TEST_CASE("JobEnder: what was not heard is said again, so often [RPC-08]") {
    for (const bool is_there : {false, true}) {
        CAPTURE(is_there);
        World w;
        if (is_there) w.serve("AJ_1", rpc::Code::kInternal);
        w.end("AJ_1");
        std::int64_t pause = JobEnder::kFirstRetry.us();
        for (int tries = 1; tries < JobEnder::kMaxTries; ++tries) {
            CHECK(w.ender->size() == 1);
            CHECK(w.heard.size() == (is_there ? tries : 0));
            CHECK(w.ender->next_deadline() == w.now + Duration::micros(pause));
            w.end("AJ_1");  // it is being ended
            w.advance(Duration::micros(pause));
            pause *= 2;
        }
        CHECK(w.ender->size() == 0);
        CHECK(w.ender->next_deadline().is_never());
    }
}

TEST_CASE("JobEnder: a node that is back hears it [RPC-08]") {
    World w;
    w.end("AJ_1");
    w.serve("AJ_1");
    w.advance(JobEnder::kFirstRetry);
    CHECK(w.heard == Texts{"AJ_1 1"});
    CHECK(w.ender->size() == 0);
}

TEST_CASE("JobEnder: says it again when the bus was full [RPC-08]") {
    World w;
    w.serve("AJ_1");
    for (std::size_t i = 0; i < rpc::LocalHub::kMaxPending; ++i)
        w.bus.publish(kWorkerRegistered, {""}, {});
    w.end("AJ_1");
    CHECK(w.heard.empty());
    w.advance(JobEnder::kFirstRetry);
    CHECK(w.heard == Texts{"AJ_1 1"});
}

TEST_CASE("JobEnder: so many at once, and all in the end [RPC-08] [IMM-15]") {
    for (const std::size_t more : {std::size_t{0}, std::size_t{1}, std::size_t{20'000}}) {
        World w;
        const std::size_t all = JobEnder::kMaxAsked - 1 + more;
        for (std::size_t i = 0; i < all; ++i) {
            w.serve("AJ_" + std::to_string(i));
            w.ender->end(w.now, "AJ_" + std::to_string(i), ::rpc::TERMINATION_REQUESTED);
        }
        CHECK(w.hub.snapshot().pending == std::min(all, JobEnder::kMaxAsked));
        w.settle();
        CHECK(w.heard.size() == all);
        CHECK(w.ender->size() == 0);
    }
}

TEST_CASE("JobEnder: of too many the last are not told [IMM-15]") {
    World w;
    for (std::size_t i = 0; i < JobEnder::kMaxJobs - 1; ++i)
        w.ender->end(w.now, "AJ_" + std::to_string(i), ::rpc::TERMINATION_REQUESTED);
    w.ender->end(w.now, "AJ_last", ::rpc::TERMINATION_REQUESTED);
    CHECK(w.ender->size() == JobEnder::kMaxJobs);
    w.ender->end(w.now, "AJ_more", ::rpc::TERMINATION_REQUESTED);
    CHECK(w.ender->size() == JobEnder::kMaxJobs);
}

TEST_CASE("JobEnder: answers may come after its end [RPC-08]") {
    World w;
    w.serve("AJ_1");
    w.ender->end(w.now, "AJ_1", ::rpc::TERMINATION_REQUESTED);
    w.ender.reset();
    w.hub.handle_timeout(w.now);
    w.hub.handle_timeout(w.now);
    CHECK(w.heard.size() == 1);
}

}  // namespace confab::agents
