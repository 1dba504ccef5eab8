// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Vectors of FIPS 180-4 examples, RFC 2202, RFC 4231; incremental use against one-shot.
#include "crypto/hmac.h"

#include <doctest/doctest.h>

#include <string>

#include "base/rng.h"
#include "base/text.h"

namespace confab::crypto {
namespace {

TEST_CASE("Digest: the published examples of abc") {
    const auto abc = as_bytes("abc");
    CHECK(to_hex(sha1(abc)) == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(to_hex(sha256(abc)) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(to_hex(sha384(abc)) ==
          "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
          "8086072ba1e7cc2358baeca134c825a7");
    CHECK(to_hex(sha512(abc)) ==
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    CHECK(digest(DigestAlgorithm::kSha384, abc) == to_vector(sha384(abc)));
}

TEST_CASE("Digest: a copied hasher continues on its own") {
    Hasher a(DigestAlgorithm::kSha256);
    a.update(as_bytes("ab"));
    Hasher b = a;
    a.update(as_bytes("c"));
    b.update(as_bytes("d"));
    Digest<DigestAlgorithm::kSha256> out_a, out_b;
    a.finish(out_a);
    b.finish(out_b);
    CHECK(out_a == sha256(as_bytes("abc")));
    CHECK(out_b == sha256(as_bytes("abd")));
    a.update(as_bytes("abc"));
    a.finish(out_b);
    CHECK(out_b == out_a);
}

TEST_CASE("Hmac: RFC 2202 vectors for SHA-1") {
    CHECK(to_hex(hmac_sha1(Bytes(20, 0x0b), as_bytes("Hi There"))) ==
          "b617318655057264e28bc0b6fb378c8ef146be00");
    CHECK(to_hex(hmac_sha1(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
          "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    CHECK(to_hex(hmac_sha1(Bytes(20, 0xaa), Bytes(50, 0xdd))) ==
          "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
    CHECK(to_hex(hmac_sha1(Bytes(80, 0xaa),
                           as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
          "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

TEST_CASE("Hmac: RFC 4231 vectors for SHA-2") {
    const Bytes key(20, 0x0b);
    const auto data = as_bytes("Hi There");
    CHECK(to_hex(hmac_sha256(key, data)) ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(to_hex(hmac_sha384(key, data)) ==
          "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
          "faea9ea9076ede7f4af152e8b2fa9cb6");
    CHECK(to_hex(hmac_sha512(key, data)) ==
          "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
          "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854");
    CHECK(to_hex(hmac_sha256(Bytes(131, 0xaa),
                             as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("Hmac: pieces give what the whole gives, and one object serves many messages") {
    Rng rng(1);
    for (int round = 0; round < 50; ++round) {
        Bytes key(rng.below(150)), data(rng.below(400));
        rng.fill(key);
        rng.fill(data);
        HmacSha1 mac(key);
        for (int again = 0; again < 2; ++again) {
            BytesView rest = data;
            while (!rest.empty()) {
                const auto n = static_cast<std::size_t>(1 + rng.below(rest.size()));
                mac.update(rest.first(n));
                rest = rest.subspan(n);
            }
            CHECK(mac.finish() == hmac_sha1(key, data));
        }
    }
}

}  // namespace
}  // namespace confab::crypto
