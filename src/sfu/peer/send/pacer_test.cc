// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/send/pacer.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

Timestamp at_us(std::int64_t us) {
    return Timestamp::micros(10'000'000 + us);
}

TEST_CASE("Pacer: without a limit everything leaves at once [PAC-01]") {
    Pacer pacer;
    pacer.set_rate(kUnlimitedCapacity, 1'000'000);
    for (int i = 0; i < 1000; ++i) {
        CHECK(pacer.may_send(at_us(0)));
        pacer.sent(at_us(0), 1200);
    }
    CHECK(pacer.may_send(at_us(0)));
}

TEST_CASE("Pacer: bursts of 5 ms, at the rate [PAC-01]") {
    // 2 Mbit/s: 1250 octets take 5 ms.
    Pacer pacer;
    pacer.set_rate(2'000'000, 0);
    CHECK(pacer.may_send(at_us(0)));
    pacer.sent(at_us(0), 1250);
    CHECK_FALSE(pacer.may_send(at_us(0)));
    CHECK(pacer.next_send() == at_us(5000));
    CHECK_FALSE(pacer.may_send(at_us(0)));
    CHECK(pacer.may_send(at_us(1)));
    // Over a second what leaves is the rate and one burst, whenever it is asked.
    std::size_t bytes = 1250;
    for (std::int64_t us = 1; us <= 1'000'000; us += 700)
        while (pacer.may_send(at_us(us))) {
            pacer.sent(at_us(us), 625);
            bytes += 625;
        }
    CHECK(bytes >= 250'000);
    CHECK(bytes <= 250'000 + 2 * 1250 + 625);
}

TEST_CASE("Pacer: what was not sent is not made up for [PAC-01]") {
    Pacer pacer;
    pacer.set_rate(2'000'000, 0);
    std::size_t packets = 0;
    while (pacer.may_send(at_us(3'000'000))) {
        pacer.sent(at_us(3'000'000), 625);
        ++packets;
    }
    CHECK(packets == 2);
}

TEST_CASE("Pacer: what would wait longer than kLongestWait goes faster [PAC-01]") {
    Pacer pacer;
    const std::size_t waiting = 100'000;
    pacer.set_rate(100'000, waiting);  // 8 s
    std::size_t sent = 0;
    for (std::int64_t ms = 0; ms < Pacer::kLongestWait.ms(); ++ms)
        while (sent < waiting && pacer.may_send(at_us(1000 * ms))) {
            pacer.sent(at_us(1000 * ms), 1000);
            sent += 1000;
        }
    CHECK(sent == waiting);
}

TEST_CASE("Pacer: what waits leaves in that time, however often the rate is asked for [PAC-01]") {
    Pacer pacer;
    std::size_t waiting = 100'000;
    std::int64_t ms = 0;
    for (; waiting > 0 && ms < 5000; ++ms) {
        pacer.set_rate(100'000, waiting);
        while (waiting > 0 && pacer.may_send(at_us(1000 * ms))) {
            pacer.sent(at_us(1000 * ms), 1000);
            waiting -= 1000;
        }
    }
    CHECK(ms <= Pacer::kLongestWait.ms() + 10);
    // Then it is the link's rate again.
    pacer.set_rate(100'000, 0);
    pacer.set_rate(100'000, 1000);
    pacer.sent(at_us(9'000'000), 1000);
    CHECK(pacer.next_send() == at_us(9'080'000));
}

TEST_CASE("Pacer: a burst of repairs holds pictures back no longer than that [PAC-01]") {
    Pacer pacer;
    pacer.set_rate(500'000, 0);
    for (int i = 0; i < 200; ++i)
        pacer.sent(at_us(0), 1200);  // 3.8 s of the link
    CHECK(pacer.next_send() == at_us(0) + Pacer::kLongestWait);
    pacer.sent(at_us(100'000), 1200);
    CHECK(pacer.next_send() == at_us(519'200));
}

TEST_CASE("Pacer: the smallest of rates does not stop it for ever") {
    Pacer pacer;
    pacer.set_rate(0, 0);
    CHECK(pacer.may_send(at_us(0)));
    pacer.sent(at_us(0), 1500);
    CHECK(pacer.next_send() <= at_us(500'000));
}

}  // namespace
}  // namespace confab::sfu
