// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/packet/packet_pool.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::sfu {
namespace {

TEST_CASE("PacketPool: refuses beyond its limit and reuses what is freed [IMM-15]") {
    PacketPool pool({.large_slots_max = 256, .small_slots_max = 256});
    std::vector<PacketRef> held;
    held.reserve(256);
    for (int i = 0; i < 256; ++i)
        held.push_back(pool.acquire_large());
    CHECK_FALSE(static_cast<bool>(pool.acquire_large()));
    held.pop_back();
    CHECK(static_cast<bool>(pool.acquire_large()));
    PacketRef copy = held[0];
    held.clear();
    CHECK(pool.large_in_use() == 1);
    copy.reset();
    CHECK(pool.large_in_use() == 0);
}

}  // namespace
}  // namespace confab::sfu
