// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A P-256 key as accounts of certificate authorities and certificates of TLS servers have one: as
// PEM, as JSON (RFC 7517), and its signatures ES256 (RFC 7518 §3.4).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/secret.h"
#include "crypto/x509/native_handles.h"

namespace confab::crypto {

enum class EcKeyError : std::uint8_t { kGeneration, kNoKey, kOtherCurve, kSigning };

// Copies share one key.
class EcKey {
  public:
    static Result<EcKey, EcKeyError> generate();
    // PKCS #8 or SEC 1, not encrypted.
    static Result<EcKey, EcKeyError> from_pem(std::string_view pem);

    Secret pem() const;  // PKCS #8
    // The public key, with the members that make the thumbprint and in their order (RFC 7638 §3.2).
    std::string jwk() const;
    // base64url of the SHA-256 of jwk() (RFC 7638 §3).
    std::string thumbprint() const;
    // R and S, 32 octets each.
    Result<std::array<std::uint8_t, 64>, EcKeyError> sign_es256(BytesView bytes) const;
    // PKCS #10 for these names of hosts, of which there is at least one, in DER (RFC 2986).
    Result<Bytes, EcKeyError> certificate_request(const std::vector<std::string>& names) const;

  private:
    explicit EcKey(KeyHandle key) : key_(std::move(key)) {}

    KeyHandle key_;
};

}  // namespace confab::crypto
