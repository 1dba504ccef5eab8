// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/shared.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace confab {
namespace {

// Tells when it goes.
struct Witness {
    explicit Witness(int* counter) : ended(counter) {}
    Witness(Witness&& other) noexcept : ended(std::exchange(other.ended, nullptr)) {}
    Witness& operator=(Witness&&) = delete;
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;
    ~Witness() {
        if (ended != nullptr) ++*ended;
    }
    int* ended;
};

}  // namespace

TEST_CASE("Shared: goes once, with its last holder") {
    int ended = 0;
    std::vector<Shared<Witness>> holders;
    holders.emplace_back(Witness(&ended));
    for (int i = 0; i < 3; ++i)
        holders.push_back(holders.front());
    CHECK(holders.front().holders() == 4);
    Shared<Witness> moved = std::move(holders[1]);
    CHECK(moved.holders() == 4);
    CHECK_FALSE(holders[1]);
    holders.clear();
    CHECK(moved.holders() == 1);
    CHECK(ended == 0);
    Shared<Witness>& same = moved;
    moved = same;
    CHECK(ended == 0);
    moved = {};
    CHECK(ended == 1);
    CHECK_FALSE(moved);
    CHECK(moved.holders() == 0);
}

TEST_CASE("Shared: is what it is, not what it says") {
    const Shared<std::string> a(std::string("same"));
    const Shared<std::string> b(std::string("same"));
    const Shared<std::string> c = a;  // NOLINT(performance-unnecessary-copy-initialization)
    CHECK(*a == *b);
    CHECK_FALSE(a == b);
    CHECK(a == c);
    CHECK(a->size() == 4);
    const std::unordered_set<Shared<std::string>, Shared<std::string>::Hash> all{a, b, c};
    CHECK(all.size() == 2);
}

}  // namespace confab
