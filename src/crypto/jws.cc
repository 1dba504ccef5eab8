// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Compact serialization: BASE64URL(header) "." BASE64URL(payload) "." BASE64URL(signature).
#include "crypto/jws.h"

#include <algorithm>

#include "base/text.h"
#include "crypto/hmac.h"
#include "crypto/jws_header.h"

namespace confab::crypto {
namespace {

constexpr std::string_view kAlgorithm = "HS256";
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"JWT"})";

tl::unexpected<JwsError> refuse(JwsErrorKind kind, std::string algorithm = {}) {
    return tl::unexpected<JwsError>(JwsError{kind, std::move(algorithm)});
}

// What came from the header goes into an error text: keep it short and printable.
std::string printable(std::string_view name) {
    constexpr std::size_t kMaxShown = 32;
    std::string out(name.substr(0, kMaxShown));
    std::replace_if(out.begin(), out.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return out;
}

}  // namespace

std::string to_text(const JwsError& error) {
    switch (error.kind) {
        case JwsErrorKind::kTooLarge:
            return "token is too large";
        case JwsErrorKind::kSegmentCount:
            return "token contains an invalid number of segments";
        case JwsErrorKind::kHeaderEncoding:
            return "could not base64 decode header";
        case JwsErrorKind::kHeaderJson:
            return "could not JSON decode header";
        case JwsErrorKind::kPayloadEncoding:
            return "could not base64 decode claim";
        case JwsErrorKind::kSignatureEncoding:
            return "could not base64 decode signature";
        case JwsErrorKind::kAlgorithmMissing:
            return "signing method (alg) is unspecified";
        case JwsErrorKind::kAlgorithmInvalid:
            return "signing method " + error.algorithm + " is invalid";
        case JwsErrorKind::kSignatureInvalid:
            return "signature is invalid";
    }
    return {};
}

Result<UnverifiedJws, JwsError> jws_parse(std::string_view token) {
    if (token.size() > kMaxJwsSize) return refuse(JwsErrorKind::kTooLarge);
    const std::size_t first = token.find('.');
    const std::size_t last = token.rfind('.');
    if (first == token.npos || first == last || token.find('.', first + 1) != last)
        return refuse(JwsErrorKind::kSegmentCount);

    const std::string_view header_text = token.substr(0, first);
    if (header_text.size() > kMaxJwsHeaderSize) return refuse(JwsErrorKind::kTooLarge);
    const auto header = base64_decode(header_text, Base64::kUrlNoPadding);
    if (!header) return refuse(JwsErrorKind::kHeaderEncoding);
    auto algorithm = jws_header_algorithm(as_text(*header));
    if (!algorithm && algorithm.error() == JwsHeaderError::kJson)
        return refuse(JwsErrorKind::kHeaderJson);

    UnverifiedJws jws;
    auto payload = base64_decode(token.substr(first + 1, last - first - 1), Base64::kUrlNoPadding);
    if (!payload) return refuse(JwsErrorKind::kPayloadEncoding);
    auto signature = base64_decode(token.substr(last + 1), Base64::kUrlNoPadding);
    if (!signature) return refuse(JwsErrorKind::kSignatureEncoding);
    if (!algorithm) return refuse(JwsErrorKind::kAlgorithmMissing);
    jws.algorithm = *std::move(algorithm);
    jws.payload = *std::move(payload);
    jws.signature = *std::move(signature);
    jws.signing_input = token.substr(0, last);
    return jws;
}

Result<void, JwsError> jws_verify(const UnverifiedJws& jws, BytesView key) {
    if (jws.algorithm != kAlgorithm)
        return refuse(JwsErrorKind::kAlgorithmInvalid, printable(jws.algorithm));
    const auto expected = hmac_sha256(key, as_bytes(jws.signing_input));
    if (!equal_constant_time(expected, jws.signature))
        return refuse(JwsErrorKind::kSignatureInvalid);
    return {};
}

Result<Bytes, JwsError> jws_verify(std::string_view token, BytesView key) {
    CONFAB_TRY(auto jws, jws_parse(token));
    CONFAB_TRY_VOID(jws_verify(jws, key));
    return std::move(jws.payload);
}

std::string jws_sign(BytesView payload, BytesView key) {
    std::string token = base64_encode(as_bytes(kHeader), Base64::kUrlNoPadding);
    token += '.';
    token += base64_encode(payload, Base64::kUrlNoPadding);
    const auto tag = hmac_sha256(key, as_bytes(token));
    token += '.';
    token += base64_encode(tag, Base64::kUrlNoPadding);
    return token;
}

}  // namespace confab::crypto
