// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/worker_pool.h"

#include <doctest/doctest.h>

#include <limits>
#include <map>
#include <string>

namespace confab::agents {
namespace {

const WorkerKey kBot{livekit::JT_ROOM, "bot", "", ""};

Worker worker(const std::string& id, double load = 0, const WorkerKey& key = kBot) {
    Worker result;
    result.id = id;
    result.key = key;
    result.load = load;
    return result;
}

livekit::UpdateWorkerStatus said(float load) {
    livekit::UpdateWorkerStatus status;
    status.set_load(load);
    return status;
}

// How often each was chosen of `times`.
std::map<std::string, int> draws(WorkerPool& pool, int times, Timestamp now = Timestamp()) {
    Rng rng(5);
    std::map<std::string, int> count;
    for (int i = 0; i < times; ++i) {
        const Worker* chosen = pool.choose(kBot, {}, now, rng);
        REQUIRE(chosen != nullptr);
        ++count[chosen->id];
    }
    return count;
}

}  // namespace

TEST_CASE("WorkerPool: draws by what the load leaves [CON-52]") {
    WorkerPool pool;
    pool.add(worker("AW_a", 0.2));
    pool.add(worker("AW_b", 0.6));
    const auto count = draws(pool, 3000);
    CHECK(count.at("AW_a") > 1850);  // two thirds
    CHECK(count.at("AW_a") < 2150);
    CHECK(count.at("AW_b") > 850);
}

TEST_CASE("WorkerPool: who is full or was tried is not asked [WRK-06] [DSP-06]") {
    WorkerPool pool;
    Rng rng(1);
    CHECK(pool.choose(kBot, {}, {}, rng) == nullptr);
    pool.add(worker("AW_a", 0.99));
    REQUIRE(pool.choose(kBot, {}, {}, rng) != nullptr);
    CHECK(pool.choose(kBot, {"AW_a"}, {}, rng) == nullptr);
    livekit::UpdateWorkerStatus full = said(0);
    full.set_status(livekit::WS_FULL);
    WorkerPool::update(*pool.find("AW_a"), full);
    CHECK(pool.choose(kBot, {}, {}, rng) == nullptr);
    WorkerPool::update(*pool.find("AW_a"), said(0.5F));  // without a status the old one holds
    CHECK(pool.choose(kBot, {}, {}, rng) == nullptr);
    livekit::UpdateWorkerStatus back = said(0.5F);
    back.set_status(livekit::WS_AVAILABLE);
    WorkerPool::update(*pool.find("AW_a"), back);
    CHECK(pool.choose(kBot, {}, {}, rng) != nullptr);
}

TEST_CASE("WorkerPool: loads that are no loads do no harm [WRK-06]") {
    WorkerPool pool;
    Rng rng(1);
    for (const float load : {-1.0F, -std::numeric_limits<float>::infinity()}) {
        WorkerPool::update(pool.add(worker("AW_a")), said(load));
        CHECK(pool.find("AW_a")->load == 0);
        CHECK(pool.choose(kBot, {}, {}, rng) != nullptr);
    }
    for (const float load :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        WorkerPool::update(pool.add(worker("AW_a")), said(load));
        CHECK(pool.choose(kBot, {}, {}, rng) != nullptr);
        CHECK(pool.affinity(kBot, 0.7) > 0);
    }
}

TEST_CASE("WorkerPool: who says that it takes jobs gets them at any load, after others [DSP-06]") {
    for (const double load : {1.0, 1.5, 40.0}) {
        WorkerPool pool;
        Rng rng(1);
        pool.add(worker("AW_a", load));
        REQUIRE(pool.choose(kBot, {}, {}, rng) != nullptr);
        pool.add(worker("AW_b", 0.2));
        CHECK(draws(pool, 1000).at("AW_b") > 990);
        pool.find("AW_b")->unseen = 20;  // beyond what it may take by that: still before the other
        CHECK(draws(pool, 1000).at("AW_b") > 990);
        REQUIRE(pool.choose(kBot, {"AW_b"}, {}, rng) != nullptr);
        CHECK(pool.choose(kBot, {"AW_b"}, {}, rng)->id == "AW_a");
    }
}

TEST_CASE("WorkerPool: only exactly the same key fits [CON-52]") {
    WorkerPool pool;
    Rng rng(1);
    pool.add(worker("AW_a", 0, {livekit::JT_ROOM, "bot", "n", ""}));
    pool.add(worker("AW_b", 0, {livekit::JT_ROOM, "bot", "", "blue"}));
    pool.add(worker("AW_c", 0, {livekit::JT_PUBLISHER, "bot", "", ""}));
    pool.add(worker("AW_d", 0, {livekit::JT_ROOM, "", "", ""}));
    CHECK(pool.choose(kBot, {}, {}, rng) == nullptr);
    CHECK_FALSE(pool.has(kBot));
    CHECK(pool.affinity(kBot, 0.7) < 0);
    CHECK(pool.keys().size() == 4);
    pool.add(worker("AW_e"));
    REQUIRE(pool.choose(kBot, {}, {}, rng) != nullptr);
    CHECK(pool.choose(kBot, {}, {}, rng)->id == "AW_e");
    CHECK(pool.has(kBot));
    pool.remove("AW_e");
    CHECK(pool.choose(kBot, {}, {}, rng) == nullptr);
    CHECK(pool.find("AW_e") == nullptr);
}

TEST_CASE("WorkerPool: offers count as load until the worker tells its own [DSP-03]") {
    WorkerPool pool;
    pool.add(worker("AW_a"));
    pool.add(worker("AW_b"));
    pool.find("AW_a")->unseen = 9;
    CHECK(pool.find("AW_a")->expected_load() == doctest::Approx(0.9));
    CHECK(draws(pool, 1000).at("AW_b") > 850);
    WorkerPool::update(*pool.find("AW_a"), said(0));
    CHECK(draws(pool, 1000).at("AW_b") < 600);
    // As its running jobs do.
    pool.find("AW_a")->jobs = 2;
    pool.find("AW_a")->load = 0.4;
    pool.find("AW_a")->unseen = 1;
    CHECK(pool.find("AW_a")->expected_load() == doctest::Approx(0.6));
    // Both beyond what they may take by that: still somebody gets it.
    pool.find("AW_a")->unseen = 20;
    pool.find("AW_b")->unseen = 20;
    CHECK(draws(pool, 100).size() == 2);
}

TEST_CASE("WorkerPool: a hundred jobs at once are spread over five workers [DSP-03] [CON-52]") {
    WorkerPool pool;
    Rng rng(9);
    for (int i = 0; i < 5; ++i)
        pool.add(worker("AW_" + std::to_string(i)));
    std::map<std::string, int> count;
    for (int i = 0; i < 100; ++i) {
        Worker* chosen = pool.choose(kBot, {}, {}, rng);
        ++chosen->unseen;
        ++count[chosen->id];
    }
    for (const auto& [id, jobs] : count)
        CHECK(jobs < 35);
    CHECK(count.size() == 5);
}

TEST_CASE("WorkerPool: who left an offer unanswered is asked last, for a time [DSP-06]") {
    WorkerPool pool;
    pool.add(worker("AW_a"));
    pool.add(worker("AW_b", 0.9));
    const Timestamp then = Timestamp::micros(1'000'000);
    const Timestamp forgotten = then + WorkerPool::kSilentTime;
    pool.find("AW_a")->silent_until = forgotten;
    CHECK(draws(pool, 50, then).at("AW_b") == 50);
    CHECK(draws(pool, 50, forgotten - Duration::micros(1)).at("AW_b") == 50);
    Rng rng(1);
    REQUIRE(pool.choose(kBot, {"AW_b"}, then, rng) != nullptr);
    CHECK(pool.choose(kBot, {"AW_b"}, then, rng)->id == "AW_a");
    CHECK(draws(pool, 50, forgotten)["AW_a"] > 30);
}

TEST_CASE("WorkerPool: how well a node suits [DSP-01] [DSP-08] [RPC-07]") {
    WorkerPool pool;
    CHECK(pool.affinity(kBot, 0.7) == -1);
    pool.add(worker("AW_a", 0.69));
    CHECK(pool.affinity(kBot, 0.7) == doctest::Approx(0.01));
    pool.add(worker("AW_b", 0.2));
    CHECK(pool.affinity(kBot, 0.7) == doctest::Approx(0.51));
    // All above the target: below every node that has room, and the least loaded wins.
    pool.find("AW_a")->load = 0.7;
    pool.find("AW_b")->load = 0.95;
    const double busy = pool.affinity(kBot, 0.7);
    CHECK(busy > 0);
    CHECK(busy < 0.001);
    pool.find("AW_a")->load = 0.8;
    CHECK(pool.affinity(kBot, 0.7) < busy);
    pool.find("AW_a")->available = false;
    pool.find("AW_b")->load = 1;  // it says that it takes jobs
    CHECK(pool.affinity(kBot, 0.7) > 0);
    CHECK(pool.affinity(kBot, 0.7) < 0.00001);
    pool.find("AW_b")->available = false;
    CHECK(pool.affinity(kBot, 0.7) == -1);
}

TEST_CASE("WorkerPool: who may get no token is not drawn and attracts nothing [DSP-10]") {
    WorkerPool pool;
    Rng rng(1);
    pool.add(worker("AW_a")).revoked = true;
    CHECK(pool.choose(kBot, {}, {}, rng) == nullptr);
    CHECK(pool.affinity(kBot, 0.7) < 0);
    pool.add(worker("AW_b", 0.5));
    CHECK(pool.choose(kBot, {}, {}, rng)->id == "AW_b");
    CHECK(pool.affinity(kBot, 0.7) == doctest::Approx(0.2));
}

}  // namespace confab::agents
