// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/link/foreign_paths.h"

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

TEST_CASE("ForeignPaths: no flood of forged checks pushes out or moves what is proved [DES-03]") {
    ForeignPaths paths;
    paths.note(at(0), path(0), 3);
    paths.prove(at(1), path(0), 3);
    std::uint32_t next = 1;
    for (std::int64_t ms = 0; ms < 70'000; ms += 500) {
        for (int i = 0; i < 3000; ++i)
            paths.note(at(ms), path(next++), 1);
        paths.note(at(ms), path(0), 1);  // with the client's own address
        CHECK(paths.use(at(ms), path(0)) == WorkerIndex(3));
        CHECK(paths.size() <= ForeignPaths::kMaxUnproved + 1);
    }
    // One that moves to another worker is proved there.
    paths.prove(at(70'000), path(0), 2);
    CHECK(paths.owner(path(0)) == WorkerIndex(2));
}

TEST_CASE("ForeignPaths: a call that begins in a full table is known, the oldest goes [DES-03]") {
    constexpr auto kMax = static_cast<std::uint32_t>(ForeignPaths::kMaxUnproved);
    ForeignPaths paths;
    for (std::uint32_t i = 0; i < kMax; ++i)
        paths.note(at(0), path(i), 1);
    CHECK(paths.owner(path(0)).has_value());
    paths.note(at(1), path(0), 1);  // is the newest now
    paths.note(at(1), path(kMax), 2);
    CHECK(paths.size() == kMax);
    CHECK(paths.owner(path(kMax)) == WorkerIndex(2));
    CHECK(paths.owner(path(0)) == WorkerIndex(1));
    CHECK_FALSE(paths.owner(path(1)).has_value());
    CHECK(paths.owner(path(2)).has_value());
}

TEST_CASE("ForeignPaths: what nothing comes over is forgotten, a new owner counts [DES-03]") {
    ForeignPaths paths;
    for (std::uint32_t i = 0; i < 3; ++i)
        paths.note(at(0), path(i), 1);
    paths.note(at(1), path(0), 2);
    CHECK(paths.owner(path(0)) == WorkerIndex(2));
    paths.prove(at(1), path(0), 2);
    const std::int64_t period = ForeignPaths::kPeriod.ms();
    CHECK(paths.use(at(period - 1), path(1)) == WorkerIndex(1));
    CHECK_FALSE(paths.use(at(period), path(1)).has_value());
    CHECK(paths.use(at(period), path(0)) == WorkerIndex(2));
    CHECK(paths.use(at(2 * period), path(0)) == WorkerIndex(2));
    paths.note(at(2 * period), path(9), 1);
    CHECK(paths.size() == 2);
    CHECK_FALSE(paths.use(at(4 * period), path(0)).has_value());
    paths.erase(path(9));
    CHECK(paths.size() == 0);
}

TEST_CASE("ForeignPaths: kMaxProved in a period; the next counts as unproved [DES-03]") {
    constexpr auto kMax = static_cast<std::uint32_t>(ForeignPaths::kMaxProved);
    ForeignPaths paths;
    for (std::uint32_t i = 0; i <= kMax; ++i)
        paths.prove(at(40'000), path(i), 1);
    CHECK(paths.size() == kMax + 1);
    paths.note(at(40'000), path(0), 2);
    CHECK(paths.owner(path(0)) == WorkerIndex(1));
    paths.note(at(40'000), path(kMax), 2);
    CHECK(paths.owner(path(kMax)) == WorkerIndex(2));
}

}  // namespace
}  // namespace confab::sfu
