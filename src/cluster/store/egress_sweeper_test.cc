// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/egress_sweeper.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "cluster/store/masters_testing.h"
#include "cluster/store/world_testing.h"

namespace confab::cluster::store {
namespace {

using testing::World;

const UnixTime kStart = UnixTime::seconds(1'795'162'000);

struct Sweeping {
    explicit Sweeping(RoomScripts::Form form = RoomScripts::Form::kTogether)
        : port(testing::attach(world, form)), sweeper(*port, world.notices, world.now) {
        const Timestamp start = world.now;
        world.machines.push_back(
            {[this, start](Timestamp at) { sweeper.handle_timeout(at, kStart + (at - start)); },
             [this] { return sweeper.next_deadline(); }});
    }
    // Ended that long before the start.
    void ended(const std::string& id, const std::string& room, Duration ago) {
        world.run({"HSET", "egress", id, "x"});
        world.run({"SADD", "egress:room:" + room, id});
        const std::string note = room + "|" + std::to_string((kStart - ago).us() * 1000);
        world.run({"HSET", "ended_egress", id, note});
    }
    World world;
    std::unique_ptr<redis::Port> port;
    EgressSweeper sweeper;
};

constexpr Duration kDay = Duration::seconds(86'400);

}  // namespace

TEST_CASE("EgressSweeper: soon, and then each half hour, takes what ended a day ago [RDS-22]") {
    Sweeping s;
    s.ended("EG_old", "r", kDay);
    s.ended("EG_mark", "a|b|c", kDay);  // upstream's sweep ends here for ever
    s.ended("EG_new", "r", kDay - Duration::seconds(3600));
    s.world.run({"HSET", "egress", "EG_runs", "x"});
    for (const char* id : {"EG_old", "EG_runs"})
        s.world.run({"HSET", "confab_egress_tenants", id, "acme"});
    s.world.pass(EgressSweeper::kFirst - Duration::seconds(1));
    CHECK(s.world.server.store().hash("egress")->size() == 4);
    s.world.pass(Duration::seconds(2));
    CHECK(s.world.field("egress", "EG_old") == "-");
    CHECK(s.world.field("egress", "EG_mark") == "-");
    CHECK(s.world.server.store().set("egress:room:a|b|c") == nullptr);
    CHECK(s.world.server.store().set("egress:room:r")->size() == 1);
    CHECK(s.world.server.store().hash("ended_egress")->size() == 1);
    CHECK(s.world.field("egress", "EG_runs") == "x");
    CHECK(s.world.field("confab_egress_tenants", "EG_old") == "-");
    CHECK(s.world.field("confab_egress_tenants", "EG_runs") == "acme");
    CHECK(s.sweeper.counts().swept == 2);
    s.ended("EG_later", "r", kDay);
    s.world.pass(EgressSweeper::kPeriod - Duration::seconds(2));
    CHECK(s.world.field("egress", "EG_later") != "-");
    s.world.pass(Duration::seconds(7200));
    CHECK(s.world.field("egress", "EG_later") == "-");
    CHECK(s.world.field("egress", "EG_new") == "-");
    CHECK(s.world.server.store().hash("ended_egress") == nullptr);
    CHECK(s.sweeper.counts().failed == 0);
}

TEST_CASE_TEMPLATE("EgressSweeper: what fails is found again: the note goes last [RDS-22]", F,
                   testing::Together, testing::Apart) {
    Sweeping s(F::kForm);
    s.ended("EG_1", "bad", kDay);
    s.world.run({"DEL", "egress:room:bad"});
    s.world.run({"SET", "egress:room:bad", "text"});
    s.world.pass(EgressSweeper::kFirst + Duration::seconds(1));
    CHECK(s.sweeper.counts().failed == 1);
    CHECK(s.world.field("ended_egress", "EG_1") != "-");
    s.world.run({"DEL", "egress:room:bad"});
    s.world.pass(EgressSweeper::kRetry);
    CHECK(s.world.field("ended_egress", "EG_1") == "-");
    CHECK(s.sweeper.counts().swept == 1);
    // An outage at each point of a sweep.
    for (int at = 0; at < 16; ++at) {
        CAPTURE(at);
        Sweeping t(F::kForm);
        t.ended("EG_1", "r", kDay);
        t.world.pass(EgressSweeper::kFirst + Duration::micros(at * 100));
        t.world.server.stop(t.world.now);
        t.world.pass(Duration::seconds(3));
        t.world.server.start(t.world.now);
        t.world.pass(EgressSweeper::kRetry + Duration::seconds(1));
        CHECK(t.world.server.store().keys().empty());
    }
}

TEST_CASE("EgressSweeper: notes that are none stay and are named, and hold up nothing") {
    Sweeping s;
    s.ended("EG_1", "r", kDay);
    for (const char* note : {"", "r", "r|", "r|12x", "r|-", "|"})
        s.world.run({"HSET", "ended_egress", std::string("EG_bad") + note, note});
    s.world.pass(Duration::seconds(1801));
    CHECK(s.world.told(Notice::Kind::kGarbage) == 6);
    CHECK(s.sweeper.counts().swept == 1);
    CHECK(s.world.server.store().hash("ended_egress")->size() == 6);
}

TEST_CASE("EgressSweeper: thousands in steps, by two nodes") {
    Sweeping s;
    const auto port = s.world.attach();
    EgressSweeper other(*port, s.world.notices, s.world.now);
    s.world.machines.push_back(
        {[&](Timestamp at) { other.handle_timeout(at, kStart + Duration::seconds(1800)); },
         [&] { return other.next_deadline(); }});
    for (int i = 0; i < 2000; ++i)
        s.ended("EG_" + std::to_string(i), "r" + std::to_string(i % 7), kDay);
    s.world.pass(Duration::seconds(1805));
    CHECK(s.world.server.store().keys().empty());
    CHECK(s.world.server.count("SREM") < 200);
}

}  // namespace confab::cluster::store
