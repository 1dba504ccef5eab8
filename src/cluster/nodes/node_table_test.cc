// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/node_table.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "base/rng.h"

namespace confab::cluster::nodes {
namespace {

// Records in Redis and a table that polls them; whose replies take no time.
struct World {
    Clock clock() const { return {now, UnixTime::seconds(1'000'000) + (now - Timestamp())}; }
    void put(const std::string& id, Duration skew = {}, bool stats = true) {
        put_as("10.0.0.1", id, skew, stats);
    }
    void put_as(const std::string& ip, const std::string& id, Duration skew = {},
                bool stats = true) {
        NodeRecord record;
        record.id = id;
        record.ip = ip;
        if (stats) record.stats.emplace().updated_at = (clock().wall + skew).s();
        ++version;
        last_put = now;
        if (stats) record.stats->figures[Counter::kBytesIn] = version;
        records[id] = write_record(record);
    }
    void poll() {
        std::vector<std::string> all;
        all.reserve(records.size());
        for (const auto& [id, bytes] : records)
            all.push_back(bytes);
        table.read(clock(), now, all);
        while (const auto event = table.poll_event()) {
            static constexpr const char* kWords[] = {"came ", "died ", "skewed ", "stands ",
                                                     "heard "};
            events.push_back(kWords[static_cast<int>(event->kind)] + event->node);
            texts.push_back(event->text);
        }
    }
    // Heartbeats of `id` each 2 s, polls each 1.8 … 2 s and when the table asks for one.
    void live(const std::string& id, Duration skew, Duration time) {
        const Timestamp end = now + time;
        Timestamp beat = now + beat_phase;
        Timestamp next_poll = now;
        while (now < end) {
            now = std::min({beat, next_poll, end});
            if (now == beat) {
                put(id, skew);
                beat = beat + Duration::seconds(2);
            }
            if (now != next_poll) continue;
            poll();
            next_poll = std::max(
                now + Duration::millis(250),
                earlier(now + Duration::millis(2000 - static_cast<std::int64_t>(rng.below(200))),
                        table.next_suspicion()));
        }
    }
    // Polls as a registry does, for so long.
    void watch(Duration time) {
        const Timestamp end = now + time;
        while (now < end) {
            poll();
            const Timestamp next =
                std::max(now + Duration::millis(250),
                         earlier(now + Duration::seconds(2), table.next_suspicion()));
            now = earlier(next, end);
        }
    }
    std::vector<std::string> take() { return std::exchange(events, {}); }
    using Words = std::vector<std::string>;

