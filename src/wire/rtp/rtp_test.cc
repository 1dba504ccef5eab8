// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtp/rtp.h"

#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

TEST_CASE("classify: first byte and RTCP range [ICE-02]") {
    const auto kind = [](std::uint8_t first, std::uint8_t second) {
        const Bytes packet{first, second};
        return classify(packet);
    };
    for (unsigned first = 0; first < 256; ++first) {
        const auto byte = static_cast<std::uint8_t>(first);
        const PacketKind expected = first <= 3                     ? PacketKind::kStun
                                    : first >= 20 && first <= 63   ? PacketKind::kDtls
                                    : first >= 64 && first <= 79   ? PacketKind::kTurnChannel
                                    : first >= 128 && first <= 191 ? PacketKind::kRtp
                                                                   : PacketKind::kUnknown;
        CHECK(kind(byte, 96) == expected);
    }
    CHECK(kind(0x80, 63) == PacketKind::kRtp);
    CHECK(kind(0x80, 191) == PacketKind::kRtp);  // marker and payload type 63
    CHECK(kind(0x80, 192) == PacketKind::kRtcp);
    CHECK(kind(0x80, 200) == PacketKind::kRtcp);
    CHECK(kind(0x80, 223) == PacketKind::kRtcp);
    CHECK(kind(0x80, 224) == PacketKind::kRtp);
    CHECK(kind(0x80, 72) == PacketKind::kRtcp);
    CHECK(classify({}) == PacketKind::kUnknown);
    const Bytes one{0x80};
    CHECK(classify(one) == PacketKind::kUnknown);
}

TEST_CASE("parse_rtp: all fields, CSRCs, extension and padding") {
    const Bytes packet =
        hex("b2e0"
            "1234"
            "00010203"
            "deadbeef"  // V=2 P X CC=2, M PT=96
            "00000001"
            "00000002"  // CSRCs
            "bede0001"
            "10550000"  // extension
            "aabbcc"
            "00000003");  // payload and three of padding
    const auto parsed = parse_rtp(BytesView(packet));
    REQUIRE(parsed.has_value());
    CHECK(parsed->header.marker);
    CHECK(parsed->header.payload_type == 96);
    CHECK(parsed->header.sequence == 0x1234);
    CHECK(parsed->header.timestamp == 0x00010203);
    CHECK(parsed->header.ssrc == 0xDEADBEEF);
    CHECK(parsed->header.csrc_count == 2);
    CHECK(parsed->csrc(1) == 2);
    CHECK(parsed->header.has_extension);
    CHECK(parsed->header.extension_profile == 0xBEDE);
    CHECK(to_hex(parsed->header.extension) == "10550000");
    CHECK(parsed->header.header_size == 28);
    CHECK(parsed->header.padding_size == 3);
    CHECK(to_hex(parsed->payload) == "aabbcc00");
    CHECK(rtp_header_size(packet).value() == 28);
    CHECK(peek_rtp(packet)->ssrc == 0xDEADBEEF);
}

TEST_CASE("parse_rtp: padding of zero or beyond the payload is refused [IMM-7]") {
    Bytes packet =
        hex("a0600001"
            "00000002"
            "00000003"
            "0102030405");
    CHECK(parse_rtp(packet)->payload.empty());  // padding takes the whole payload
    packet.back() = 6;
    CHECK(parse_rtp(packet).error() == ParseError::kPadding);
    packet.back() = 255;
    CHECK(parse_rtp(packet).error() == ParseError::kPadding);
    packet.back() = 0;
    CHECK(parse_rtp(packet).error() == ParseError::kPadding);
    packet.resize(kRtpFixedHeaderSize);
    CHECK(parse_rtp(packet).error() == ParseError::kPadding);
}

TEST_CASE("parse_rtp: CSRCs and extension must lie within the packet [IMM-7]") {
    Bytes csrcs =
        hex("8f600001"
            "00000002"
            "00000003"
            "00000004");
    CHECK(parse_rtp(csrcs).error() == ParseError::kTruncated);
    Bytes extension =
        hex("90600001"
            "00000002"
            "00000003"
            "bede0002"
            "00000000");
    CHECK(parse_rtp(extension).error() == ParseError::kLength);
    extension[14] = 0xFF;
    extension[15] = 0xFF;
    CHECK(parse_rtp(extension).error() == ParseError::kLength);
    const Bytes version =
        hex("40600001"
            "00000002"
            "00000003");
    CHECK(parse_rtp(version).error() == ParseError::kVersion);
    CHECK(peek_rtp(version).error() == ParseError::kVersion);
}

TEST_CASE("parse_rtp: truncation at every length never reads behind the end [IMM-7]") {
    const Bytes packet =
        hex("b2e0123400010203deadbeef0000000100000002bede000110550000aabbcc00000003");
    for_each_prefix(packet, [](BytesView prefix) {
        if (prefix.size() < 28) CHECK_FALSE(parse_rtp(prefix).has_value());
        (void)parse_rtp(prefix);
        (void)peek_rtp(prefix);
        (void)classify(prefix);
        CHECK(rtp_header_size(prefix).has_value() == (prefix.size() >= 28));
    });
}

TEST_CASE("write_rtp_header: what was written is parsed again") {
    Rng rng(1);
    for (int round = 0; round < 2000; ++round) {
        std::array<std::uint8_t, 512> buffer{};
        std::array<std::uint32_t, kMaxRtpCsrcs> csrcs{};
        const std::size_t csrc_count = rng.below(kMaxRtpCsrcs + 1);
        for (auto& csrc : csrcs)
            csrc = rng.u32();
        RtpHeader header;
        header.marker = coin(rng);
        header.payload_type = random_u8(rng, 128);
        header.sequence = rng.u16();
        header.timestamp = rng.u32();
        header.ssrc = rng.u32();
        header.padding_size = random_u8(rng, 256);
        const Bytes payload = random_bytes(rng, 100);
        ByteWriter writer(buffer);
        write_rtp_header(writer, header, std::span(csrcs).first(csrc_count));
        writer.bytes(payload);
        write_rtp_padding(writer, header.padding_size);
        REQUIRE(writer.ok());
        const auto parsed = parse_rtp(writer.written());
        REQUIRE(parsed.has_value());
        CHECK(parsed->header.marker == header.marker);
        CHECK(parsed->header.payload_type == header.payload_type);
        CHECK(parsed->header.sequence == header.sequence);
        CHECK(parsed->header.timestamp == header.timestamp);
        CHECK(parsed->header.ssrc == header.ssrc);
        CHECK(parsed->header.padding_size == header.padding_size);
        CHECK(parsed->header.csrc_count == csrc_count);
        for (std::size_t i = 0; i < csrc_count; ++i)
            CHECK(parsed->csrc(i) == csrcs[i]);
        CHECK(to_hex(parsed->payload) == to_hex(payload));
    }
}

TEST_CASE("set_rtp fields: patch in place") {
    Bytes packet = hex("806000010000000200000003ff");
    set_rtp_sequence(packet, 0xA1A2);
    set_rtp_timestamp(packet, 0xB1B2B3B4);
    set_rtp_ssrc(packet, 0xC1C2C3C4);
    CHECK(to_hex(packet) == "8060a1a2b1b2b3b4c1c2c3c4ff");
}

}  // namespace
}  // namespace confab::wire
