// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DTLS 1.2 only, ECDHE with AEAD first, mutual certificates, nothing resumable: no session cache,
// no tickets, no renegotiation, no compression. Extended master secret (RFC 7627) is OpenSSL's
// default. No HelloVerifyRequest as server: its purpose, to prove the peer's address, was served by
// ICE before the first octet gets here, and it would cost a round trip of each join.
#include "rtc/dtls/context.h"

#include <openssl/ssl.h>

#include "rtc/dtls/dtls_types.h"
#include "rtc/dtls/verify.h"

namespace confab::dtls {
namespace {

// In the order of 02 DTLS-02.
constexpr const char* kSuites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kGroups = "X25519:P-384:P-256";
constexpr int kSecurityLevel = 1;  // old clients still come with RSA-1024 certificates

bool configure(SSL_CTX* context, const crypto::Certificate& certificate) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_NO_QUERY_MTU |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_security_level(context, kSecurityLevel);
    SSL_CTX_set_max_cert_list(context, static_cast<long>(kMaxHandshakeMessage));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(context, &verify_peer_certificate, nullptr);
    // Also shrinks the write buffer of each connection (02 DES-34).
    return SSL_CTX_set_max_send_fragment(context, kMaxApplicationData) == 1 &&
           SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, kSuites) == 1 &&
           SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
           SSL_CTX_use_certificate(context, certificate.native_certificate()) == 1 &&
           SSL_CTX_use_PrivateKey(context, certificate.native_key()) == 1;
}

}  // namespace

void Context::Free::operator()(ssl_ctx_st* context) const {
    SSL_CTX_free(context);
}

Result<Context, ContextError> Context::create(const crypto::Certificate& certificate) {
    Context made;
    made.context_.reset(SSL_CTX_new(DTLS_method()));
    if (!made.context_ || !configure(made.context_.get(), certificate))
        return fail(ContextError::kLibrary);
    return made;
}

}  // namespace confab::dtls
