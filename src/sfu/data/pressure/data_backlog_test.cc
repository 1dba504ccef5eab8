// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/pressure/data_backlog.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/rng.h"

namespace confab::sfu {
namespace {

// Messages that a backlog may name, by number.
struct Names {
    PendingId message() { return messages.emplace(); }
    SlotMap<PendingMessage> messages;
};

TEST_CASE("DataBacklog: senders take turns, each in its order [DC-20] [SIG-121]") {
    Names names;
    const MemberId alice(1), bob(2), carol(3);
    std::vector<PendingId> of_alice, of_bob;
    DataBacklog backlog;
    for (int i = 0; i < 4; ++i)
        backlog.add(alice, of_alice.emplace_back(names.message()));
    for (int i = 0; i < 2; ++i)
        backlog.add(bob, of_bob.emplace_back(names.message()));
    CHECK(backlog.pop() == of_alice[0]);
    CHECK(backlog.pop() == of_bob[0]);
    // Who comes now waits for one message of each, not for all that alice has.
    const PendingId of_carol = names.message();
    backlog.add(carol, of_carol);
    CHECK(backlog.pop() == of_alice[1]);
    CHECK(backlog.pop() == of_bob[1]);
    CHECK(backlog.pop() == of_carol);
    CHECK(backlog.pop() == of_alice[2]);
    CHECK(backlog.front() == of_alice[3]);
    CHECK(backlog.pop() == of_alice[3]);
    CHECK(backlog.empty());
}

TEST_CASE("DataBacklog: what comes first is looked at without being taken [DC-20]") {
    Names names;
    const MemberId alice(1);
    const PendingId one = names.message();
    DataBacklog backlog;
    CHECK(backlog.empty());
    backlog.add(alice, one);
    CHECK(backlog.front() == one);
    CHECK(backlog.front() == one);
    CHECK_FALSE(backlog.empty());
    CHECK(backlog.pop() == one);
    CHECK(backlog.empty());
}

TEST_CASE("DataBacklog: what does not wait any more leaves the others in their order [DC-20]") {
    Names names;
    const MemberId alice(1), bob(2);
    const PendingId first = names.message(), second = names.message(), third = names.message();
    const PendingId of_bob = names.message();
    DataBacklog backlog;
    for (const PendingId one : {first, second, third})
        backlog.add(alice, one);
    backlog.add(bob, of_bob);
    CHECK(backlog.sender() == alice);
    const auto taken = backlog.take(alice, [&](PendingId one) { return one == second; });
    CHECK(taken == std::vector<PendingId>{second});
    CHECK(backlog.take(bob, [](PendingId) { return true; }) == std::vector<PendingId>{of_bob});
    CHECK(backlog.pop() == first);
    CHECK(backlog.sender() == alice);
    CHECK(backlog.pop() == third);
    CHECK(backlog.empty());
}

TEST_CASE("DataBacklog: no sender waits for more than one message of each other [DC-20] [DES-56]") {
    Names names;
    std::vector<MemberId> senders;
    senders.reserve(5);
    for (std::uint64_t i = 1; i <= 5; ++i)
        senders.emplace_back(i);
    Rng rng(3);
    DataBacklog backlog;
    std::vector<std::vector<PendingId>> waiting(senders.size());
    std::vector<std::size_t> passed(senders.size());  // served since this one was, while it waits
    for (int step = 0; step < 5'000; ++step) {
        if (rng.below(2) == 0) {
            const std::size_t sender = rng.below(senders.size());
            const PendingId message = names.message();
            backlog.add(senders[sender], message);
            if (waiting[sender].empty()) passed[sender] = 0;
            waiting[sender].push_back(message);
            continue;
        }
        if (backlog.empty()) continue;
        const PendingId taken = backlog.pop();
        const auto owner = std::find_if(waiting.begin(), waiting.end(), [&](const auto& list) {
            return !list.empty() && list.front() == taken;
        });
        REQUIRE(owner != waiting.end());  // the oldest of somebody
        owner->erase(owner->begin());
        const auto index = static_cast<std::size_t>(owner - waiting.begin());
        for (std::size_t i = 0; i < senders.size(); ++i)
            if (i != index && !waiting[i].empty()) REQUIRE(++passed[i] < senders.size());
        passed[index] = 0;
    }
}

}  // namespace
}  // namespace confab::sfu
