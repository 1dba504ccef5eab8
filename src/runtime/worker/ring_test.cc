// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <thread>

#include "runtime/worker/spsc_ring.h"
#include "runtime/worker/wakeup.h"

namespace confab::worker {
namespace {

bool readable(int fd, int timeout_ms) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, timeout_ms) == 1;
}

TEST_CASE("SpscRing: is bounded, keeps order and gives slots back [DES-41]") {
    SpscRing<std::unique_ptr<int>> ring(5);  // rounded up to 8
    CHECK(ring.empty());
    CHECK(ring.front() == nullptr);
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 8; ++i)
            CHECK(ring.push(std::make_unique<int>(i)));
        CHECK(ring.claim() == nullptr);
        CHECK_FALSE(ring.push(std::make_unique<int>(99)));
        for (int i = 0; i < 8; ++i) {
            REQUIRE(ring.front() != nullptr);
            CHECK(**ring.front() == i);
            ring.release();
        }
        CHECK(ring.empty());
    }
}

TEST_CASE("SpscRing: has room for what is not used, and for what came free since [DES-41]") {
    SpscRing<int> ring(8);
    // Around the end of the slots, too.
    for (int round = 0; round < 3; ++round) {
        CHECK(ring.has_room_for(8));
        CHECK_FALSE(ring.has_room_for(9));
        for (std::size_t used = 1; used <= 5; ++used) {
            CHECK(ring.push(1));
            CHECK(ring.has_room_for(8 - used));
            CHECK_FALSE(ring.has_room_for(9 - used));
        }
        for (int i = 0; i < 3; ++i)
            CHECK(ring.push(1));
        CHECK(ring.has_room_for(0));
        CHECK_FALSE(ring.has_room_for(1));
        for (std::size_t freed = 1; freed <= 8; ++freed) {
            REQUIRE(ring.front() != nullptr);
            ring.release();
            CHECK(ring.has_room_for(freed));
            CHECK_FALSE(ring.has_room_for(freed + 1));
        }
    }
}

TEST_CASE("SpscRing: a refused value stays with the caller [DES-41]") {
    SpscRing<std::string> ring(2);
    CHECK(ring.push("a"));
    CHECK(ring.push("b"));
    std::string kept = "a command that must not be lost";
    CHECK_FALSE(ring.push(std::move(kept)));
    CHECK(kept == "a command that must not be lost");
}

TEST_CASE("SpscRing: two threads, every value once and in order [DES-40]") {
    constexpr std::uint64_t kValues = 200'000;
    struct Slot {
        std::uint64_t value = 0;
        std::array<std::uint64_t, 8> copy{};  // torn if the slot were shown too early
    };
    SpscRing<Slot> ring(64);
    std::thread producer([&] {
        for (std::uint64_t i = 0; i < kValues;) {
            Slot* slot = ring.claim();
            if (slot == nullptr) {
                std::this_thread::yield();
                continue;
            }
            slot->value = i;
            slot->copy.fill(i);
            ring.publish();
            ++i;
        }
    });
    std::uint64_t expected = 0, wrong = 0;
    while (expected < kValues) {
        const Slot* slot = ring.front();
        if (slot == nullptr) {
            std::this_thread::yield();
            continue;
        }
        if (slot->value != expected || slot->copy.front() != expected ||
            slot->copy.back() != expected)
            ++wrong;
        ring.release();
        ++expected;
    }
    producer.join();
    CHECK(wrong == 0);
    CHECK(ring.empty());
}

TEST_CASE("Wakeup: rings only for a sleeper, and only once [DES-42]") {
    Wakeup bell;
    bell.notify();
    CHECK_FALSE(readable(bell.fd(), 0));  // nobody sleeps
    bell.announce_sleep();
    bell.notify();
    bell.notify();
    CHECK(readable(bell.fd(), 0));
    bell.awake();
    CHECK_FALSE(readable(bell.fd(), 0));
    bell.announce_sleep();
    bell.awake();  // woken by something else
    bell.notify();
    CHECK_FALSE(readable(bell.fd(), 0));
}

// The owner wakes up by itself between the two steps of notify(): what rings comes afterwards.
TEST_CASE("Wakeup: a ring that comes late wakes once, not for ever [DES-42]") {
    Wakeup bell;
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        std::uint64_t ring = 0;
        bell.announce_sleep();
        bell.notify();
        REQUIRE(::read(bell.fd(), &ring, sizeof ring) == sizeof ring);  // not written yet
        CHECK(ring == 1);
        bell.awake();
        bell.awake();  // as the control loop, which is told by the descriptor too
        REQUIRE(::write(bell.fd(), &ring, sizeof ring) == sizeof ring);
        bell.announce_sleep();
        CHECK(readable(bell.fd(), 0));
        bell.awake();
        CHECK_FALSE(readable(bell.fd(), 0));
    }
    // Late together with the next one.
    std::uint64_t ring = 0;
    bell.announce_sleep();
    bell.notify();
    REQUIRE(::read(bell.fd(), &ring, sizeof ring) == sizeof ring);
    bell.awake();
    bell.announce_sleep();
    bell.notify();
    bell.awake();
    REQUIRE(::write(bell.fd(), &ring, sizeof ring) == sizeof ring);
    bell.announce_sleep();
    bell.awake();
    CHECK_FALSE(readable(bell.fd(), 0));
}

TEST_CASE("Wakeup: no message is left lying while the consumer sleeps [DES-42]") {
    constexpr int kValues = 20'000;
    SpscRing<int> ring(16);
    Wakeup bell;
    int lost_wakeups = 0;
    std::thread consumer([&] {
        for (int expected = 0; expected < kValues;) {
            bell.announce_sleep();
            // A lost wake-up would sleep the whole second.
            if (ring.empty() && !readable(bell.fd(), 1000)) ++lost_wakeups;
            bell.awake();
            while (const int* value = ring.front()) {
                if (*value == expected) ++expected;
                ring.release();
            }
        }
    });
    for (int i = 0; i < kValues; ++i) {
        while (!ring.push(int{i}))
            std::this_thread::yield();
        bell.notify();
        if (i % 64 == 0) std::this_thread::yield();
    }
    consumer.join();
    CHECK(lost_wakeups == 0);
}

}  // namespace
}  // namespace confab::worker
