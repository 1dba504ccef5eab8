// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/tls/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"

namespace confab::net {
namespace {

struct FreeContext {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Native = std::unique_ptr<SSL_CTX, FreeContext>;

constexpr std::size_t kMaxHostName = 255;

// The entries of a ProtocolNameList (RFC 7301 §3.1), as long as they are whole.
std::vector<std::string_view> protocols_of(BytesView list) {
    std::vector<std::string_view> names;
    while (list.size() > 1 && list.size() > list[0]) {
        names.push_back(as_text(list.subspan(1, list[0])));
        list = list.subspan(1U + list[0]);
    }
    return names;
}

bool offers_acme(SSL* ssl) {
    const unsigned char* data = nullptr;
    std::size_t size = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data,
                                  &size) != 1 ||
        size < 2)
        return false;
    // RFC 8737 §3: this one and no other.
    const auto names = protocols_of({data + 2, size - 2});
    return names.size() == 1 && names.front() == kAcmeTlsProtocol;
}

// The host_name of a server_name extension (RFC 6066 §3), lower case; empty: none.
std::string host_name(SSL* ssl) {
    const unsigned char* data = nullptr;
    std::size_t size = 0;
    constexpr std::size_t kHead = 5;  // length of the list, type, length of the name
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1 ||
        size < kHead || data[2] != TLSEXT_NAMETYPE_host_name)
        return {};
    const std::size_t length = load_be16(data + 3);
    if (length > size - kHead || length > kMaxHostName) return {};
    return to_lower(as_text({data + kHead, length}));
}

std::string openssl_error() {
    const unsigned long error = ERR_peek_last_error();
    const char* const reason = ERR_reason_error_string(error);
    ERR_clear_error();
    return reason == nullptr ? "unknown error" : reason;
}

// What HTTP and TURN have in common is one of each; a client that offers neither is not refused, as
// the first bytes tell what it speaks.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned int in_size, void*) {
    for (const std::string_view name : protocols_of({in, in_size}))
        if (name == kHttpProtocol || name == kTurnProtocol) {
            *out = as_bytes(name).data();
            *out_size = static_cast<unsigned char>(name.size());
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_NOACK;
}

int choose_acme(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char*,
                unsigned int, void*) {
    *out = as_bytes(kAcmeTlsProtocol).data();
    *out_size = static_cast<unsigned char>(kAcmeTlsProtocol.size());
    return SSL_TLSEXT_ERR_OK;
}

Result<Native, std::string> make_native(const crypto::ServerCertificate& certificate) {
    ERR_clear_error();
    Native context(SSL_CTX_new(TLS_server_method()));
    if (!context) return fail(openssl_error());
    SSL_CTX* const raw = context.get();
    SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
    SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // Clients keep their sessions in tickets, we keep none; idle connections keep no buffers.
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(raw, &choose_protocol, nullptr);
    bool ok = SSL_CTX_use_certificate(raw, certificate.native_certificate()) == 1 &&
              SSL_CTX_use_PrivateKey(raw, certificate.native_key()) == 1;
    for (X509* const one : certificate.native_chain())
        ok = ok && SSL_CTX_add1_chain_cert(raw, one) == 1;
    if (!ok) return fail(openssl_error());
    return context;
}

}  // namespace

struct TlsContext::State {
    struct Entry {
        crypto::ServerCertificate certificate;
        Native native;
    };
    std::vector<Entry> certificates;
    std::vector<std::pair<std::string, Native>> challenges;

    SSL_CTX* find(const std::string& host) const {
        for (const Entry& entry : certificates)
            if (!host.empty() && entry.certificate.names(host)) return entry.native.get();
        return certificates.front().native.get();
    }
    SSL_CTX* find_challenge(const std::string& host) const {
        for (const auto& [domain, native] : challenges)
            if (domain == host) return native.get();
        return nullptr;
    }
    // Before anything of the handshake is decided. `state` lives as long as the session.
    static int choose(SSL* ssl, int* alert, void* state) {
        const State& self = *static_cast<const State*>(state);
        const std::string host = host_name(ssl);
        const bool acme = offers_acme(ssl);
        SSL_CTX* const chosen = acme ? self.find_challenge(host) : self.find(host);
        if (chosen == nullptr) {
            *alert = SSL_AD_UNRECOGNIZED_NAME;
            return SSL_CLIENT_HELLO_ERROR;
        }
        (void)SSL_set_SSL_CTX(ssl, chosen);
        return SSL_CLIENT_HELLO_SUCCESS;
    }
};

Result<TlsContext, std::string> TlsContext::make(const Options& options) {
    const auto state = std::make_shared<State>();
    for (const crypto::ServerCertificate& one : options.certificates) {
        CONFAB_TRY(Native native, make_native(one));
        state->certificates.push_back({one, std::move(native)});
    }
    for (const Challenge& one : options.challenges) {
        CONFAB_TRY(Native native, make_native(one.certificate));
        SSL_CTX_set_alpn_select_cb(native.get(), &choose_acme, nullptr);
        state->challenges.emplace_back(one.domain, std::move(native));
    }
    // Sessions begin with the first one.
    SSL_CTX_set_client_hello_cb(state->certificates.front().native.get(), &State::choose,
                                state.get());
    TlsContext made;
    made.state_ = state;
    return made;
}

ssl_ctx_st* TlsContext::native() const {
    return state_->certificates.front().native.get();
}

}  // namespace confab::net
