// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The only check of a peer's certificate: its fingerprint against the SDP (RFC 8122 §6.2).
// Chain, names and dates mean nothing for self-signed certificates. Internal to rtc/dtls.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "rtc/dtls/dtls_types.h"

struct x509_store_ctx_st;
struct ssl_st;

namespace confab::dtls {

enum class PeerVerdict : std::uint8_t { kPending, kMatch, kMismatch };

// Attached to each SSL object as its application data.
struct PeerCheck {
    std::vector<Fingerprint> expected;  // empty: not known yet
    Bytes certificate;                  // DER, once received
    PeerVerdict verdict = PeerVerdict::kPending;

    // Decides if both sides are known. A verdict is final.
    void decide();
};

// For SSL_CTX_set_cert_verify_callback(). Refuses a mismatch, which makes OpenSSL send the alert.
int verify_peer_certificate(x509_store_ctx_st* store, void* argument);

}  // namespace confab::dtls
