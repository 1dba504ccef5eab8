// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_lock.h"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cluster/store/world_testing.h"

namespace confab::cluster::store {
namespace {

using testing::World;

struct Locking {
    Locking() : port(world.attach()) {}
    RoomLock& add(std::uint64_t seed = 1) {
        rngs.emplace_back(seed);
        locks.emplace_back(*port, world.notices, rngs.back(), "r");
        world.drive(locks.back());
        return locks.back();
    }
    RoomLock::Done done() {
        return [this](Timestamp, const Result<void, Failure>& result) {
            ++answers;
            if (!result) failures.push_back(result.error().code);
        };
    }
    std::string token() {
        const std::string* value = world.server.store().string("room_lock:r");
        return value ? *value : "";
    }

    World world;
    std::unique_ptr<redis::Port> port;
    std::deque<Rng> rngs;
    std::deque<RoomLock> locks;
    int answers = 0;
    std::vector<Failure::Code> failures;
};

constexpr Duration kTurn = Duration::millis(10);

}  // namespace

TEST_CASE("RoomLock: taken, held and given back [RDS-05]") {
    Locking l;
    RoomLock& lock = l.add();
    lock.acquire(l.world.now, l.done());
    CHECK(l.answers == 0);
    l.world.pass(kTurn);
    CHECK(l.answers == 1);
    CHECK(l.failures.empty());
    CHECK(lock.is_held(l.world.now));
    CHECK(l.token().size() == 16);
    CHECK(l.token().starts_with("LOCK"));
    CHECK(l.token().find('_') == std::string::npos);
    lock.release(l.world.now);
    CHECK_FALSE(lock.is_held(l.world.now));
    l.world.pass(kTurn);
    CHECK(l.token().empty());
    CHECK(l.world.server.count("SET") == 1);
    CHECK(l.world.log.empty());
}

TEST_CASE("RoomLock: waits for another holder, 100 ms at a time, and gives up in time [RDS-05]") {
    Locking l;
    l.world.run({"SET", "room_lock:r", "LOCKother", "EX", "60"});
    RoomLock& lock = l.add();
    const Timestamp start = l.world.now;
    lock.acquire(l.world.now, l.done());
    l.world.pass(Duration::millis(4990));
    CHECK(l.answers == 0);
    const std::uint64_t asked = l.world.server.count("SET");
    CHECK(asked >= 45);
    CHECK(asked <= 51);
    l.world.pass(start + RoomLock::kUsual - l.world.now);
    CHECK(l.failures == std::vector<Failure::Code>{Failure::Code::kBusy});
    l.world.pass(Duration::seconds(60));
    CHECK(l.answers == 1);
    CHECK(l.world.server.count("SET") <= 51);
    // One that gives up has not taken it from its holder.
    Locking m;
    m.world.run({"SET", "room_lock:r", "LOCKother", "PX", "2000"});
    m.add().acquire(m.world.now, m.done());
    m.world.pass(Duration::millis(2150));
    CHECK(m.answers == 1);
    CHECK(m.failures.empty());
}

TEST_CASE("RoomLock: one that has ended is told, and its release takes nobody else's") {
    Locking l;
    RoomLock& lock = l.add();
    lock.acquire(l.world.now, l.done());
    l.world.pass(kTurn);
    // Its driver is late: nobody has told it.
    l.world.machines.clear();
    l.world.pass(RoomLock::kUsual);
    CHECK_FALSE(lock.is_held(l.world.now));
    l.world.run({"SET", "room_lock:r", "LOCKother", "EX", "5"});
    lock.release(l.world.now);
    l.world.pass(kTurn);
    CHECK(l.token() == "LOCKother");
    CHECK(l.world.told(Notice::Kind::kLockLost) == 1);
    Locking m;
    m.add().acquire(m.world.now, m.done());
    m.world.pass(RoomLock::kUsual + kTurn);
    CHECK(m.world.told(Notice::Kind::kLockLost) == 1);
    CHECK(m.locks[0].next_deadline().is_never());
}

TEST_CASE("RoomLock: a reply that is lost does not keep it from its own lock") {
    Locking l;
    RoomLock& lock = l.add();
    lock.acquire(l.world.now, l.done());
    l.world.pass(Duration::micros(300));  // done there, the reply on its way
    CHECK_FALSE(l.token().empty());
    l.world.server.stop(l.world.now);
    l.world.server.start(l.world.now);
    l.world.pass(Duration::millis(500));
    CHECK(l.answers == 1);
    CHECK(l.failures.empty());
    CHECK(lock.is_held(l.world.now));
}

TEST_CASE("RoomLock: outages and silence end in time, rights at once") {
    Locking down;
    down.world.server.stop(down.world.now);
    down.add().acquire(down.world.now, down.done());
    CHECK(down.answers == 0);
    down.world.pass(RoomLock::kUsual);
    CHECK(down.failures == std::vector<Failure::Code>{Failure::Code::kUnavailable});
    Locking silent;
    silent.world.server.hang(silent.world.now);
    silent.add().acquire(silent.world.now, silent.done());
    silent.world.pass(RoomLock::kUsual);
    CHECK(silent.failures == std::vector<Failure::Code>{Failure::Code::kUnavailable});
    silent.world.server.go_on(silent.world.now);
    silent.world.pass(Duration::seconds(6));
    CHECK(silent.token().empty());
    CHECK(silent.answers == 1);
    Locking gone;
    gone.add().acquire(gone.world.now, gone.done());
    gone.locks[0].release(gone.world.now);  // before the reply
    gone.world.pass(kTurn);
    CHECK(gone.token().empty());
    CHECK(gone.answers == 0);
}

TEST_CASE("RoomLock: of many, one holds it at a time") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Locking l;
        Rng rng(seed);
        std::vector<bool> holds(8);
        int held = 0;
        for (std::size_t i = 0; i < 8; ++i) {
            RoomLock& lock = l.add(seed * 100 + i);
            lock.acquire(l.world.now, [&, i](Timestamp, const Result<void, Failure>& result) {
                ++l.answers;
                holds[i] = result.has_value();
                held += result ? 1 : 0;
            });
            l.world.pass(Duration::millis(static_cast<std::int64_t>(rng.below(40))));
        }
        for (int step = 0; step < 1000 && l.answers < 8; ++step) {
            std::size_t now_held = 0;
            for (std::size_t i = 0; i < 8; ++i)
                now_held += l.locks[i].is_held(l.world.now) ? 1U : 0U;
            CHECK(now_held <= 1);
            for (std::size_t i = 0; i < 8; ++i)
                if (holds[i] && rng.below(10) == 0) {
                    holds[i] = false;
                    l.locks[i].release(l.world.now);
                }
            l.world.pass(Duration::millis(static_cast<std::int64_t>(rng.below(30))));
        }
        CHECK(l.answers == 8);
        CHECK(held >= 4);
    }
}

}  // namespace confab::cluster::store
