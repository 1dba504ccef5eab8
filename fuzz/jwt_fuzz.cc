// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Compact JWS parsing and verification; what verifies must have been signed with the key.
// fuzz: modules crypto base
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "crypto/base62.h"
#include "crypto/certificate.h"
#include "crypto/jws.h"
#include "crypto/jws_header.h"

using namespace confab;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView input(data, size);
    const std::string_view text = as_text(input);
    const BytesView key = as_bytes("fuzzing-key-of-32-characters-len");

    (void)crypto::jws_header_algorithm(text);
    (void)crypto::parse_fingerprint(text);
    if (size <= 200) {
        const auto back = crypto::base62_bits_decode(crypto::base62_bits(input));
        CONFAB_CHECK(back == to_vector(input));
        (void)crypto::base62_bits_decode(text);
    }

    if (const auto parsed = crypto::jws_parse(text)) {
        const auto verified = crypto::jws_verify(*parsed, key);
        // Not one token of the fuzzer is made with this key unless it is in the corpus.
        if (verified) CONFAB_CHECK(parsed->algorithm == "HS256" && parsed->signature.size() == 32);
        if (!verified) (void)crypto::to_text(verified.error());
    } else {
        (void)crypto::to_text(parsed.error());
    }
    const std::string token = crypto::jws_sign(input, key);
    const auto round_trip = crypto::jws_verify(token, key);
    CONFAB_CHECK(token.size() > crypto::kMaxJwsSize ||
                 (round_trip && *round_trip == to_vector(input)));
    return 0;
}
