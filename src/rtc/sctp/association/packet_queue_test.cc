// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Order, header and bound of the packets that go first.
#include "rtc/sctp/association/packet_queue.h"

#include <doctest/doctest.h>

#include "rtc/sctp/chunks_test.h"

using namespace confab;
using namespace confab::sctp;

TEST_CASE(
    "PacketQueue: packets carry ports and tag and leave in their order, none beyond the MTU") {
    Config config;
    config.local_port = 6000;
    config.remote_port = 7000;
    config.mtu = 200;
    PacketQueue queue(config);
    for (const std::uint32_t tag : {1U, 2U}) {
        auto packet = queue.start(tag);
        CHECK_FALSE(packet.chunk(wire::sctp::ChunkType::kCookieEcho, 0, 200).has_value());
        CHECK(packet.chunk(wire::sctp::ChunkType::kCookieAck, 0, 0).has_value());
        queue.push(packet.finish());
    }
    const auto first = queue.pop();
    REQUIRE(first.has_value());
    const auto view = wire::sctp::parse_packet(*first);
    REQUIRE(view.has_value());
    CHECK(view->header.source_port == 6000);
    CHECK(view->header.destination_port == 7000);
    CHECK(view->header.verification_tag == 1);
    CHECK(tag_of(queue.pop().value()) == 2);
    CHECK_FALSE(queue.pop().has_value());
}

TEST_CASE("PacketQueue: beyond its limit packets are dropped, the older ones stay [IMM-15]") {
    PacketQueue queue{Config{}};
    for (std::uint8_t i = 0; i <= kMaxQueuedPackets; ++i)
        queue.push(Bytes{i});
    for (std::uint8_t i = 0; i < kMaxQueuedPackets; ++i)
        CHECK(queue.pop() == Bytes{i});
    CHECK_FALSE(queue.pop().has_value());
}
