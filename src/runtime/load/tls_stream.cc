// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/load/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "base/check.h"

namespace confab::load {
namespace {

// One for all connections of the process: sessions and authorities are read once.
SSL_CTX* context() {
    static SSL_CTX* const made = [] {
        SSL_CTX* const context = ::SSL_CTX_new(::TLS_client_method());
        CONFAB_CHECK(context != nullptr);
        (void)::SSL_CTX_set_default_verify_paths(context);
        ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        (void)::SSL_CTX_set_mode(
            context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        return context;
    }();
    return made;
}

}  // namespace

struct TlsStream::State {
    SSL* ssl = nullptr;
    ~State() { ::SSL_free(ssl); }
};

TlsStream::TlsStream(int fd, const std::string& name) : state_(std::make_unique<State>()) {
    state_->ssl = ::SSL_new(context());
    CONFAB_CHECK(state_->ssl != nullptr);
    (void)::SSL_set_fd(state_->ssl, fd);
    (void)::SSL_set_tlsext_host_name(state_->ssl, name.c_str());
    // A name that is an address is compared as one.
    if (::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(state_->ssl), name.c_str()) != 1)
        (void)::SSL_set1_host(state_->ssl, name.c_str());
    ::ERR_clear_error();
    ::SSL_set_connect_state(state_->ssl);
}
TlsStream::~TlsStream() = default;

StreamResult TlsStream::read(char* data, std::size_t size) {
    ::ERR_clear_error();
    return result_of(
        ::SSL_read(state_->ssl, data, static_cast<int>(std::min<std::size_t>(size, INT_MAX))));
}
StreamResult TlsStream::write(const char* data, std::size_t size) {
    ::ERR_clear_error();
    return result_of(
        ::SSL_write(state_->ssl, data, static_cast<int>(std::min<std::size_t>(size, INT_MAX))));
}

StreamResult TlsStream::result_of(int code) {
    if (code > 0) return {static_cast<std::size_t>(code), {}, false};
    const int system = errno;
    switch (::SSL_get_error(state_->ssl, code)) {
        case SSL_ERROR_WANT_READ:
            return {0, {}, true};
        case SSL_ERROR_WANT_WRITE:
            return {};
        case SSL_ERROR_ZERO_RETURN:
            return {0, "the server closed the connection", false};
        default:
            break;
    }
    if (system == ENOTCONN) return {};
    const long verified = ::SSL_get_verify_result(state_->ssl);
    if (verified != X509_V_OK)
        return {0, std::string("certificate: ") + ::X509_verify_cert_error_string(verified), false};
    const unsigned long error = ::ERR_peek_error();
    if (error != 0) return {0, std::string("TLS: ") + ::ERR_reason_error_string(error), false};
    return {0, system != 0 ? std::strerror(system) : "the server closed the connection", false};
}

}  // namespace confab::load
