// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// HEARTBEAT-ACK and ERROR, due until they fit (RFC 9260 §3.2, §8.3).
#include "rtc/sctp/association/replies.h"

#include <doctest/doctest.h>

#include "rtc/sctp/chunks_test.h"
#include "rtc/sctp/limits.h"

using namespace confab;
using namespace confab::sctp;
using wire::sctp::ChunkType;

namespace {

// A packet with one chunk of that type.
Bytes packet_with(ChunkType type, const Bytes& value) {
    wire::sctp::PacketWriter writer({5000, 5000, 1}, 2048);
    writer.chunk(type, 0, value.size())->bytes(value);
    return writer.finish();
}

// What is due, written into a packet of that size.
Bytes written(Replies& replies, std::size_t mtu = 1191) {
    wire::sctp::PacketWriter writer({5000, 5000, 1}, mtu);
    replies.write_heartbeat_ack(writer);
    replies.write_error(writer);
    return writer.finish();
}

}  // namespace

TEST_CASE("Replies: a HEARTBEAT gets its value back once, an empty one too; the last one counts") {
    Replies replies;
    CHECK(chunk_types(written(replies)).empty());
    for (const Bytes& value : {Bytes{}, Bytes{1, 2, 3}}) {
        replies.handle_heartbeat(first_chunk(packet_with(ChunkType::kHeartbeat, Bytes{9})));
        replies.handle_heartbeat(first_chunk(packet_with(ChunkType::kHeartbeat, value)));
        const Bytes packet = written(replies);
        REQUIRE(chunk_types(packet) == std::vector{ChunkType::kHeartbeatAck});
        CHECK(to_vector(first_chunk(packet).value) == value);
        CHECK(chunk_types(written(replies)).empty());
    }
}

TEST_CASE("Replies: a HEARTBEAT is answered up to the longest value [IMM-8]") {
    for (const std::size_t size : {kMaxHeartbeatInfo, kMaxHeartbeatInfo + 1}) {
        CAPTURE(size);
        Replies replies;
        replies.handle_heartbeat(first_chunk(packet_with(ChunkType::kHeartbeat, Bytes(size))));
        CHECK(chunk_types(written(replies)).size() == (size == kMaxHeartbeatInfo ? 1 : 0));
    }
}

TEST_CASE("Replies: the two high bits of an unknown type say whether to go on and to report") {
    for (const int bits : {0x00, 0x40, 0x80, 0xC0}) {
        CAPTURE(bits);
        Replies replies;
        const auto type = static_cast<ChunkType>(bits | 0x3F);
        const Bytes packet = packet_with(type, Bytes{7, 8});
        CHECK(replies.handle_unknown(first_chunk(packet)) == ((bits & 0x80) != 0));
        const Bytes answer = written(replies);
        if ((bits & 0x40) == 0) {
            CHECK(chunk_types(answer).empty());
            continue;
        }
        REQUIRE(chunk_types(answer) == std::vector{ChunkType::kError});
        const auto error = first_chunk(answer);
        CHECK(wire::sctp::first_cause(error) == wire::sctp::Cause::kUnrecognizedChunk);
        CHECK(to_vector(error.value.subspan(4, 6)) == to_vector(first_chunk(packet).raw));
        CHECK(chunk_types(written(replies)).empty());
    }
}

TEST_CASE("Replies: an unknown chunk is reported up to the longest one [IMM-8]") {
    for (const std::size_t size : {kMaxReportedChunk, kMaxReportedChunk + 1}) {
        CAPTURE(size);
        Replies replies;
        const Bytes value(size - wire::sctp::kChunkHeaderSize);
        CHECK(
            replies.handle_unknown(first_chunk(packet_with(static_cast<ChunkType>(0xC5), value))));
        CHECK(chunk_types(written(replies)).size() == (size == kMaxReportedChunk ? 1 : 0));
    }
}

TEST_CASE("Replies: what does not fit stays due, clear() takes it away") {
    Replies replies;
    const auto fill = [&] {
        replies.handle_heartbeat(first_chunk(packet_with(ChunkType::kHeartbeat, Bytes(100))));
        replies.handle_unknown(first_chunk(packet_with(static_cast<ChunkType>(0xC5), Bytes(100))));
    };
    fill();
    CHECK(chunk_types(written(replies, 64)).empty());
    CHECK(chunk_types(written(replies)) ==
          std::vector{ChunkType::kHeartbeatAck, ChunkType::kError});
    fill();
    replies.clear();
    CHECK(chunk_types(written(replies)).empty());
}
