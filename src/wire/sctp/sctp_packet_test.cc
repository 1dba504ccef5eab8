// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// CRC32c against published values and the chunk walk (RFC 9260 §3, Appendix A).
#include "wire/sctp/sctp_packet.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/rng.h"
#include "base/text.h"
#include "wire/sctp/sctp_crc32c.h"

using namespace confab;
using namespace confab::wire::sctp;

TEST_CASE("crc32c: values of RFC 3720 B.4 and the check value") {
    CHECK(crc32c(as_bytes("123456789")) == 0xE3069283);
    CHECK(crc32c({}) == 0);
    CHECK(crc32c(Bytes(32, 0x00)) == 0x8A9136AA);
    CHECK(crc32c(Bytes(32, 0xFF)) == 0x62A8AB43);
    Bytes rising(32);
    for (std::size_t i = 0; i < 32; ++i)
        rising[i] = static_cast<std::uint8_t>(i);
    CHECK(crc32c(rising) == 0x46DD794E);
}

TEST_CASE("crc32c: instruction, tables and pieces agree at every length") {
    Rng rng(1);
    Bytes data(300);
    rng.fill(data);
    for (std::size_t size = 0; size <= data.size(); ++size) {
        const BytesView all = BytesView(data).first(size);
        const std::uint32_t whole = crc32c(all);
        REQUIRE(crc32c_portable(0, all) == whole);
        const std::size_t cut = size / 3;
        REQUIRE(crc32c_extend(crc32c(all.first(cut)), all.subspan(cut)) == whole);
    }
}

TEST_CASE("SCTP packet: written packets are read again, any flipped bit is noticed") {
    PacketWriter writer({5000, 5001, 0xA1B2C3D4}, 1191);
    CHECK(writer.empty());
    writer.chunk(ChunkType::kHeartbeat, 7, 5)->bytes(as_bytes("hello"));
    REQUIRE(writer.chunk(ChunkType::kCookieAck, 0, 0).has_value());
    const Bytes bytes = writer.finish();
    CHECK(bytes.size() == 12 + 12 + 4);
    const auto packet = parse_packet(bytes);
    REQUIRE(packet.has_value());
    CHECK(packet->header.source_port == 5000);
    CHECK(packet->header.destination_port == 5001);
    CHECK(packet->header.verification_tag == 0xA1B2C3D4);
    ChunkReader reader(packet->chunks);
    const auto first = reader.next();
    REQUIRE(first.has_value());
    CHECK(first->type == ChunkType::kHeartbeat);
    CHECK(first->flags == 7);
    CHECK(as_text(first->value) == "hello");
    CHECK(first->raw.size() == 9);
    CHECK(reader.next()->type == ChunkType::kCookieAck);
    CHECK_FALSE(reader.next().has_value());
    CHECK(reader.ok());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        Bytes broken = bytes;
        broken[bit / 8] = static_cast<std::uint8_t>(broken[bit / 8] ^ (1U << (bit % 8)));
        REQUIRE(parse_packet(broken).error() == ParseError::kBadChecksum);
    }
    for (std::size_t size = 0; size < bytes.size(); ++size)
        REQUIRE_FALSE(parse_packet(BytesView(bytes).first(size)).has_value());
}

TEST_CASE("SCTP packet: chunk lengths are held against the bytes that are there") {
    const auto walk = [](std::string_view hex) {
        const Bytes bytes = from_hex(hex).value();
        ChunkReader reader(bytes);
        std::size_t count = 0;
        while (reader.next())
            ++count;
        return std::pair(count, reader.ok());
    };
    using P = std::pair<std::size_t, bool>;
    CHECK(walk("0b000004") == P(1, true));
    CHECK(walk("0b000003") == P(0, false));   // shorter than its header
    CHECK(walk("0b000005") == P(0, false));   // one byte is missing
    CHECK(walk("0b00000501") == P(1, true));  // padding of the last chunk left out
    CHECK(walk("0b0000050100") == P(1, true));
    CHECK(walk("0b000005010000000b000004") == P(2, true));
    CHECK(walk("0b0000040b00") == P(1, false));
    CHECK(walk("0b00ffff") == P(0, false));
    CHECK(walk("0b000000") == P(0, false));  // would not advance
}

TEST_CASE("SCTP packet: nothing is written beyond the MTU") {
    PacketWriter writer({1, 1, 1}, 1191);
    CHECK(writer.room() == 1188 - 12 - 4);
    CHECK_FALSE(writer.chunk(ChunkType::kData, 0, 1173).has_value());
    CHECK(writer.chunk(ChunkType::kData, 0, 1172).has_value());
    CHECK(writer.room() == 0);
    CHECK_FALSE(writer.chunk(ChunkType::kData, 0, 0).has_value());
    CHECK(writer.finish().size() == 1188);
}

TEST_CASE("SCTP packet: the two high bits of unknown types (RFC 9260 §3.2)") {
    const auto rule = [](int type) {
        const auto r = unknown_chunk_rule(static_cast<ChunkType>(type));
        return std::pair(r.skip, r.report);
    };
    CHECK(rule(0x3F) == std::pair(false, false));
    CHECK(rule(0x7F) == std::pair(false, true));
    CHECK(rule(0xBF) == std::pair(true, false));
    CHECK(rule(0xFF) == std::pair(true, true));
    CHECK(unknown_parameter_rule(0x8123).skip);
    CHECK_FALSE(unknown_parameter_rule(0x8123).report);
    CHECK(unknown_parameter_rule(0x4123).report);
}
