// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/link/link_outbox.h"

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <vector>

#include "base/rng.h"
#include "sfu/shard/control_shard.h"

namespace confab::sfu {
namespace {

// Rings of which each takes what room it has.
struct Rings final : ShardLinks {
    bool push(WorkerIndex to, const LinkMessage& message, BytesView bytes) override {
        if (room[to] == 0) return false;
        --room[to];
        CHECK(message.from == 0);
        taken[to].push_back(message.body);
        octets += bytes.size();
        return true;
    }
    std::map<WorkerIndex, std::size_t> room;
    std::map<WorkerIndex, std::vector<LinkBody>> taken;
    std::size_t octets = 0;
};

LinkSubscribe subscribe(std::uint64_t receiver, std::int8_t max_spatial) {
    return {ReceiverId(receiver), MediaKind::kVideo, max_spatial >= 0, max_spatial};
}

TEST_CASE("LinkOutbox: a ring that is full holds nothing up for other workers [DES-41]") {
    Rings rings;
    LinkOutbox outbox(rings, 0, 3);
    rings.room[2] = 100;
    outbox.push(1, LinkEnded{ReceiverId(1)});
    outbox.push(2, LinkEnded{ReceiverId(2)});
    CHECK(outbox.push_packet(2, {}, Bytes(5)));
    CHECK(outbox.push_piece(2, LinkData{}, Bytes(7)));
    CHECK(rings.taken[2].size() == 3);
    CHECK(rings.octets == 12);
    CHECK(outbox.waiting_for(1) == 1);
    CHECK(outbox.flush());
    rings.room[1] = 100;
    CHECK_FALSE(outbox.flush());
    CHECK(rings.taken[1].size() == 1);
}

TEST_CASE("LinkOutbox: neither packet nor piece overtakes a message that waits [DES-41]") {
    Rings rings;
    LinkOutbox outbox(rings, 0, 2);
    outbox.push(1, LinkEnded{ReceiverId(1)});
    outbox.push(1, LinkEnded{ReceiverId(2)});
    rings.room[1] = 1;  // for the first message, not for what is behind
    CHECK_FALSE(outbox.push_piece(1, LinkData{}, Bytes(7)));
    CHECK(outbox.dropped() == 0);  // its owner keeps it
    CHECK(outbox.waiting_for(1) == 1);
    rings.room[1] = 1;
    CHECK_FALSE(outbox.push_packet(1, {}, Bytes(5)));
    CHECK(outbox.dropped() == 1);
    CHECK_FALSE(outbox.waiting());
    rings.room[1] = 1;
    CHECK(outbox.push_packet(1, {}, Bytes(5)));
    REQUIRE(rings.taken[1].size() == 3);
    CHECK(std::get<LinkEnded>(rings.taken[1][0]).receiver == ReceiverId(1));
    CHECK(std::get<LinkEnded>(rings.taken[1][1]).receiver == ReceiverId(2));
    CHECK(std::holds_alternative<LinkPacket>(rings.taken[1][2]));
}

TEST_CASE("LinkOutbox: only what says the same anew replaces what waits [DES-41]") {
    Rings rings;
    LinkOutbox outbox(rings, 0, 2);
    const ReceiverId one(1);
    const auto path = [](std::uint16_t port) {
        ice::Path out;
        out.remote = {IpAddress::v4(0x7F000001), port};
        return out;
    };
    // Reports of each stream, key frames of each layer, each path: all are wanted.
    for (std::uint8_t stream = 0; stream < 3; ++stream)
        outbox.push(1, LinkReport{one, stream, {}});
    for (std::uint8_t layer = 0; layer < 3; ++layer)
        outbox.push(1, LinkKeyFrame{one, layer});
    outbox.push(1, LinkPathProved{path(1)});
    outbox.push(1, LinkPathProved{path(2)});
    outbox.push(1, LinkLoss{one, 10});
    outbox.push(1, subscribe(1, 2));
    outbox.push(1, LinkSource{one, {}});
    outbox.push(1, LinkEnded{one});
    CHECK(outbox.waiting_for(1) == 12);
    outbox.push(1, LinkReport{one, 1, {}});
    outbox.push(1, LinkPathProved{path(2)});
    outbox.push(1, LinkLoss{one, 20});
    outbox.push(1, LinkLoss{ReceiverId(2), 30});
    CHECK(outbox.waiting_for(1) == 13);
    rings.room[1] = 100;
    CHECK_FALSE(outbox.flush());
    CHECK(std::get<LinkLoss>(rings.taken[1][11]).fraction == 20);
    CHECK(std::get<LinkLoss>(rings.taken[1][12]).fraction == 30);
    // Once it is sent the next of the kind is a new message.
    rings.room[1] = 0;
    outbox.push(1, LinkLoss{one, 40});
    CHECK(outbox.waiting_for(1) == 1);
}

TEST_CASE("LinkOutbox: what is said of one is not taken for what is said of another [DES-41]") {
    Rings rings;
    LinkOutbox outbox(rings, 0, 2);
    for (std::uint64_t i = 1; i < 20; ++i) {
        outbox.push(1, LinkSource{ReceiverId(i), {}});
        outbox.push(1, LinkMoved{ReceiverId(i), 1});
        outbox.push(1, LinkSubscribed{ReceiverId(i)});
        outbox.push(1, LinkArrived{PeerId(i)});
    }
    CHECK(outbox.waiting_for(1) == 4 * 19);
}

TEST_CASE("LinkOutbox: what control shards number alike are different tracks [DES-41]") {
    Rings rings;
    LinkOutbox outbox(rings, 0, 2);
    for (const std::uint64_t control : {0U, 1U, 63U})
        outbox.push(1, subscribe(control << kControlShardBit | 7, static_cast<std::int8_t>(2)));
    outbox.push(1, subscribe(std::uint64_t{1} << kControlShardBit | 7, 0));
    CHECK(outbox.waiting_for(1) == 3);
    rings.room[1] = 100;
    CHECK_FALSE(outbox.flush());
    REQUIRE(rings.taken[1].size() == 3);
    CHECK(std::get<LinkSubscribe>(rings.taken[1][0]).receiver == ReceiverId(7));
    CHECK(std::get<LinkSubscribe>(rings.taken[1][2]) ==
          subscribe(std::uint64_t{1} << kControlShardBit | 7, 0));
}

TEST_CASE(
    "LinkOutbox: beyond kMaxWaiting the newest is refused, a newer state still counts "
    "[IMM-15]") {
    Rings rings;
    LinkOutbox outbox(rings, 0, 2);
    for (std::uint64_t i = 0; i < LinkOutbox::kMaxWaiting; ++i)
        outbox.push(1, subscribe(i + 1, 2));
    CHECK(outbox.dropped() == 0);
    outbox.push(1, subscribe(LinkOutbox::kMaxWaiting + 1, 2));
    CHECK(outbox.dropped() == 1);
    outbox.push(1, subscribe(1, 0));  // known already: takes its own place
    CHECK(outbox.dropped() == 1);
    CHECK(outbox.waiting_for(1) == LinkOutbox::kMaxWaiting);
    rings.room[1] = LinkOutbox::kMaxWaiting;
    CHECK_FALSE(outbox.flush());
    CHECK(std::get<LinkSubscribe>(rings.taken[1].back()).max_spatial == 0);
}

TEST_CASE(
    "LinkOutbox: however full the rings were, the last word is the newest state "
    "[DES-41] [DES-56]") {
    Rng rng(23);
    Rings rings;
    LinkOutbox outbox(rings, 0, 3);
    std::map<std::pair<WorkerIndex, std::uint64_t>, std::int8_t> newest;
    for (int i = 0; i < 20'000; ++i) {
        const auto to = static_cast<WorkerIndex>(1 + rng.below(2));
        rings.room[to] = rng.below(3);
        const std::uint64_t receiver = 1 + rng.below(8);
        const auto wanted = static_cast<std::int8_t>(static_cast<int>(rng.below(4)) - 1);
        outbox.push(to, subscribe(receiver, wanted));
        newest[{to, receiver}] = wanted;
        // Bounded by the tracks that cross.
        REQUIRE(outbox.waiting_for(to) <= 8);
    }
    rings.room[1] = rings.room[2] = 100;
    CHECK_FALSE(outbox.flush());
    for (const auto& [subject, wanted] : newest) {
        std::optional<std::int8_t> told;
        for (const LinkBody& body : rings.taken[subject.first])
            if (const auto& one = std::get<LinkSubscribe>(body);
                one.receiver == ReceiverId(subject.second))
                told = one.max_spatial;
        CHECK(told == wanted);
    }
}

}  // namespace
}  // namespace confab::sfu
