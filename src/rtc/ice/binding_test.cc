// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// MESSAGE-INTEGRITY of the vectors of RFC 5769, and who is believed.
#include "rtc/ice/binding.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "crypto/hmac.h"

using namespace confab;
using namespace confab::ice;
using namespace confab::wire;

namespace {

constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";
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

CredentialPair alice() {
    return {{"aliceUfrag", "alicePwd"}, {"bobUfrag", "bobPwd"}};
}
CredentialPair bob() {
    return {alice().remote, alice().local};
}

}  // namespace

TEST_CASE("has_integrity: RFC 5769 §2.1 to §2.3") {
    for (const std::string_view vector : {kRequest, kResponseV4, kResponseV6}) {
        const Bytes bytes = *from_hex(vector);
        const auto message = StunMessage::parse(bytes);
        REQUIRE(message);
        CHECK(has_integrity(*message, kPassword));
        CHECK_FALSE(has_integrity(*message, "VOkJxbRl1RmTxUk/WvJxBs"));
        CHECK_FALSE(has_integrity(*message, ""));
    }
}

TEST_CASE("has_integrity: every changed bit up to the MAC is seen") {
    const Bytes bytes = *from_hex(kRequest);
    for (std::size_t bit = 0; bit < (bytes.size() - 8) * 8; ++bit) {
        Bytes damaged = bytes;
        damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        const auto message = StunMessage::parse(damaged);
        if (message) REQUIRE_FALSE(has_integrity(*message, kPassword));
    }
}

TEST_CASE("build_check: the other side believes it, nobody else [ICE-05]") {
    CheckRequest request;
    request.priority = 1234;
    request.role = Role::kControlling;
    request.tie_breaker = 99;
    request.use_candidate = true;
    const Bytes bytes = build_check(request, alice());
    const auto message = StunMessage::parse(bytes);
    REQUIRE(message);
    CHECK(message->text(StunAttr::kUsername) == "bobUfrag:aliceUfrag");
    CHECK(message->u32(StunAttr::kPriority) == 1234);
    CHECK(message->u64(StunAttr::kIceControlling) == 99);
    CHECK_FALSE(message->has(StunAttr::kIceControlled));
    CHECK(message->has(StunAttr::kUseCandidate));
    CHECK(message->fingerprint() == StunFingerprint::kValid);

    CHECK(is_authentic_request(*message, bob()));
    CHECK_FALSE(is_authentic_request(*message, alice()));
    CredentialPair other = bob();
    other.remote.ufrag = "aliceUfrah";
    CHECK_FALSE(is_authentic_request(*message, other));
    other.remote = {};  // not signalled yet
    CHECK(is_authentic_request(*message, other));
    other.local.pwd = "bobPwe";
    CHECK_FALSE(is_authentic_request(*message, other));
    other = bob();
    other.local.ufrag = "bobUfra";
    CHECK_FALSE(is_authentic_request(*message, other));
}

TEST_CASE("build_check: the longest ufrags fit") {
    CredentialPair longest{{std::string(kMaxUfrag, 'a'), std::string(kMaxPwd, 'p')},
                           {std::string(kMaxUfrag - 1, 'b'), std::string(kMaxPwd, 'q')}};
    CheckRequest request;
    request.use_candidate = true;
    CHECK_FALSE(build_check(request, longest).empty());
}

TEST_CASE("is_authentic_request: without USERNAME it is not one [ICE-05]") {
    std::array<std::uint8_t, 128> buffer;
    StunBuilder builder(buffer, StunClass::kRequest, StunMethod::kBinding, {});
    builder.u32(StunAttr::kPriority, 1);
    builder.add_integrity(crypto::hmac_sha1(as_bytes(bob().local.pwd), builder.integrity_input()));
    const auto message = StunMessage::parse(builder.finish());
    REQUIRE(message);
    CHECK(has_integrity(*message, bob().local.pwd));
    CHECK_FALSE(is_authentic_request(*message, bob()));
}

TEST_CASE("build_success and build_error: readable by the asker [ICE-05]") {
    const StunTransactionId id{1, 2, 3};
    const SocketAddress mapped = *SocketAddress::parse("[2001:db8::1]:4000");
    const Bytes success = build_success(id, mapped, "pwd");
    const auto message = StunMessage::parse(success);
    REQUIRE(message);
    CHECK(message->is(StunClass::kSuccess, StunMethod::kBinding));
    CHECK(message->transaction_id() == id);
    CHECK(message->xor_address(StunAttr::kXorMappedAddress) == mapped);
    CHECK(has_integrity(*message, "pwd"));
    CHECK(message->fingerprint() == StunFingerprint::kValid);
    for (const std::uint16_t code : std::array<std::uint16_t, 3>{400, 401, 487}) {
        const Bytes error = build_error(id, code, "x", "pwd");
        const auto parsed = StunMessage::parse(error);
        REQUIRE(parsed);
        CHECK(parsed->error_code()->code == code);
        CHECK(has_integrity(*parsed, "pwd"));
    }
}
