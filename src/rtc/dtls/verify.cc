// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Called by OpenSSL when the peer's Certificate message is complete.
#include "rtc/dtls/verify.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "crypto/certificate.h"

namespace confab::dtls {
namespace {

bool fingerprint_matches(const Fingerprint& fingerprint, BytesView der) {
    return !fingerprint.value.empty() &&
           equal_constant_time(crypto::certificate_fingerprint(fingerprint.algorithm, der),
                               fingerprint.value);
}

Bytes to_der(X509* certificate) {
    const int size = certificate != nullptr ? i2d_X509(certificate, nullptr) : 0;
    if (size <= 0) return {};
    Bytes der(static_cast<std::size_t>(size));
    unsigned char* end = der.data();
    return i2d_X509(certificate, &end) == size ? der : Bytes{};
}

}  // namespace

void PeerCheck::decide() {
    if (verdict != PeerVerdict::kPending || expected.empty() || certificate.empty()) return;
    verdict = PeerVerdict::kMismatch;
    for (const Fingerprint& fingerprint : expected)
        if (fingerprint_matches(fingerprint, certificate)) verdict = PeerVerdict::kMatch;
}

int verify_peer_certificate(x509_store_ctx_st* store, void*) {
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* check = ssl != nullptr ? static_cast<PeerCheck*>(SSL_get_app_data(ssl)) : nullptr;
    if (check == nullptr) return 0;
    Bytes der = to_der(X509_STORE_CTX_get0_cert(store));
    // A second certificate can only come with a renegotiation, which is off.
    const bool usable = !der.empty() && check->certificate.empty();
    if (usable) {
        check->certificate = std::move(der);
        check->decide();
    }
    if (usable && check->verdict != PeerVerdict::kMismatch) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);  // alert bad_certificate
    return 0;
}

}  // namespace confab::dtls
