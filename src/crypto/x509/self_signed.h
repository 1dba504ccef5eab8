// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Certificates of TLS servers that nobody has signed but the server itself: what is shown until an
// authority has issued one, and answers to its challenges (RFC 8737 §3).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "crypto/certificate.h"
#include "crypto/secret.h"
#include "crypto/x509/server_certificate.h"

namespace confab::crypto {

struct SelfSignedOptions {
    std::vector<std::string> names;  // of hosts, at least one
    UnixTime not_before;
    UnixTime not_after;
    // SHA-256 of a key authorization: id-pe-acmeIdentifier, which nobody but ACME accepts.
    std::optional<std::array<std::uint8_t, 32>> acme_digest = std::nullopt;
};

struct PemPair {
    std::string certificate;
    Secret key;
};

// With a new P-256 key.
Result<PemPair, CertificateError> make_self_signed(const SelfSignedOptions& options);
Result<ServerCertificate, CertificateError> make_self_signed_server(
    const SelfSignedOptions& options);

}  // namespace confab::crypto
