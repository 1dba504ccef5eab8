// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/doctor/tls_connection.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <climits>

#include "base/check.h"
#include "runtime/doctor/certificate_text.h"

namespace confab::doctor {
namespace {

constexpr int kFactsSlot = 0;  // of an SSL's own data, the one that is the application's

TlsFault fault_of(int error) {
    switch (error) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return TlsFault::kExpired;
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return TlsFault::kNotYetValid;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return TlsFault::kWrongName;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return TlsFault::kSelfSigned;
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return TlsFault::kUnknownIssuer;
        default:
            return TlsFault::kOther;
    }
}

void add_fault(TlsFacts& facts, TlsFault fault) {
    if (std::find(facts.faults.begin(), facts.faults.end(), fault) == facts.faults.end())
        facts.faults.push_back(fault);
}

// OpenSSL tells a callback each mistake; the last one alone would hide the others.
int note_fault(int ok, X509_STORE_CTX* store) {
    if (ok == 1) return 1;
    auto* ssl = static_cast<SSL*>(
        ::X509_STORE_CTX_get_ex_data(store, ::SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* facts = static_cast<TlsFacts*>(::SSL_get_ex_data(ssl, kFactsSlot));
    const int error = ::X509_STORE_CTX_get_error(store);
    add_fault(*facts, fault_of(error));
    if (fault_of(error) == TlsFault::kOther) facts->detail = ::X509_verify_cert_error_string(error);
    return 1;
}

SSL_CTX* context() {
    static SSL_CTX* const made = [] {
        SSL_CTX* const context = ::SSL_CTX_new(::TLS_client_method());
        CONFAB_CHECK(context != nullptr);
        (void)::SSL_CTX_set_default_verify_paths(context);
        ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_fault);
        return context;
    }();
    return made;
}

}  // namespace

struct TlsConnection::State {
    int fd = -1;
    SSL* ssl = nullptr;
    TlsFacts facts;
    ~State() { ::SSL_free(ssl); }
};

TlsConnection::TlsConnection(int fd, const std::string& name) : state_(std::make_unique<State>()) {
    state_->fd = fd;
    state_->ssl = ::SSL_new(context());
    CONFAB_CHECK(state_->ssl != nullptr);
    (void)::SSL_set_fd(state_->ssl, fd);
    (void)::SSL_set_ex_data(state_->ssl, kFactsSlot, &state_->facts);
    // A name that is an address is compared as one, and stands in no SNI (RFC 6066 §3).
    if (::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(state_->ssl), name.c_str()) != 1) {
        (void)::SSL_set1_host(state_->ssl, name.c_str());
        std::string host = name;  // as SSL_set_tlsext_host_name(), which casts in the old style
        (void)::SSL_ctrl(state_->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                         host.data());
    }
    ::SSL_set_connect_state(state_->ssl);
}
TlsConnection::~TlsConnection() = default;

bool TlsConnection::wait(int code, const Deadline& deadline) {
    switch (::SSL_get_error(state_->ssl, code)) {
        case SSL_ERROR_WANT_READ:
            return wait_for(state_->fd, POLLIN, deadline);
        case SSL_ERROR_WANT_WRITE:
            return wait_for(state_->fd, POLLOUT, deadline);
        default:
            return false;
    }
}

TlsFacts TlsConnection::shake_hands(const Deadline& deadline) {
    TlsFacts& facts = state_->facts;
    facts.tried = true;
    int code = 0;
    do {
        ::ERR_clear_error();
        code = ::SSL_do_handshake(state_->ssl);
    } while (code != 1 && wait(code, deadline));
    if (code != 1) {
        const unsigned long error = ::ERR_peek_error();
        const char* reason = error == 0 ? nullptr : ::ERR_reason_error_string(error);
        facts.detail = reason != nullptr ? reason
                       : deadline.over() ? "no answer in time"
                                         : "the connection was closed";
        facts.faults = {TlsFault::kHandshake};
        return facts;
    }
    if (X509* const certificate = ::SSL_get1_peer_certificate(state_->ssl)) {
        facts.names = certificate_names(certificate);
        facts.issuer = certificate_issuer(certificate);
        facts.not_before = certificate_begin(certificate);
        facts.not_after = certificate_end(certificate);
        ::X509_free(certificate);
    }
    return facts;
}

bool TlsConnection::write(BytesView bytes, const Deadline& deadline) {
    while (!bytes.empty()) {
        ::ERR_clear_error();
        const int code =
            ::SSL_write(state_->ssl, bytes.data(),
                        static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX)));
        if (code > 0)
            bytes = bytes.subspan(static_cast<std::size_t>(code));
        else if (!wait(code, deadline))
            return false;
    }
    return true;
}

std::size_t TlsConnection::read(BytesSpan into, const Deadline& deadline) {
    while (true) {
        ::ERR_clear_error();
        const int code = ::SSL_read(state_->ssl, into.data(),
                                    static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX)));
        if (code > 0) return static_cast<std::size_t>(code);
        if (!wait(code, deadline)) return 0;
    }
}

TlsFacts probe_tls(const SocketAddress& to, const std::string& name, const Deadline& deadline) {
    const Connected connected = connect_tcp(to, deadline);
    if (connected.reach != Reach::kAnswered) {
        TlsFacts facts;
        facts.tried = true;
        facts.faults = {TlsFault::kHandshake};
        facts.detail = connected.error;
        return facts;
    }
    return TlsConnection(connected.fd.get(), name).shake_hands(deadline);
}

}  // namespace confab::doctor
