// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The self-signed certificate of the DTLS endpoints (ECDSA P-256, RFC 8827 §6.5) and fingerprints
// of certificates as SDP writes them (RFC 8122 §5).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "crypto/digest.h"

struct x509_st;
struct evp_pkey_st;

namespace confab::crypto {

enum class CertificateError : std::uint8_t { kKeyGeneration, kSigning };

class Certificate {
  public:
    // A new key and its certificate, valid from one day before `now` (peers' clocks are wrong)
    // for 30 days after. The subject is `common_name`, at most 64 characters.
    static Result<Certificate, CertificateError> generate(UnixTime now,
                                                          std::string_view common_name = "confab");

    // The certificate in DER (RFC 5280).
    BytesView der() const { return der_; }
    // The value of an a=fingerprint line: SHA-256, upper-case hex with colons (02 DTLS-03).
    std::string sha256_fingerprint() const;

    // For rtc/dtls only. Never null; live as long as this object or as OpenSSL's own references.
    x509_st* native_certificate() const { return certificate_.get(); }
    evp_pkey_st* native_key() const { return key_.get(); }

  private:
    struct Free {
        void operator()(x509_st* certificate) const;
        void operator()(evp_pkey_st* key) const;
    };
    Certificate() = default;

    std::unique_ptr<evp_pkey_st, Free> key_;
    std::unique_ptr<x509_st, Free> certificate_;
    Bytes der_;
};

// "sha-1", "sha-256", "sha-384" or "sha-512" in any case (RFC 8122 §5); nullopt for others.
std::optional<DigestAlgorithm> digest_from_sdp_name(std::string_view name);
std::string_view sdp_name(DigestAlgorithm algorithm);

// The digest of a DER certificate.
Bytes certificate_fingerprint(DigestAlgorithm algorithm, BytesView der);
// "AB:CD:…" and back; either case is read, at most 64 octets, nullopt for anything else.
std::string fingerprint_text(BytesView value);
std::optional<Bytes> parse_fingerprint(std::string_view text);

}  // namespace confab::crypto
