// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/foreign_paths.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

ice::Path path(std::uint32_t number) {
    ice::Path made;
    made.remote = {IpAddress::v4(0x0A000000 + number / 60'000),
                   static_cast<std::uint16_t>(1 + number % 60'000)};
    return made;
}
Timestamp at(std::int64_t ms) {
    return Timestamp::micros(1'000'000 + ms * 1000);
}

TEST_CASE("ForeignPaths: a flood of forged checks leaves paths in use alone [DES-03][ICE-05]") {
    ForeignPaths paths;
    paths.note(at(0), path(0), 3);
    // More than the table holds in each of two periods, while the call goes on.
    std::uint32_t next = 1;
    for (std::int64_t ms = 0; ms < 70'000; ms += 500) {
        for (int i = 0; i < 3000; ++i)
            paths.note(at(ms), path(next++), 1);
        CHECK(paths.use(at(ms), path(0)) == WorkerIndex(3));
        CHECK(paths.size() <= 2 * ForeignPaths::kMaxNew + 1);
    }
    // A call that begins after it is remembered.
    paths.note(at(100'000), path(next), 2);
    CHECK(paths.owner(path(next)) == WorkerIndex(2));
}

TEST_CASE("ForeignPaths: kMaxNew of them, what is not used goes, a new owner counts [DES-03]") {
    ForeignPaths paths;
    for (std::uint32_t i = 0; i <= ForeignPaths::kMaxNew; ++i)
        paths.note(at(0), path(i), 1);
    CHECK(paths.size() == ForeignPaths::kMaxNew);
    CHECK(paths.owner(path(ForeignPaths::kMaxNew - 1)).has_value());
    CHECK_FALSE(paths.owner(path(ForeignPaths::kMaxNew)).has_value());
    paths.note(at(1), path(0), 2);
    CHECK(paths.owner(path(0)) == WorkerIndex(2));

    const std::int64_t period = ForeignPaths::kPeriod.ms();
    CHECK(paths.use(at(period), path(0)) == WorkerIndex(2));
    CHECK_FALSE(paths.use(at(2 * period), path(1)).has_value());
    CHECK(paths.use(at(2 * period), path(0)) == WorkerIndex(2));
    CHECK(paths.size() == 1);
    CHECK_FALSE(paths.use(at(4 * period), path(0)).has_value());
    paths.note(at(4 * period), path(5), 1);
    paths.erase(path(5));
    CHECK(paths.size() == 0);
}

}  // namespace
}  // namespace confab::sfu
