// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The published vectors: RFC 3711 appendix B (derivation, key stream) and RFC 7714 §16 and §17.
#include <doctest/doctest.h>

#include <algorithm>

#include "base/text.h"
#include "rtc/srtp/srtp_test_util.h"

namespace confab::srtp {
namespace {

Bytes hex(std::string_view text) {
    std::string digits;
    std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
                 [](char c) { return c != ' '; });
    return from_hex(digits).value();
}

SessionKeys session_keys(Profile profile, const Bytes& key, const Bytes& salt) {
    SessionKeys keys;
    keys.profile = profile;
    std::copy(key.begin(), key.end(), keys.key.writable().begin());
    std::copy(salt.begin(), salt.end(), keys.salt.writable().begin());
    return keys;
}

Bytes counting(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i)
        out[i] = static_cast<std::uint8_t>(i);
    return out;
}

TEST_CASE("KeyDerivation: RFC 3711 appendix B.3") {
    const auto master =
        MasterKey::from(Profile::kAes128CmSha1_80, hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
                        hex("0EC675AD498AFEEBB6960B3AABE6"));
    REQUIRE(master);
    const SessionKeys keys = derive_keys(*master, Purpose::kRtp);
    CHECK(to_hex(keys.key.view().first(16)) == "c61e7a93744f39ee10734afe3ff7a087");
    CHECK(to_hex(keys.salt.view()) == "30cbbc08863d8c85d49db34a9ae1");
    CHECK(to_hex(keys.auth.view()) == "cebe321f6ff7716b6fd4ab49af256a156d38baa4");
}

TEST_CASE("MasterKey: only the sizes of the profile are taken") {
    CHECK_FALSE(MasterKey::from(Profile::kAeadAes128Gcm, Bytes(16), Bytes(14)).has_value());
    CHECK_FALSE(MasterKey::from(Profile::kAeadAes256Gcm, Bytes(16), Bytes(12)).has_value());
    CHECK(MasterKey::from(Profile::kAeadAes256Gcm, Bytes(32), Bytes(12)).has_value());
}

TEST_CASE("PacketCipher: RFC 3711 appendix B.2 key stream") {
    const SessionKeys keys =
        session_keys(Profile::kAes128CmSha1_80, hex("2B7E151628AED2A6ABF7158809CF4F3C"),
                     hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"));
    const auto cipher = make_openssl_cipher(keys, Direction::kSeal);
    Bytes text(48), tag(10);
    REQUIRE(cipher->seal({make_iv(keys, 0, 0), {}, {}}, text, text.data(), tag.data()));
    CHECK(to_hex(text) ==
          "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
          "41e95b3bb0a2e8dd477901e4fca894c0");
}

struct GcmVector {
    Profile profile;
    std::string_view rtp_sealed;
    std::string_view rtcp_sealed;
};

TEST_CASE("PacketCipher: RFC 7714 §16.1.1, §16.2.1, §17.1, §17.3 [SRTP-01]") {
    const GcmVector vectors[] = {
        {Profile::kAeadAes128Gcm,
         "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
         "899d7f27beb16a9152cf765ee4390cce",
         "63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded"
         "0bb9275bc84aa45896cf4d2fc5abf87245d9eade"},
        {Profile::kAeadAes256Gcm,
         "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
         "7aa3db36dfffd6b0f9bb7878d7a76c13",
         "d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de047"
         "6f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be"},
    };
    const Bytes salt = hex("517569642070726f2071756f");
    const Bytes header = hex("8040f17b8041f8d35501a0b2");
    const Bytes rtcp =
        hex("81c8000d4d617273 4e5450314e545032525450200000042a0000e930"
            "4c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef");
    const Bytes trailer = hex("800005d4");
    const auto payload = as_bytes("Gallia est omnis divisa in partes tres");
    for (const GcmVector& vector : vectors) {
        for (const Backend backend : testing::kBackends) {
            CAPTURE(static_cast<int>(backend));
            Engine engine(backend);
            const SessionKeys keys =
                session_keys(vector.profile, counting(key_size(vector.profile)), salt);
            const auto seal = engine.make_cipher(keys, Direction::kSeal);
            const auto open = engine.make_cipher(keys, Direction::kOpen);

            Bytes out(payload.size() + 16);
            const Frame frame{make_iv(keys, 0x5501a0b2, 0xf17b), header, {}};
            REQUIRE(seal->seal(frame, payload, out.data(), out.data() + payload.size()));
            CHECK(to_hex(out) == vector.rtp_sealed);
            const BytesSpan text = BytesSpan(out).first(payload.size());
            CHECK(open->open(frame, text, BytesView(out).subspan(payload.size())));
            CHECK(as_text(text) == as_text(payload));

            const BytesView reports = BytesView(rtcp).subspan(8);
            Bytes sealed(reports.size() + 16);
            const Frame control{make_iv(keys, 0x4d617273, 0x5d4), BytesView(rtcp).first(8),
                                trailer};
            REQUIRE(seal->seal(control, reports, sealed.data(), sealed.data() + reports.size()));
            CHECK(to_hex(sealed) == vector.rtcp_sealed);
        }
    }
}

}  // namespace
}  // namespace confab::srtp
