// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// STUN against the vectors of RFC 5769 (their HMAC is checked in rtc/ice/binding_test.cc, where
// cryptography is allowed) and against damage of every kind.
#include "wire/ice/stun.h"

#include <doctest/doctest.h>

#include "base/rng.h"
#include "base/text.h"
#include "wire/ice/stun_crc32.h"

using namespace confab;
using namespace confab::wire;

namespace {

// RFC 5769 §2.1, §2.2, §2.3, §2.4.
constexpr std::string_view kRequest =
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";
constexpr std::string_view kResponseV4 =
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
    "002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
constexpr std::string_view kResponseV6 =
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
    "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";
constexpr std::string_view kLongTerm =
    "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b90000"
    "0015001c662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f7267"
    "0000080014f67024656dd64a3e02b8e0712e85c9a28ca89666";

Bytes hex(std::string_view text) {
    return *from_hex(text);
}

}  // namespace

TEST_CASE("crc32: check value of the polynomial") {
    CHECK(crc32(as_bytes("123456789")) == 0xCBF43926);
    CHECK(crc32({}) == 0);
}

TEST_CASE("StunMessage: RFC 5769 §2.1 sample request [ICE-05]") {
    const Bytes bytes = hex(kRequest);
    const auto message = StunMessage::parse(bytes);
    REQUIRE(message);
    CHECK(message->is(StunClass::kRequest, StunMethod::kBinding));
    CHECK(message->text(StunAttr::kSoftware) == "STUN test client");
    CHECK(message->u32(StunAttr::kPriority) == 0x6E0001FF);
    CHECK(message->u64(StunAttr::kIceControlled) == 0x932FF9B151263B36);
    CHECK(message->text(StunAttr::kUsername) == "evtj:h6vY");
    CHECK(message->fingerprint() == StunFingerprint::kValid);
    CHECK_FALSE(message->has(StunAttr::kUseCandidate));
    const auto integrity = message->integrity_input();
    REQUIRE(integrity);
    CHECK(to_hex(integrity->mac) == "9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2");
    CHECK(load_be16(&integrity->header[2]) == 0x50);  // without FINGERPRINT
    CHECK(integrity->body.size() == 56);
}

