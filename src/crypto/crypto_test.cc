// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Certificates and fingerprints, base 62, HKDF (RFC 5869 appendix A), secrets, random octets.
#include <doctest/doctest.h>

#include <set>

#include "base/rng.h"
#include "base/text.h"
#include "crypto/base62.h"
#include "crypto/certificate.h"
#include "crypto/hkdf.h"
#include "crypto/random.h"
#include "crypto/secret.h"

namespace confab::crypto {
namespace {

TEST_CASE("Certificate: self-signed, new each time, fingerprint in SDP form [DTLS-03]") {
    const auto now = UnixTime::seconds(1'760'000'000);
    const auto a = Certificate::generate(now);
    const auto b = Certificate::generate(now, std::string(100, 'n'));
    REQUIRE(a);
    REQUIRE(b);
    CHECK(to_vector(a->der()) != to_vector(b->der()));
    CHECK(a->der()[0] == 0x30);
    const std::string text = a->sha256_fingerprint();
    CHECK(text.size() == 32 * 3 - 1);
    CHECK(parse_fingerprint(text) == certificate_fingerprint(DigestAlgorithm::kSha256, a->der()));
    CHECK(parse_fingerprint(to_lower(text)) == parse_fingerprint(text));
}

TEST_CASE("Certificate: hash names and fingerprint texts of SDP [DTLS-03]") {
    CHECK(digest_from_sdp_name("SHA-256") == DigestAlgorithm::kSha256);
    CHECK(digest_from_sdp_name("sha-1") == DigestAlgorithm::kSha1);
    CHECK(digest_from_sdp_name("sha-384") == DigestAlgorithm::kSha384);
    CHECK(digest_from_sdp_name("sha-512") == DigestAlgorithm::kSha512);
    CHECK_FALSE(digest_from_sdp_name("md5").has_value());
    CHECK(fingerprint_text(Bytes{0x0a, 0xff, 0x10}) == "0A:FF:10");
    CHECK(fingerprint_text({}).empty());
    for (const char* bad :
         {"", "A", "AB:", "AB:C", "ABCD", "AB-CD", "AB:CG", ":AB", "AB::CD", "0x:AB"})
        CHECK_FALSE(parse_fingerprint(bad).has_value());
    CHECK_FALSE(parse_fingerprint(fingerprint_text(Bytes(65, 1))).has_value());
    CHECK(certificate_fingerprint(DigestAlgorithm::kSha1, as_bytes("abc")).size() == 20);
    CHECK(certificate_fingerprint(DigestAlgorithm::kSha512, as_bytes("abc")).size() == 64);
}

TEST_CASE("Base62: numbers have the length of their input's length") {
    CHECK(base62_number({}).empty());
    CHECK(base62_number(Bytes{0}) == "00");
    CHECK(base62_number(Bytes{61}) == "0z");
    CHECK(base62_number(Bytes{0xff}) == "47");
    CHECK(base62_number(Bytes(32, 0xff)).size() == 43);
    CHECK(base62_number(Bytes(32, 0)) == std::string(43, '0'));
}

TEST_CASE("Base62: bit groups and back for all small and many random inputs [SIG-88]") {
    CHECK(base62_bits(Bytes{0}) == "AA");
    CHECK(base62_bits(Bytes{0xff}) == "fH");
    CHECK(base62_bits(Bytes{0xff, 0xff}) == "fffB");
    for (unsigned i = 0; i < 0x1'0000; ++i) {
        const Bytes in{static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
        REQUIRE(base62_bits_decode(base62_bits(in)) == in);
    }
    Rng rng(5);
    for (int round = 0; round < 2000; ++round) {
        Bytes in(rng.below(60));
        rng.fill(in);
        if (round % 3 == 0)
            for (auto& octet : in)
                octet = static_cast<std::uint8_t>(octet | 0xf7);
        CAPTURE(to_hex(in));
        REQUIRE(base62_bits_decode(base62_bits(in)) == in);
    }
    CHECK_FALSE(base62_bits_decode("ab-c").has_value());
    CHECK_FALSE(base62_bits_decode(std::string(kMaxBase62Input + 1, 'A')).has_value());
}

TEST_CASE("Hkdf: RFC 5869 appendix A.1 and the length limit") {
    const Bytes ikm(22, 0x0b);
    const auto salt = *from_hex("000102030405060708090a0b0c");
    const auto info = *from_hex("f0f1f2f3f4f5f6f7f8f9");
    const auto prk = hkdf_extract(salt, ikm);
    CHECK(to_hex(prk) == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    Bytes okm(42);
    CHECK(hkdf_expand(prk, info, okm));
    CHECK(to_hex(okm) ==
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    Bytes most(kMaxHkdfSize), too_much(kMaxHkdfSize + 1);
    CHECK(hkdf_expand(prk, info, most));
    CHECK_FALSE(hkdf_expand(prk, info, too_much));
}

TEST_CASE("Secret: moves leave nothing behind, clones are equal") {
    Secret a(as_bytes("key"));
    Secret b = a.clone();
    Secret c = std::move(a);
    CHECK(a.empty());  // NOLINT: the state after the move is what is tested
    CHECK(as_text(c.view()) == "key");
    CHECK(as_text(b.view()) == "key");
    b = std::move(c);
    CHECK(b.size() == 3);
    SecretArray<4> fixed;
    fixed.writable()[2] = 9;
    const SecretArray<4> copy = fixed;
    wipe(fixed.writable());
    CHECK(fixed.view()[2] == 0);
    CHECK(copy.view()[2] == 9);
}

TEST_CASE("Random: no repetition among many draws, every length filled") {
    std::set<std::array<std::uint8_t, 16>> seen;
    for (int i = 0; i < 1000; ++i)
        CHECK(seen.insert(random_bytes<16>()).second);
    Bytes large(3 << 20);
    fill_random(large);
    CHECK(Bytes(large.end() - 32, large.end()) != Bytes(32));
    CHECK(seeded_rng().u64() != seeded_rng().u64());
}

TEST_CASE("Random: a pool gives nothing twice and fills every length, beyond its own size, too") {
    RandomPool pool;
    std::set<std::array<std::uint8_t, 16>> seen;
    for (int i = 0; i < 1000; ++i) {
        std::array<std::uint8_t, 16> out{};
        pool.fill(out);
        CHECK(seen.insert(out).second);
    }
    for (const std::size_t size : {1000U, 1023U, 1024U, 1025U, 5000U}) {
        Bytes out(size);
        pool.fill(out);
        CHECK(Bytes(out.begin(), out.begin() + 32) != Bytes(32));
        CHECK(Bytes(out.end() - 32, out.end()) != Bytes(32));
    }
}

}  // namespace
}  // namespace confab::crypto
