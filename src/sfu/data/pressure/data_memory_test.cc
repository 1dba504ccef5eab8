// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/pressure/data_memory.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}
sctp::SharedBytes bytes(std::size_t size) {
    return sctp::SharedBytes(Bytes(size, 1));
}

TEST_CASE("DataMemory: nonces and the cache by time and size [SIG-121] [SIG-123]") {
    DataMemory memory;
    const Bytes nonce(16, 7);
    CHECK(memory.accept_nonce(nonce));
    CHECK_FALSE(memory.accept_nonce(nonce));
    for (std::uint8_t i = 0; i < 100; ++i)
        CHECK(memory.accept_nonce(Bytes{i, 1}));
    CHECK(memory.accept_nonce(nonce));  // forgotten after 100 others
    for (std::uint32_t i = 1; i <= 30; ++i) {
        DataMessage message;
        message.sender_sid = "PA_a";
        message.payload = bytes(10'000);
        message.sequence = i;
        message.identities = {"bob"};
        memory.remember(at_ms(i), message);
    }
    CHECK(memory.cached_bytes() <= DataMemory::kMaxCachedBytes);
    const auto replay = memory.since(at_ms(30), {{"PA_a", 29}});
    REQUIRE(replay.size() == 2);
    CHECK(replay[0]->message.sequence == 29);
    CHECK(replay[0]->message.identities == std::vector<std::string>{"bob"});
    CHECK(memory.since(at_ms(30), {{"PA_b", 1}}).empty());
    CHECK(memory.since(at_ms(5'000), {{"PA_a", 1}}).empty());
}

TEST_CASE("DataMemory: of packets however small kMaxCachedPackets are kept [SIG-121] [IMM-15]") {
    DataMemory memory;
    for (std::uint32_t i = 1; i <= DataMemory::kMaxCachedPackets + 1; ++i) {
        DataMessage message;
        message.sender_sid = "PA_a";
        message.payload = bytes(1);
        message.sequence = i;
        memory.remember(at_ms(0), message);
    }
    const auto replay = memory.since(at_ms(1), {{"PA_a", 1}});
    CHECK(replay.size() == DataMemory::kMaxCachedPackets);
    CHECK(replay.front()->message.sequence == 2);
    CHECK(memory.cached_bytes() == DataMemory::kMaxCachedPackets);
}

// Nobody but the API says how long a nonce is, and a hundred of 64 KiB are kept by no room.
TEST_CASE("DataMemory: nonces are bounded in bytes [SIG-123] [IMM-15]") {
    DataMemory memory;
    const Bytes longest(DataMemory::kMaxNonceBytes, 7);
    const Bytes longer(DataMemory::kMaxNonceBytes + 1, 7);
    CHECK(memory.accept_nonce(longest));
    for (std::size_t i = 0; i < DataMemory::kMaxNonces; ++i)
        CHECK(memory.accept_nonce(longer));  // not remembered
    CHECK_FALSE(memory.accept_nonce(longest));
}

TEST_CASE("DataMemory: the last number of each sender, of so many [SIG-121] [MC-20] [IMM-15]") {
    DataMemory memory;
    for (std::uint32_t i = 1; i <= 3; ++i)
        for (std::size_t sender = 0; sender < DataMemory::kMaxSenders + 5; ++sender) {
            DataMessage message;
            message.sender_sid = "PA_" + std::to_string(sender);
            message.sequence = i * 10;
            memory.remember(at_ms(0), message);
        }
    CHECK(memory.newest().size() == DataMemory::kMaxSenders);
    CHECK(memory.newest().rbegin()->second == 30);
}

TEST_CASE("HeldData: of one that moved only what came since [MC-20]") {
    HeldData held;
    for (const std::int64_t ms : {10, 20, 30})
        CHECK(held.hold(bytes(static_cast<std::size_t>(ms)), at_ms(ms)));
    const auto since = held.take_unsequenced(at_ms(20));
    REQUIRE(since.size() == 2);
    CHECK(since[0].payload.size() == 20);
    CHECK(since[1].payload.size() == 30);
}

TEST_CASE("HeldData: bounded in bytes and in messages [SIG-121] [IMM-15]") {
    HeldData held;
    for (int i = 0; i < 20; ++i)
        CHECK(held.hold(bytes(10'000)) == (i < 10));
    CHECK(held.take_unsequenced().size() == 10);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < HeldData::kMaxMessages + 10; ++i)
        taken += held.hold(bytes(1)) ? 1U : 0U;
    CHECK(taken == HeldData::kMaxMessages);
}

TEST_CASE("HeldData: notes a bounded number of senders, the first ones [SIG-121]") {
    HeldData held;
    for (std::size_t i = 0; i < HeldData::kMaxSenders + 10; ++i)
        held.hold_sequenced("PA_" + std::to_string(i), 5);
    CHECK(held.first_missed().size() == HeldData::kMaxSenders);
    // Who is known already keeps its first number.
    held.hold_sequenced(held.first_missed().begin()->first, 1);
    CHECK(held.first_missed().begin()->second == 5);
    CHECK(held.first_missed().size() == HeldData::kMaxSenders);
}

}  // namespace
}  // namespace confab::sfu