TEST_CASE("StunMessage: RFC 5769 §2.2 and §2.3 sample responses") {
    const Bytes v4 = hex(kResponseV4);
    const auto first = StunMessage::parse(v4);
    REQUIRE(first);
    CHECK(first->is(StunClass::kSuccess, StunMethod::kBinding));
    CHECK(first->xor_address(StunAttr::kXorMappedAddress)->to_string() == "192.0.2.1:32853");
    CHECK(first->fingerprint() == StunFingerprint::kValid);

    const Bytes v6 = hex(kResponseV6);
    const auto second = StunMessage::parse(v6);
    REQUIRE(second);
    CHECK(second->xor_address(StunAttr::kXorMappedAddress)->to_string() ==
          "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
    CHECK(second->fingerprint() == StunFingerprint::kValid);
}

TEST_CASE("StunMessage: RFC 5769 §2.4 long-term request") {
    const Bytes bytes = hex(kLongTerm);
    const auto message = StunMessage::parse(bytes);
    REQUIRE(message);
    CHECK(message->text(StunAttr::kRealm) == "example.org");
    CHECK(message->text(StunAttr::kNonce) == "f//499k954d6OL34oL9FSTvy64sA");
    CHECK(message->text(StunAttr::kUsername)->size() == 18);
    CHECK(message->fingerprint() == StunFingerprint::kAbsent);
    CHECK(message->integrity_input());
}

TEST_CASE("StunBuilder: rebuilds RFC 5769 §2.2 byte by byte") {
    const Bytes expected = hex(kResponseV4);
    const auto original = StunMessage::parse(expected);
    std::array<std::uint8_t, 128> buffer;
    StunBuilder builder(buffer, StunClass::kSuccess, StunMethod::kBinding,
                        original->transaction_id());
    builder.text(StunAttr::kSoftware, "test vector");
    builder.xor_address(StunAttr::kXorMappedAddress, *SocketAddress::parse("192.0.2.1:32853"));
    const BytesView covered = builder.integrity_input();
    const auto input = original->integrity_input();
    CHECK(to_hex(covered.first(20)) == to_hex(input->header));
    CHECK(covered.size() == 20 + input->body.size());
    builder.add_integrity(input->mac).add_fingerprint();
    // The RFC pads with blanks, we with zeros: patch that byte and the checksum that covers it.
    Bytes ours = to_vector(builder.finish());
    REQUIRE(ours.size() == expected.size());
    CHECK(ours[35] == 0);
    ours[35] = 0x20;
    store_be32(&ours[ours.size() - 4], crc32(BytesView(ours).first(ours.size() - 8)) ^ 0x5354554E);
    CHECK(to_hex(ours) == to_hex(expected));
}

TEST_CASE("StunBuilder: every class and method survives, also those of TURN") {
    // RFC 8489 §18.2 allots 0x00 to 0xFF, so that the first byte stays below 4 (RFC 7983 §7).
    for (unsigned method = 0; method < 0x100; ++method)
        for (unsigned cls = 0; cls < 4; ++cls) {
            std::array<std::uint8_t, 64> buffer;
            StunBuilder builder(buffer, static_cast<StunClass>(cls),
                                static_cast<StunMethod>(method), {});
            const auto message = StunMessage::parse(builder.finish());
            REQUIRE(message);
            REQUIRE(message->is(static_cast<StunClass>(cls), static_cast<StunMethod>(method)));
        }
}

TEST_CASE("StunBuilder: error answers carry code, reason and unknown types") {
    std::array<std::uint8_t, 128> buffer;
    for (const std::uint16_t code : std::array<std::uint16_t, 6>{400, 401, 420, 438, 487, 508}) {
        StunBuilder builder(buffer, StunClass::kError, StunMethod::kAllocate, {});
        const std::array<std::uint16_t, 2> types{0x7FFF, 0x1234};
        builder.error_code(code, "because").unknown_attributes(types).add_fingerprint();
        const auto message = StunMessage::parse(builder.finish());
        REQUIRE(message);
        CHECK(message->error_code()->code == code);
        CHECK(message->error_code()->reason == "because");
        CHECK(message->find(StunAttr::kUnknownAttributes)->size() == 4);
        CHECK(message->fingerprint() == StunFingerprint::kValid);
    }
}

TEST_CASE("StunBuilder: plain and masked addresses come back") {
    for (const char* text : {"203.0.113.7:9", "[2001:db8::9]:65535", "[::]:1"}) {
        const SocketAddress address = *SocketAddress::parse(text);
        std::array<std::uint8_t, 128> buffer;
        StunTransactionId id;
        id.fill(0xC3);
        StunBuilder builder(buffer, StunClass::kSuccess, StunMethod::kAllocate, id);
        builder.xor_address(StunAttr::kXorRelayedAddress, address);
        builder.address(StunAttr::kAlternateServer, address);
        const auto message = StunMessage::parse(builder.finish());
        REQUIRE(message);
        CHECK(message->xor_address(StunAttr::kXorRelayedAddress) == address);
        CHECK(message->address(StunAttr::kAlternateServer) == address);
    }
}

TEST_CASE("StunBuilder: a buffer that is too small gives nothing, at every size") {
    std::array<std::uint8_t, 200> buffer;
    std::size_t needed = 0;
    for (std::size_t size = buffer.size(); size-- > 0;) {
        StunBuilder builder(BytesSpan(buffer).first(size), StunClass::kRequest,
                            StunMethod::kBinding, {});
        builder.text(StunAttr::kUsername, "abcde:fghij").u32(StunAttr::kPriority, 1);
        (void)builder.integrity_input();
        builder.add_integrity(std::array<std::uint8_t, 20>{}).add_fingerprint();
        const BytesView out = builder.finish();
        if (needed == 0) needed = out.size();
        CHECK(out.size() == (size >= needed ? needed : 0));
    }
}

TEST_CASE("StunMessage: refuses truncation at every length and a changed length field") {
    const Bytes bytes = hex(kRequest);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        CHECK_FALSE(StunMessage::parse(BytesView(bytes).first(size)));
    Bytes longer = bytes;
    longer.push_back(0);
    CHECK(StunMessage::parse(longer).error() == StunError::kBadLength);
    Bytes other = bytes;
    other[4] ^= 1;
    CHECK(StunMessage::parse(other).error() == StunError::kNotStun);
    other = bytes;
    other[0] = 0x80;
    CHECK(StunMessage::parse(other).error() == StunError::kNotStun);
    other = bytes;
    other[22] = 0x01;  // SOFTWARE now reaches over the end
    CHECK(StunMessage::parse(other).error() == StunError::kBadAttribute);
}

TEST_CASE("StunMessage: every changed bit before FINGERPRINT is seen by it") {
    const Bytes bytes = hex(kRequest);
    for (std::size_t bit = 0; bit < (bytes.size() - 8) * 8; ++bit) {
        Bytes damaged = bytes;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        const auto message = StunMessage::parse(damaged);
        if (message) CHECK(message->fingerprint() != StunFingerprint::kValid);
    }
}

TEST_CASE("StunMessage: attributes behind MESSAGE-INTEGRITY do not count") {
    std::array<std::uint8_t, 128> buffer;
    StunBuilder builder(buffer, StunClass::kRequest, StunMethod::kBinding, {});
    builder.u32(StunAttr::kPriority, 1);
    builder.add_integrity(std::array<std::uint8_t, 20>{});
    builder.flag(StunAttr::kUseCandidate).u32(StunAttr::kPriority, 2).add_fingerprint();
    const auto message = StunMessage::parse(builder.finish());
    REQUIRE(message);
    CHECK_FALSE(message->has(StunAttr::kUseCandidate));
    CHECK(message->u32(StunAttr::kPriority) == 1);
    CHECK(message->fingerprint() == StunFingerprint::kValid);
}

TEST_CASE("StunMessage: values of the wrong size are absent, unknown attributes are walked over") {
    std::array<std::uint8_t, 128> buffer;
    StunBuilder builder(buffer, StunClass::kRequest, StunMethod::kBinding, {});
    builder.bytes(static_cast<StunAttr>(0x7ABC), as_bytes("xyz"));
    builder.bytes(StunAttr::kPriority, as_bytes("abc"));
    builder.bytes(StunAttr::kXorMappedAddress, as_bytes("short"));
    builder.bytes(StunAttr::kErrorCode, as_bytes("\0\0\7\0"));
    builder.bytes(StunAttr::kMessageIntegrity, as_bytes("no"));
    const auto message = StunMessage::parse(builder.finish());
    REQUIRE(message);
    CHECK_FALSE(message->u32(StunAttr::kPriority));
    CHECK_FALSE(message->u64(StunAttr::kPriority));
    CHECK_FALSE(message->xor_address(StunAttr::kXorMappedAddress));
    CHECK_FALSE(message->error_code());
    CHECK_FALSE(message->integrity_input());
    auto walk = message->attributes();
    const auto first = walk.next();
    REQUIRE(first);
    CHECK(is_comprehension_required(first->type));
    CHECK(as_text(first->value) == "xyz");
    CHECK_FALSE(is_comprehension_required(StunAttr::kSoftware));
}

TEST_CASE("looks_like_stun: tells STUN from DTLS, TURN channels and RTP [ICE-02]") {
    Bytes bytes = hex(kRequest);
    CHECK(looks_like_stun(bytes));
    for (const std::uint8_t first : std::array<std::uint8_t, 7>{20, 63, 64, 79, 128, 191, 255}) {
        bytes[0] = first;
        CHECK_FALSE(looks_like_stun(bytes));
    }
}
