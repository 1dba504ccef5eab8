// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/net/event_queue.h"

#include <doctest/doctest.h>

#include <vector>

#include "sim/net/run_hash.h"

namespace confab::sim {
namespace {

Timestamp at_us(std::int64_t us) {
    return Timestamp::micros(1'000'000 + us);
}

TEST_CASE("EventQueue: time order, and the order of planning where times are equal [DES-51]") {
    EventQueue queue(at_us(0));
    std::vector<int> order;
    queue.plan(at_us(20), [&] { order.push_back(3); });
    queue.plan(at_us(10), [&] { order.push_back(1); });
    queue.plan(at_us(10), [&] { order.push_back(2); });
    queue.plan(Timestamp::never(), [&] { order.push_back(9); });
    queue.plan(at_us(-50), [&] {
        order.push_back(0);
        queue.plan(at_us(5), [&] { order.push_back(7); });
    });
    while (queue.step(at_us(15))) {
    }
    CHECK(order == std::vector<int>{0, 7, 1, 2});
    CHECK(queue.now() == at_us(15));
    while (queue.step(at_us(100))) {
    }
    CHECK(order.back() == 3);
    CHECK(queue.now() == at_us(100));
    CHECK(queue.taken() == 5);
}

TEST_CASE("RunHash: time, addresses, length and every byte count [DES-51]") {
    const SocketAddress a{IpAddress::v4(1), 1};
    const SocketAddress b{IpAddress::v4(1), 2};
    const auto hash = [](Timestamp now, SocketAddress from, SocketAddress to, Bytes bytes) {
        RunHash h;
        h.add_datagram(now, from, to, bytes);
        return h.value();
    };
    const Bytes bytes(21, 7);
    const auto base = hash(at_us(0), a, b, bytes);
    CHECK(base == hash(at_us(0), a, b, bytes));
    CHECK(base != hash(at_us(1), a, b, bytes));
    CHECK(base != hash(at_us(0), b, a, bytes));
    CHECK(base != hash(at_us(0), a, b, Bytes(22, 7)));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        Bytes other = bytes;
        other[i] ^= 1;
        CHECK(base != hash(at_us(0), a, b, other));
    }
}

}  // namespace
}  // namespace confab::sim
