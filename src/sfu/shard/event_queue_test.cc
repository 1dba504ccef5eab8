// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/event_queue.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

QualityBatch quality(std::size_t samples) {
    QualityBatch batch;
    batch.peer = PeerId(1);
    batch.samples.resize(samples);
    return batch;
}

}  // namespace

TEST_CASE("EventQueue: what is told again up to a number of bytes, states always") {
    constexpr std::size_t kSamples = EventQueue::kMaxBytes / sizeof(QualitySample);
    EventQueue queue;
    CHECK(queue.push(quality(kSamples - 10)));
    CHECK_FALSE(queue.push(quality(11)));
    CHECK(queue.push(quality(9)));
    CHECK(queue.push(quality(1)));
    CHECK(queue.bytes() == kSamples * sizeof(QualitySample));
    CHECK_FALSE(queue.push(quality(1)));
    CHECK(queue.push(PeerStateChanged{}));
    CHECK(queue.push(DataChannelOpened{PeerId(1), DataChannel::kOther, "label"}));
    // What was taken makes room.
    REQUIRE(std::get<QualityBatch>(*queue.poll()).samples.size() == kSamples - 10);
    CHECK(queue.push(quality(kSamples - 11)));
    CHECK_FALSE(queue.push(quality(2)));
    while (queue.poll()) {
    }
    CHECK(queue.bytes() == 0);
    CHECK(queue.empty());
}

TEST_CASE("EventQueue: the bytes of peers that move are counted, and told beyond all [MC-20]") {
    EventQueue queue;
    CHECK(queue.has_room());
    CHECK(queue.push(PeerExported{PeerId(1), PeerBytes(Bytes(EventQueue::kMaxBytes / 2)), {}}));
    CHECK(queue.bytes() == EventQueue::kMaxBytes / 2);
    CHECK(queue.has_room());
    CHECK(queue.push(PeerExported{PeerId(2), PeerBytes(Bytes(EventQueue::kMaxBytes)), {}}));
    CHECK_FALSE(queue.has_room());
    CHECK_FALSE(queue.push(quality(1)));
    (void)queue.poll();
    (void)queue.poll();
    CHECK(queue.has_room());
    CHECK(queue.bytes() == 0);
}

TEST_CASE("EventQueue: what is told again up to a number of events, states to a far larger one") {
    EventQueue queue;
    for (std::size_t i = 0; i < EventQueue::kMaxEvents - 1; ++i)
        REQUIRE(queue.push(PeerStateChanged{}));
    CHECK(queue.push(quality(1)));
    CHECK_FALSE(queue.push(quality(1)));
    CHECK_FALSE(queue.push(SpeakerLevels{RoomId(1), {}}));
    CHECK(queue.push(PeerStateChanged{}));
    CHECK(queue.size() == EventQueue::kMaxEvents + 1);
    (void)queue.poll();
    CHECK_FALSE(queue.push(quality(1)));
    (void)queue.poll();
    CHECK(queue.push(quality(1)));
    CHECK_FALSE(queue.push(CallAnswered{PeerId(1), Bytes(1)}));
    while (queue.size() < EventQueue::kMaxStates)
        REQUIRE(queue.push(PeerStateChanged{}));
    CHECK_FALSE(queue.push(PeerStateChanged{}));
}

}  // namespace confab::sfu
