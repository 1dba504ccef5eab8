// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Compact JSON Web Signatures (RFC 7515 §3.1, §7.1) with HS256 (RFC 7518 §3.2) and nothing else.
// The algorithm of the header never selects code: HMAC-SHA-256 is the only verifier, and a header
// that names another algorithm is refused before it (01 TOK-01, 08 IMM-11). Claims are not read
// here: the payload is handed over as octets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace confab::crypto {

// As the whole head of a request: a refresh token carries metadata and attributes of up to their
// limits (01 ROOM-07), and who may have those must be able to come back with it (TOK-12).
inline constexpr std::size_t kMaxJwsSize = 1024 * 1024;
inline constexpr std::size_t kMaxJwsHeaderSize = 4 * 1024;

// In the order in which they are looked for; 01 CON-21 names the texts made of them.
enum class JwsErrorKind : std::uint8_t {
    kTooLarge,           // malformed: more than kMaxJwsSize characters
    kSegmentCount,       // malformed: not three parts
    kHeaderEncoding,     // malformed: header is no unpadded base64url
    kHeaderJson,         // malformed: header is no JSON object, a name twice, or has "crit"
    kPayloadEncoding,    // malformed
    kSignatureEncoding,  // malformed
    kAlgorithmMissing,   // no "alg", or it is no string
    kAlgorithmInvalid,   // "signing method X is invalid": alg is not HS256
    kSignatureInvalid,   // "signature is invalid"
};

struct JwsError {
    JwsErrorKind kind = JwsErrorKind::kSegmentCount;
    std::string algorithm;  // what the header named, for kAlgorithmInvalid
};

// True for the kinds that mean "this is no JWS at all".
constexpr bool is_malformed(JwsErrorKind kind) {
    return kind <= JwsErrorKind::kSignatureEncoding;
}
// The detail text, for example "signing method HS512 is invalid".
std::string to_text(const JwsError& error);

// A token taken apart. NOTHING of it may be believed before jws_verify(); the payload is here
// because its issuer selects the key. signing_input views the text given to jws_parse().
struct UnverifiedJws {
    std::string algorithm;
    Bytes payload;
    Bytes signature;
    std::string_view signing_input;
};
Result<UnverifiedJws, JwsError> jws_parse(std::string_view token);

// The algorithm must be HS256 and the signature that of `key`, compared in constant time.
Result<void, JwsError> jws_verify(const UnverifiedJws& jws, BytesView key);
// Both at once: the payload of a good token.
Result<Bytes, JwsError> jws_verify(std::string_view token, BytesView key);

// The token with the header {"alg":"HS256","typ":"JWT"}.
std::string jws_sign(BytesView payload, BytesView key);

}  // namespace confab::crypto
