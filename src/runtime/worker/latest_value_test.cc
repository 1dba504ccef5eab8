// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/latest_value.h"

#include <doctest/doctest.h>

#include <thread>

namespace confab::worker {
namespace {

struct Pair {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
};

TEST_CASE("LatestValue: the reader sees the newest value, however many it missed") {
    LatestValue<Pair> value;
    CHECK(value.read().a == 0);
    for (std::uint64_t i = 1; i <= 10; ++i) {
        value.back() = {i, i};
        value.publish();
    }
    CHECK(value.read().a == 10);
    CHECK(value.read().a == 10);
    value.back() = {11, 11};
    CHECK(value.read().a == 10);
    value.publish();
    CHECK(value.read().a == 11);
}

TEST_CASE("LatestValue: two threads never see half of a value nor an older one") {
    constexpr std::uint64_t kLast = 100'000;
    LatestValue<Pair> value;
    std::thread writer([&] {
        for (std::uint64_t i = 1; i <= kLast; ++i) {
            value.back() = {i, ~i};
            value.publish();
        }
    });
    bool whole = true;
    std::uint64_t before = 0;
    while (before < kLast) {
        const Pair& pair = value.read();
        if (pair.a == 0) continue;
        whole = whole && pair.b == ~pair.a && pair.a >= before;
        before = pair.a;
    }
    writer.join();
    CHECK(whole);
}

}  // namespace
}  // namespace confab::worker
