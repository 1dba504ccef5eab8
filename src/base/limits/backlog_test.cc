// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/limits/backlog.h"

#include <doctest/doctest.h>

namespace confab {
namespace {

constexpr Timestamp kStart = Timestamp::micros(5'000'000);

Bytes order_of(Backlog& backlog) {
    Bytes order;
    while (!backlog.empty()) {
        const std::size_t size = backlog.next_size();
        const Bytes message = backlog.pop();
        CHECK(message.size() == size);
        order.push_back(message.front());
    }
    return order;
}

TEST_CASE("Backlog: what gives way leaves last, each in its order [DES-06]") {
    Backlog backlog;
    CHECK(backlog.empty());
    CHECK(backlog.push(kStart, {1, 1}, Urgency::kGivesWay));
    CHECK(backlog.push(kStart, {2}, Urgency::kFirst));
    CHECK(backlog.push(kStart, {3, 3, 3}, Urgency::kGivesWay));
    CHECK(backlog.push(kStart, {4}, Urgency::kFirst));
    CHECK(backlog.octets() == 7);
    Bytes seen;
    backlog.each([&](const Bytes& message) {
        seen.push_back(message.front());
        return seen.size() < 3;
    });
    CHECK(seen == Bytes{2, 4, 1});
    CHECK(order_of(backlog) == Bytes{2, 4, 1, 3});
    CHECK(backlog.octets() == 0);
}

TEST_CASE("Backlog: each of the two has room of its own, and what is new finds none [TRAP-24]") {
    Backlog backlog;
    const auto large = [](std::uint8_t tag) { return Bytes(Backlog::kMaxOctets / 4, tag); };
    for (std::uint8_t i = 0; i < 4; ++i)
        CHECK(backlog.push(kStart, large(i), Urgency::kGivesWay));
    CHECK_FALSE(backlog.push(kStart, {9}, Urgency::kGivesWay));
    for (std::uint8_t i = 4; i < 8; ++i)
        CHECK(backlog.push(kStart, large(i), Urgency::kFirst));
    CHECK_FALSE(backlog.push(kStart, {9}, Urgency::kFirst));
    CHECK(backlog.octets() == 2 * Backlog::kMaxOctets);
    (void)backlog.pop();
    CHECK(backlog.push(kStart, {8}, Urgency::kFirst));
    CHECK_FALSE(backlog.push(kStart, {9}, Urgency::kGivesWay));
    CHECK(order_of(backlog) == Bytes{5, 6, 7, 8, 0, 1, 2, 3});
}

TEST_CASE("Backlog: nothing waits for more than a second [TRAP-24]") {
    Backlog backlog;
    CHECK(backlog.push(kStart, {1}, Urgency::kGivesWay));
    CHECK(backlog.push(kStart, {2}, Urgency::kFirst));
    CHECK(backlog.push(kStart + Duration::millis(1), {3}, Urgency::kFirst));
    CHECK(backlog.drop_old(kStart + Backlog::kLongest) == 0);
    CHECK(backlog.drop_old(kStart + Backlog::kLongest + Duration::micros(1)) == 2);
    CHECK(backlog.octets() == 1);
    CHECK(order_of(backlog) == Bytes{3});
}

TEST_CASE("Backlog: what nobody says again leaves first, however late [TRAP-24]") {
    Backlog backlog;
    CHECK(backlog.push(kStart, {1}, Urgency::kFirst));
    CHECK(backlog.push(kStart, {2}, Urgency::kKept));
    CHECK(backlog.push(kStart, {3}, Urgency::kKept));
    CHECK(backlog.octets() == 3);
    CHECK(backlog.drop_old(kStart + Duration::seconds(60)) == 1);
    CHECK(backlog.push(kStart + Duration::seconds(60), {4}, Urgency::kFirst));
    CHECK(order_of(backlog) == Bytes{2, 3, 4});
    CHECK(backlog.push(kStart, Bytes(Backlog::kMaxOctets), Urgency::kKept));
    CHECK_FALSE(backlog.push(kStart, {5}, Urgency::kKept));
}

}  // namespace
}  // namespace confab
