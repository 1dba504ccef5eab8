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

}  // namespace
}  // namespace confab::control
