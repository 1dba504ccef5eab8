// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/event_queue.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

DataReceived data(std::size_t size) {
    return {PeerId(1), DataChannel::kReliable, "", Bytes(size)};
}

}  // namespace

TEST_CASE("EventQueue: data up to a number of bytes, states always") {
    EventQueue queue;
    CHECK(queue.push(data(EventQueue::kMaxBytes - 10)));
    CHECK_FALSE(queue.push(data(11)));
    CHECK(queue.push(data(9)));
    CHECK(queue.push(data(1)));
    CHECK(queue.bytes() == EventQueue::kMaxBytes);
    CHECK_FALSE(queue.push(data(1)));
    CHECK(queue.push(PeerStateChanged{}));
    // What was taken makes room.
    REQUIRE(std::get<DataReceived>(*queue.poll()).payload.size() == EventQueue::kMaxBytes - 10);
    CHECK(queue.push(data(EventQueue::kMaxBytes - 10)));
    CHECK_FALSE(queue.push(data(1)));
    while (queue.poll()) {
    }
    CHECK(queue.bytes() == 0);
}

TEST_CASE("EventQueue: data up to a number of events, states always") {
    EventQueue queue;
    for (std::size_t i = 0; i < EventQueue::kMaxEvents - 1; ++i)
        REQUIRE(queue.push(LayersChanged{}));
    CHECK(queue.push(data(1)));
    CHECK_FALSE(queue.push(data(1)));
    CHECK(queue.push(LayersChanged{}));
    CHECK(queue.size() == EventQueue::kMaxEvents + 1);
    (void)queue.poll();
    CHECK_FALSE(queue.push(data(1)));
    (void)queue.poll();
    CHECK(queue.push(data(1)));
}

}  // namespace confab::sfu
