// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/reliable_data.h"

#include <doctest/doctest.h>

namespace confab::client {
namespace {

TEST_CASE("ReliableData: what the server has not got is sent again, in order [SIG-146]") {
    ReliableData data;
    for (std::uint8_t i = 1; i <= 5; ++i) {
        CHECK(data.next_number() == i);
        data.sent(Bytes{i});
    }
    CHECK(data.after(3) == std::vector<Bytes>{{4}, {5}});
    // Until it is known to have arrived.
    CHECK(data.after(3).size() == 2);
    CHECK(data.after(5).empty());
    CHECK(data.next_number() == 6);
}

TEST_CASE("ReliableData: keeps kMaxKept packets and kMaxKeptBytes, the newest") {
    ReliableData data;
    for (std::size_t i = 0; i <= ReliableData::kMaxKept; ++i)
        data.sent(Bytes(1));
    CHECK(data.after(0).size() == ReliableData::kMaxKept);
    ReliableData large;
    for (int i = 0; i < 5; ++i)
        large.sent(Bytes(ReliableData::kMaxKeptBytes / 4));
    CHECK(large.after(0).size() == 4);
    CHECK(large.after(2).size() == 3);
}

TEST_CASE("ReliableData: a number of a sender is taken once, 0 always [SIG-146]") {
    ReliableData data;
    CHECK(data.received("PA_a", 1));
    CHECK(data.received("PA_a", 2));
    CHECK_FALSE(data.received("PA_a", 2));
    CHECK_FALSE(data.received("PA_a", 1));
    CHECK(data.received("PA_b", 1));
    CHECK(data.received("PA_a", 0));
    CHECK(data.received("PA_a", 0));
    CHECK(data.highest().at("PA_a") == 2);
}

TEST_CASE("ReliableData: remembers kMaxSenders, further ones are taken unchecked [SIG-146]") {
    ReliableData data;
    for (std::size_t i = 0; i < ReliableData::kMaxSenders; ++i)
        CHECK(data.received("PA_" + std::to_string(i), 5));
    CHECK(data.received("PA_late", 5));
    CHECK(data.received("PA_late", 5));
    CHECK_FALSE(data.received("PA_0", 5));
    CHECK(data.received("PA_0", 6));
    CHECK(data.highest().size() == ReliableData::kMaxSenders);
}

}  // namespace
}  // namespace confab::client
