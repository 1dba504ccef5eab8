// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/worker_loads.h"

#include <doctest/doctest.h>

namespace confab::control {
namespace {

TEST_CASE("WorkerLoads: a worker that got busy is seen with its next figures [DES-40]") {
    room::Placement placement(2);
    WorkerLoads loads;
    const auto at = [](std::int64_t s) { return Timestamp::micros(s * 1'000'000); };
    loads.update(placement, 0, at(10), 9'000'000);  // since its start: says nothing of now
    loads.update(placement, 1, at(10), 0);
    CHECK(placement.take("a").worker() == 0);
    loads.update(placement, 0, at(11), 9'900'000);
    loads.update(placement, 1, at(11), 100'000);
    CHECK(placement.take("a").worker() == 1);
    loads.update(placement, 0, at(11), 9'900'000);  // the same once more changes nothing
    CHECK(placement.take("a").worker() == 1);
    loads.update(placement, 0, at(12), 9'900'000);
    CHECK(placement.take("a").worker() == 0);
}

TEST_CASE("WorkerLoads: nobody is sent to a worker that stands still [DES-40]") {
    room::Placement placement(2);
    WorkerLoads loads;
    const auto at = [](std::int64_t s) { return Timestamp::micros(s * 1'000'000); };
    const auto where = [&placement](const char* room) { return placement.take(room).worker(); };
    loads.update(placement, 0, at(10), 0);
    loads.update(placement, 1, at(10), 0);
    const auto stays = placement.take("a");
    REQUIRE(stays.worker() == 0);
    loads.update(placement, 1, at(14), 1'200'000);  // it works a third of its time
    loads.note_silence(placement, 0, at(14) - Duration::micros(1));
    CHECK(where("a") == 0);
    loads.note_silence(placement, 0, at(14));
    loads.note_silence(placement, 1, at(14));
    CHECK(where("a") == 1);
    CHECK(where("b") == 1);
    loads.update(placement, 0, at(15), 100'000);  // it was slow, and is back
    CHECK(where("a") == 0);
    // Of one that was not started nothing is known.
    loads.note_silence(placement, 7, at(100));
    loads.update(placement, 0, Timestamp(), 0);
    loads.note_silence(placement, 0, at(100));
    CHECK(where("a") == 0);
}

// Which worker a new room gets, after two have told how busy they were.
sfu::WorkerIndex chosen(room::Placement& placement) {
    return placement.take("a").worker();
}

TEST_CASE(
    "WorkerLoads: the load is of the time between two figures, not since the start [DES-40]") {
    room::Placement placement(2);
    WorkerLoads loads;
    const auto at = [](std::int64_t s) { return Timestamp::micros(s * 1'000'000); };
    // The first has been busy for long, and is not any more.
    loads.update(placement, 0, at(10), 9'000'000);
    loads.update(placement, 1, at(10), 0);
    loads.update(placement, 0, at(12), 9'100'000);  // a twentieth of the time
    loads.update(placement, 1, at(11), 100'000);    // a tenth
    CHECK(chosen(placement) == 0);
    loads.update(placement, 0, at(13), 9'400'000);
    CHECK(chosen(placement) == 1);
}

TEST_CASE("WorkerLoads: figures that go back say nothing [DES-40]") {
    room::Placement placement(2);
    WorkerLoads loads;
    const auto at = [](std::int64_t s) { return Timestamp::micros(s * 1'000'000); };
    loads.update(placement, 1, at(10), 0);  // a worker that is heard of before the first
    loads.update(placement, 0, at(10), 5'000'000);
    loads.update(placement, 0, at(11), 5'500'000);
    loads.update(placement, 1, at(11), 100'000);
    REQUIRE(chosen(placement) == 1);
    loads.update(placement, 0, at(12), 0);  // less than before: it began anew
    CHECK(chosen(placement) == 1);
    loads.update(placement, 0, at(9), 1'000);  // earlier than before
    CHECK(chosen(placement) == 1);
    loads.update(placement, 0, at(10), 2'000);  // goes on from there
    CHECK(chosen(placement) == 0);
}

}  // namespace
}  // namespace confab::control