    Timestamp now = Timestamp() + Duration::millis(300);
    Timestamp last_put;
    Duration beat_phase = Duration::millis(700);
    Rng rng{1};
    std::uint64_t version = 0;
    std::map<std::string, std::string> records;
    NodeTable table{"me"};
    std::vector<std::string> events;
    std::vector<std::string> texts;
};
using Words = World::Words;
using Presence = NodeTable::Presence;

}  // namespace

TEST_CASE(
    "NodeTable: a node comes, lives, is silent for five seconds and dies [NODE-04] [NODE-24]") {
    for (const std::int64_t phase : {0, 100, 700, 1300, 1900}) {
        World world;
        world.beat_phase = Duration::millis(phase);
        world.live("a", {}, Duration::seconds(60));
        CHECK(world.take() == Words{"came a"});
        CHECK(world.table.is_usable("a"));
        CHECK(world.table.views()[0].is_alive);
        // The last record: at most two seconds before death, and no younger than now.
        world.now = world.now + Duration::seconds(2) - Duration::millis(1);
        world.put("a");
        world.now = world.now + Duration::millis(1);
        const Timestamp death = world.now;
        while (world.events.empty() && world.now < death + Duration::seconds(10))
            world.watch(Duration::millis(250));
        CHECK(world.take() == Words{"died a"});
        CHECK(world.table.snapshot().lost == 1);
        CHECK(world.now - death <= Duration::millis(5300));
        CHECK(world.now - death >= Duration::millis(3900));
        CHECK_FALSE(world.table.is_usable("a"));
        CHECK_FALSE(world.table.views()[0].is_alive);
        world.live("a", {}, Duration::seconds(4));
        CHECK(world.take() == Words{"came a"});
        CHECK(world.table.snapshot().died == 1);
    }
}

TEST_CASE("NodeTable: what this node is does not wait for its record [NODE-04] [OPS-01]") {
    World world;
    world.put("me");
    world.put("other");
    world.poll();
    const auto state = [&](const std::string& id) { return world.table.find(id)->record.state; };
    world.table.set_own_state(NodeState::kShuttingDown);
    CHECK(state("me") == NodeState::kShuttingDown);
    world.put("me");  // as written before
    world.put("other");
    world.poll();
    CHECK(state("me") == NodeState::kShuttingDown);
    CHECK(state("other") == NodeState::kServing);
    world.table.set_own_state(NodeState::kServing);
    CHECK(state("me") == NodeState::kServing);
}

TEST_CASE("NodeTable: a clock that is wrong makes nobody dead, and is told once [NODE-04]") {
    for (const std::int64_t skew : {-100'000, -61'000, -4000, 4000, 100'000})
        for (const std::int64_t phase : {0, 500, 1000, 1500, 1999}) {
            CAPTURE(skew);
            CAPTURE(phase);
            World world;
            world.beat_phase = Duration::millis(phase);
            world.put("a", Duration::millis(skew));
            world.live("a", Duration::millis(skew), Duration::seconds(120));
            CHECK(world.events.size() == 2);
            CHECK(world.events[0] == "came a");
            CHECK(world.events.back() == "skewed a");
            CHECK(world.texts.back().find(skew > 0 ? "ahead of" : "behind") != std::string::npos);
            CHECK(world.table.snapshot().skewed == 1);
            // And its death is seen as any other's.
            world.take();
            const Timestamp death = world.now;
            while (world.events.empty() && world.now < death + Duration::seconds(20))
                world.watch(Duration::millis(250));
            CHECK(world.take() == Words{"died a"});
            CHECK(world.now - death <= Duration::millis(5300));
        }
}

TEST_CASE("NodeTable: clocks that are right, nearly, are not told of [NODE-04]") {
    for (const std::int64_t skew : {-1900, -1000, -500, 0, 500, 1000, 1900})
        for (const std::int64_t phase : {0, 500, 1000, 1500, 1999}) {
            CAPTURE(skew);
            CAPTURE(phase);
            World world;
            world.beat_phase = Duration::millis(phase);
            world.live("a", Duration::millis(skew), Duration::seconds(120));
            CHECK(world.take() == Words{"came a"});
        }
}

TEST_CASE("NodeTable: wrong, but not sure to be wrong by two seconds, and nobody dies [NODE-04]") {
    for (const std::int64_t skew : {-3500, -3000, -2500, -2100, 2100, 2500, 3000, 3500})
        for (const std::int64_t phase : {0, 250, 500, 750, 1000, 1250, 1500, 1750, 1999}) {
            World world;
            world.beat_phase = Duration::millis(phase);
            world.put("a", Duration::millis(skew));
            world.live("a", Duration::millis(skew), Duration::seconds(120));
            CHECK(world.table.snapshot().died == 0);
        }
}

TEST_CASE("NodeTable: a clock that is set while its node runs kills nobody [NODE-04]") {
    for (const std::int64_t step : {-3600'000, -10'000, 10'000, 3600'000}) {
        World world;
        world.live("a", {}, Duration::seconds(20));
        world.live("a", Duration::millis(step), Duration::seconds(60));
        world.live("a", {}, Duration::seconds(60));
        CHECK(world.take() == Words{"came a", "skewed a"});
        const Timestamp death = world.now;
        while (world.events.empty() && world.now < death + Duration::seconds(20))
            world.watch(Duration::millis(250));
        CHECK(world.now - death <= Duration::millis(5300));
    }
}

TEST_CASE("NodeTable: a heartbeat that is late kills nobody, whatever the clock [NODE-04]") {
    for (const std::int64_t skew : {-100'000, -4000, 0, 4000})
        for (const std::int64_t phase : {0, 300, 700, 1100, 1500, 1900}) {
            World world;
            world.beat_phase = Duration::millis(phase);
            world.live("a", {}, Duration::seconds(10));  // and then somebody sets it
            world.live("a", Duration::millis(skew), Duration::seconds(60));
            world.beat_phase = world.last_put + Duration::millis(3900) - world.now;
            world.live("a", Duration::millis(skew), Duration::seconds(20));
            CHECK(world.table.snapshot().died == 0);
        }
}

TEST_CASE("NodeTable: one late record is no wrong clock") {
    World world;
    world.live("a", {}, Duration::seconds(10));
    const Words before = world.take();
    world.now = world.now + Duration::seconds(1);
    world.poll();
    world.now = world.now + Duration::seconds(1);
    world.put("a", -Duration::seconds(4));  // it was held up
    world.poll();
    world.live("a", {}, Duration::seconds(20));
    CHECK(world.take().empty());
}

TEST_CASE("NodeTable: what looks old at first sight is unproven, then alive or silent [NODE-04]") {
    World world;
    world.put("old", -Duration::seconds(600));
    world.put("slow", -Duration::seconds(600));
    world.put("ahead", Duration::seconds(600));
    world.put("new");
    world.poll();
    CHECK(world.take() == Words{"came new"});
    for (const char* id : {"old", "slow", "ahead"}) {
        CHECK(world.table.find(id)->presence == Presence::kUnproven);
        CHECK(world.table.is_usable(id));  // its rooms stay
    }
    for (const NodeView& view : world.table.views())
        CHECK(view.is_alive == (view.record->id == "new"));  // and no new ones come
    world.now = world.now + Duration::seconds(2);
    world.put("slow", -Duration::seconds(600));
    world.put("new");
    world.poll();
    CHECK(world.take() == Words{"came slow"});
    world.now = world.now + Duration::seconds(3);
    world.put("new");
    world.poll();
    CHECK(world.take() == Words{"died ahead", "died old"});
    CHECK(world.table.is_expired(*world.table.find("old"), world.now));
    CHECK_FALSE(world.table.is_expired(*world.table.find("ahead"), world.now));
    world.watch(Duration::seconds(61));
    CHECK(world.table.is_expired(*world.table.find("ahead"), world.now));
    CHECK(world.table.is_expired(*world.table.find("slow"), world.now));
}

TEST_CASE(
    "NodeTable: old at first sight, and twice nobody listens: silent, until it writes [NODE-04]") {
    World world;
    world.table.forgive(world.now);  // as at a start
    world.put("killed", -Duration::seconds(6));
    world.put("stopped", -Duration::seconds(6));
    world.put("young", -Duration::seconds(4));
    world.put("ahead", Duration::seconds(600));
    world.put("linked", -Duration::seconds(6));
    world.put("me", -Duration::seconds(6));
    world.poll();
    world.table.note(world.now, "linked", NodeTable::Sign::kStands);
    const Timestamp first = world.now;
    CHECK(world.table.doubtful(first) == Words{"killed", "stopped"});
    const auto note = [&](const std::string& id, bool any) {
        return world.table.note_listeners(world.now, world.now, id, any);
    };
    CHECK(note("killed", false) == first + NodeTable::kUnheard);
    CHECK(note("stopped", true).is_never());
    world.now = first + NodeTable::kUnheard - Duration::millis(1);
    CHECK(note("killed", false) == first + NodeTable::kUnheard);
    CHECK(world.table.is_usable("killed"));
    world.now = first + NodeTable::kUnheard;
    world.table.note(world.now, "linked", NodeTable::Sign::kStands);
    for (const char* id : {"killed", "stopped", "young", "ahead", "linked", "me", "nobody"})
        CHECK(note(id, false) == (std::string(id) == "stopped" ? world.now + NodeTable::kUnheard
                                                               : Timestamp::never()));
    CHECK_FALSE(world.table.is_usable("killed"));
    for (const char* id : {"stopped", "young", "ahead", "linked"})
        CHECK(world.table.is_usable(id));
    world.poll();
    CHECK(world.take() == Words{"died killed"});
    // It was not dead: its record says so at once.
    world.put("killed", -Duration::seconds(6));
    world.poll();
    CHECK(world.take() == Words{"came killed"});
    CHECK(world.table.doubtful(world.now) == Words{"stopped"});
}

TEST_CASE("NodeTable: without figures a node is there while its record is [NODE-04]") {
    World world;
    world.put("a", {}, false);
    world.watch(Duration::seconds(100));
    CHECK(world.take() == Words{"came a"});
    CHECK(world.table.views()[0].is_alive);
    CHECK_FALSE(world.table.is_expired(*world.table.find("a"), world.now));
    world.records.clear();
    world.watch(Duration::seconds(3));
    CHECK(world.take() == Words{"died a"});
}

TEST_CASE("NodeTable: a record that is gone has some time to come back [RDS-07]") {
    World world;
    world.live("a", {}, Duration::seconds(10));
    world.take();
    SUBCASE("and does") {
        world.records.clear();
        world.poll();
        CHECK(world.table.is_usable("a"));
        CHECK_FALSE(world.table.views()[0].is_alive);
        world.now = world.now + Duration::seconds(2);
        world.put("a");
        world.live("a", {}, Duration::seconds(10));
        CHECK(world.take().empty());
    }
    SUBCASE("and does not") {
        world.records.clear();
        const Timestamp death = world.now;
        while (world.events.empty())
            world.watch(Duration::millis(250));
        CHECK(world.take() == Words{"died a"});
        CHECK(world.now - death <= Duration::seconds(5));
        CHECK(world.table.find("a") == nullptr);
        CHECK(world.table.snapshot().died == 1);
        CHECK(world.table.snapshot().lost == 0);
    }
}

TEST_CASE("NodeTable: lost are others that were alive and fell silent [OBS-32]") {
    World world;
    world.put("old", -Duration::seconds(30));
    world.put("me");
    world.watch(Duration::seconds(8));
    CHECK(world.table.snapshot().died == 2);
    CHECK(world.table.snapshot().lost == 0);
    world.put("a");
    world.watch(Duration::seconds(8));
    CHECK(world.table.snapshot().lost == 1);
    world.watch(Duration::seconds(8));
    CHECK(world.table.snapshot().lost == 1);
}

TEST_CASE("NodeTable: when Redis was away, silence means nothing for a while [NODE-14]") {
    World world;
    world.live("a", {}, Duration::seconds(10));
    world.take();
    world.now = world.now + Duration::seconds(60);
    world.records.clear();  // it lost all, too
    world.table.forgive(world.now);
    CHECK_FALSE(world.table.is_settled());
    world.watch(Duration::seconds(6));
    CHECK(world.take().empty());
    CHECK(world.table.is_usable("a"));
    SUBCASE("it comes back") {
        world.put("a");
        world.live("a", {}, Duration::seconds(10));
        CHECK(world.take().empty());
        CHECK(world.table.is_settled());
    }
    SUBCASE("it does not") {
        world.watch(Duration::seconds(2));
        CHECK(world.take() == Words{"died a"});
    }
}

TEST_CASE(
    "NodeTable: whose process has ended is dead at once, its last words count for nothing "
    "[NODE-24]") {
    World world;
    world.put("ND_b");
    world.poll();
    world.events.clear();
    world.now = world.now + Duration::seconds(1);
    world.table.prove_dead(world.now, "ND_b");
    world.table.prove_dead(world.now, "ND_b");
    world.table.prove_dead(world.now, "ND_nobody");
    CHECK_FALSE(world.table.is_usable("ND_b"));
    CHECK(world.table.snapshot().died == 1);
    // Written before, read now.
    world.put("ND_b");
    world.poll();
    CHECK(world.events == std::vector<std::string>{"died ND_b"});
    CHECK_FALSE(world.table.is_usable("ND_b"));
    CHECK(world.table.snapshot().lost == 0);  // it may withdraw yet
    world.watch(Duration::seconds(70));
    CHECK(world.events.size() == 1);
    CHECK(world.table.snapshot().lost == 1);
    CHECK(world.table.is_expired(*world.table.find("ND_b"), world.now));
}

TEST_CASE("NodeTable: whose process ended and whose record goes was not lost [NODE-24] [OPS-01]") {
    World world;
    world.put("ND_b");
    world.poll();
    world.table.prove_dead(world.now, "ND_b");
    world.records.erase("ND_b");
    world.watch(Duration::seconds(20));
    CHECK(world.table.find("ND_b") == nullptr);
    CHECK(world.table.snapshot().lost == 0);
    CHECK(world.table.snapshot().died == 1);
}

TEST_CASE(
    "NodeTable: silent, but its system answers: it keeps what it has, and gets nothing [NODE-24]") {
    World world;
    world.live("a", {}, Duration::seconds(20));
    CHECK(world.take() == Words{"came a"});
    const Timestamp stopped = world.now;
    const auto stand = [&world](int seconds) {
        for (int i = 0; i < seconds; ++i) {
            world.table.note(world.now, "a", NodeTable::Sign::kStands);
            world.watch(Duration::seconds(1));
        }
    };
    stand(12);
    CHECK(world.take() == Words{"stands a"});  // once
    CHECK(world.table.is_usable("a"));
    CHECK_FALSE(world.table.is_proven("a"));
    CHECK_FALSE(world.table.views()[0].is_alive);
    SUBCASE("it goes on") {
        world.live("a", {}, Duration::seconds(4));
        CHECK(world.take().empty());
        CHECK(world.table.views()[0].is_alive);
        CHECK(world.table.snapshot().died == 0);
        // Told again the next time.
        world.watch(Duration::seconds(1));
        stand(8);
        CHECK(world.take() == Words{"stands a"});
    }
    SUBCASE("nothing more is said of it: it is dead within the time of the news, and a poll") {
        while (world.events.empty() && world.now < stopped + Duration::seconds(20))
            world.watch(Duration::millis(250));
        CHECK(world.take() == Words{"died a"});
        CHECK(world.now - stopped <= Duration::millis(13'300));
        CHECK(world.table.snapshot().lost == 1);
        // It was dead before it is said: dead it is.
        world.table.note(world.now, "a", NodeTable::Sign::kStands);
        world.watch(Duration::seconds(1));
        CHECK_FALSE(world.table.is_usable("a"));
    }
    SUBCASE("its process ends") {
        world.table.prove_dead(world.now, "a");
        CHECK_FALSE(world.table.is_usable("a"));
    }
}

TEST_CASE("NodeTable: who was heard just before it stood still stands still [NODE-24]") {
    using Sign = NodeTable::Sign;
    World world;
    world.live("a", {}, Duration::seconds(20));
    (void)world.take();
    const Timestamp due = world.table.next_suspicion();
    const auto say_at = [&world](Timestamp when, Sign sign) {
        world.now = when;
        world.table.note(when, "a", sign);
    };
    SUBCASE("what was said last is told") {
        say_at(due - Duration::millis(1400), Sign::kHeard);
        say_at(due - Duration::millis(400), Sign::kStands);
        world.now = due;
        world.poll();
        CHECK(world.take() == Words{"stands a"});
    }
    SUBCASE("what is seen later is told, too, each once") {
        say_at(due - Duration::millis(400), Sign::kHeard);
        world.now = due;
        world.poll();
        CHECK(world.take() == Words{"heard a"});
        for (int i = 1; i < 5; ++i) {
            say_at(due + Duration::seconds(i), i < 4 ? Sign::kStands : Sign::kHeard);
            world.poll();
        }
        CHECK(world.take() == Words{"stands a"});
    }
    CHECK(world.table.is_usable("a"));
}

TEST_CASE("NodeTable: its record says nothing, but it is heard: it keeps what it has [NODE-01]") {
    World world;
    world.live("a", {}, Duration::seconds(20));
    CHECK(world.take() == Words{"came a"});
    const Timestamp stopped = world.now;
    const auto hear = [&world](int seconds) {
        for (int i = 0; i < seconds; ++i) {
            world.table.note(world.now, "a", NodeTable::Sign::kHeard);
            world.watch(Duration::seconds(1));
        }
    };
    hear(25);
    CHECK(world.take() == Words{"heard a"});  // once
    CHECK(world.table.is_usable("a"));
    CHECK_FALSE(world.table.views()[0].is_alive);
    SUBCASE("it writes again") {
        world.live("a", {}, Duration::seconds(4));
        CHECK(world.take().empty());
        CHECK(world.table.views()[0].is_alive);
    }
    SUBCASE("for long: it is dead for everybody else by then") {
        hear(10);
        CHECK(world.take() == Words{"died a"});
        CHECK(world.now - stopped > NodeTable::kHeardOnly);
    }
    SUBCASE("it is heard no more") {
        world.watch(Duration::seconds(4));
        CHECK(world.take() == Words{"died a"});
    }
    SUBCASE("its process ends") {
        world.table.prove_dead(world.now, "a");
        CHECK_FALSE(world.table.is_usable("a"));
    }
    SUBCASE("its record goes: it has left") {
        world.records.clear();
        hear(6);
        CHECK(world.take() == Words{"died a"});
        CHECK_FALSE(world.table.is_usable("a"));
    }
}

TEST_CASE(
    "NodeTable: two processes that write as one node, with clocks that differ, kill nobody "
    "[NODE-01]") {
    for (const std::int64_t ahead : {-300'000, -5000, 0, 5000, 300'000}) {
        for (const std::int64_t twin_phase : {0, 250, 900}) {
            World world;
            world.live("a", {}, Duration::seconds(20));
            CHECK(world.take() == Words{"came a"});
            // The other one writes each half second, the first as ever.
            for (int i = 0; i < 40; ++i) {
                world.now = world.now + Duration::millis(twin_phase);
                world.put_as("192.0.2.9", "a", Duration::millis(ahead));
                world.watch(Duration::millis(500));
                if (i % 4 == 0) world.put("a");
                world.watch(Duration::millis(100));
            }
            CHECK(world.table.is_usable("a"));
            // It goes, and the first one goes on.
            world.live("a", {}, Duration::seconds(20));
            Words told = world.take();
            std::erase(told, "skewed a");  // one of both is
            CHECK(told.empty());
            CHECK(world.table.snapshot().died == 0);
        }
    }
}

TEST_CASE("NodeTable: that a record is not written shows in time, whatever is said [NODE-24]") {
    for (const auto sign : {NodeTable::Sign::kStands, NodeTable::Sign::kHeard}) {
        World world;
        world.live("a", {}, Duration::seconds(20));
        const Timestamp due = world.table.next_suspicion();
        CHECK(due == world.last_put + NodeTable::kAlive);
        world.now = due - Duration::millis(500);
        world.table.note(world.now, "a", sign);
        CHECK(world.table.next_suspicion() == due);
        world.now = due;
        world.poll();
        CHECK_FALSE(world.table.views()[0].is_alive);
        // And is not asked again before there is anything to see.
        CHECK(world.table.next_suspicion() == due + Duration::millis(1500));
    }
}

TEST_CASE("NodeTable: who goes on writing was not dead [NODE-24]") {
    World world;
    world.put("ND_b");
    world.poll();
    world.table.prove_dead(world.now, "ND_b");
    world.events.clear();
    world.live("ND_b", {}, Duration::seconds(8));
    CHECK(world.table.is_usable("ND_b"));
    CHECK(world.events == std::vector<std::string>{"died ND_b", "came ND_b"});
}

TEST_CASE("NodeTable: garbage, doubles and too many are counted and left out") {
    World world;
    world.put("a");
    world.records["b"] = "garbage";
    world.records["c"] = world.records["a"];
    world.records["d"] = "";
    world.poll();
    CHECK(world.table.snapshot().nodes == 1);
    CHECK(world.table.snapshot().unreadable == 3);
    for (std::size_t i = 0; i < NodeTable::kMaxNodes + 5; ++i)
        world.put("n" + std::to_string(i));
    world.poll();
    CHECK(world.table.snapshot().nodes == NodeTable::kMaxNodes);
    CHECK(world.table.snapshot().beyond_limit == 6);
}

TEST_CASE("NodeTable: events that nobody takes are bounded") {
    World world;
    for (std::size_t round = 0; round < 6; ++round) {
        for (std::size_t i = 0; i < NodeTable::kMaxNodes; ++i)
            world.put("n" + std::to_string(i));
        std::vector<std::string> all;
        all.reserve(world.records.size());
        for (const auto& [id, bytes] : world.records)
            all.push_back(bytes);
        world.table.read(world.clock(), world.now, all);
        world.now = world.now + Duration::seconds(6);
        world.table.read(world.clock(), world.now, all);
    }
    CHECK(world.table.snapshot().lost_events == 12 * NodeTable::kMaxNodes - NodeTable::kMaxEvents);
    std::size_t left = 0;
    while (world.table.poll_event())
        ++left;
    CHECK(left == NodeTable::kMaxEvents);
}

}  // namespace confab::cluster::nodes
