// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/connection_table.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace confab::net {
namespace {

const IpAddress kOne = *IpAddress::parse("192.0.2.1");
const IpAddress kTwo = *IpAddress::parse("192.0.2.2");

Timestamp at(int seconds) {
    return Timestamp::micros(std::int64_t{seconds} * 1'000'000);
}

}  // namespace

TEST_CASE("ConnectionTable: at the limit the longest idle gives way, the busy never [IMM-15]") {
    const auto table = ConnectionTable::make(3, 3);
    std::string gone;
    auto a = table->admit(kOne, [&] { gone += 'a'; });
    auto b = table->admit(kOne, [&] { gone += 'b'; });
    auto c = table->admit(kTwo, [&] { gone += 'c'; });
    REQUIRE((a && b && c));
    CHECK_FALSE(table->admit(kTwo, nullptr));
    a->set_idle(at(2));
    b->set_idle(at(1));
    auto d = table->admit(kTwo, nullptr);
    CHECK(d);
    CHECK(gone == "b");
    a->set_busy();
    CHECK_FALSE(table->admit(kTwo, nullptr));
    a->set_idle(at(9));
    CHECK(table->evict_idlest());
    CHECK_FALSE(table->evict_idlest());
    CHECK(gone == "ba");
    CHECK(table->size() == 2);
    CHECK(table->evicted() == 2);
}

TEST_CASE("ConnectionTable: a proxy on this machine has no share, and who is refused knows why") {
    const auto table = ConnectionTable::make(5, 1);
    std::vector<ConnectionTable::Slot> slots;
    for (const char* local : {"127.0.0.1", "127.0.0.1", "::1", "::1"}) {
        auto slot = table->admit(*IpAddress::parse(local), nullptr);
        REQUIRE(slot);
        slots.push_back(*std::move(slot));
    }
    slots.push_back(*table->admit(kOne, nullptr));
    CHECK(table->admit(kOne, nullptr).error() == ConnectionLimit::kAddress);
    CHECK(table->admit(kTwo, nullptr).error() == ConnectionLimit::kAll);
    CHECK(table->admit(*IpAddress::parse("::1"), nullptr).error() == ConnectionLimit::kAll);
}

TEST_CASE("ConnectionTable: one address holds no more than its share [IMM-15]") {
    const auto table = ConnectionTable::make(10, 2);
    std::string gone;
    std::vector<ConnectionTable::Slot> slots;
    for (const char name : {'a', 'b'})
        slots.push_back(*table->admit(kOne, [&gone, name] { gone += name; }));
    auto other = table->admit(kTwo, [&] { gone += 'x'; });
    other->set_idle(at(0));
    CHECK_FALSE(table->admit(kOne, nullptr));  // who is idle elsewhere does not give way
    CHECK(gone == "");
    slots[1].set_idle(at(5));
    CHECK(table->admit(kOne, nullptr));
    CHECK(gone == "b");
    slots.clear();
    CHECK(table->count_of(kOne) == 0);
    CHECK(table->count_of(kTwo) == 1);
}

TEST_CASE("ConnectionTable: an IPv6 /64 is one address [IMM-15]") {
    const auto table = ConnectionTable::make(10, 1);
    auto slot = table->admit(*IpAddress::parse("2001:db8:1:2::1"), nullptr);
    CHECK_FALSE(table->admit(*IpAddress::parse("2001:db8:1:2:ffff::2"), nullptr));
    CHECK(table->admit(*IpAddress::parse("2001:db8:1:3::1"), nullptr));
    slot = {};
    CHECK(table->admit(*IpAddress::parse("2001:db8:1:2:ffff::2"), nullptr));
}

TEST_CASE("ConnectionTable: a slot that gave way is harmless, and outlives nothing") {
    auto table = ConnectionTable::make(1, 1);
    auto a = table->admit(kOne, nullptr);
    a->set_idle(at(0));
    auto b = table->admit(kOne, nullptr);
    REQUIRE(b);
    a->set_busy();
    a->set_idle(at(0));
    *a = {};
    CHECK(table->size() == 1);
    table.reset();
    b->set_idle(at(1));
}

}  // namespace confab::net
