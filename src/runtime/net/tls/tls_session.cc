// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/tls/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/net_address.h"

namespace confab::net {
namespace {

// ------------------------------------------------------------ the socket
// OpenSSL's own way to a socket raises SIGPIPE when the other side has gone.

int fd_of(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool may_come_later() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int socket_read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t got = ::recv(fd_of(bio), into, static_cast<std::size_t>(size), 0);
    if (got < 0 && may_come_later()) BIO_set_retry_read(bio);
    if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return static_cast<int>(got);
}

int socket_write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent = ::send(fd_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (sent < 0 && may_come_later()) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
}

long socket_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int socket_create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD* socket_method() {
    static BIO_METHOD* const made = [] {
        BIO_METHOD* const method =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
        CONFAB_CHECK(method != nullptr);
        BIO_meth_set_read(method, &socket_read);
        BIO_meth_set_write(method, &socket_write);
        BIO_meth_set_ctrl(method, &socket_control);
        BIO_meth_set_create(method, &socket_create);
        return method;
    }();
    return made;
}

int int_size(std::size_t size) {
    return static_cast<int>(std::min<std::size_t>(size, 1U << 30));
}

}  // namespace

void TlsSession::Free::operator()(ssl_st* ssl) const {
    SSL_free(ssl);
}

TlsSession::TlsSession(int fd, const TlsContext& context) : state_(context.state()) {
    open(fd, context.native());
    SSL_set_accept_state(ssl_.get());
}

TlsSession::TlsSession(int fd, ssl_ctx_st* context, const std::string& name) {
    open(fd, context);
    SSL_set_connect_state(ssl_.get());
    if (name.empty()) return;
    // SNI carries names only, no addresses (RFC 6066 §3).
    if (IpAddress::parse(name)) {
        CONFAB_CHECK(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), name.c_str()) == 1);
        return;
    }
    std::string host = name;  // as SSL_set_tlsext_host_name(), which casts in the old style
    (void)SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                   host.data());
    (void)SSL_set1_host(ssl_.get(), name.c_str());
}

TlsSession::~TlsSession() = default;

void TlsSession::open(int fd, ssl_ctx_st* context) {
    ssl_.reset(SSL_new(context));
    BIO* const socket = BIO_new(socket_method());
    CONFAB_CHECK(ssl_ != nullptr && socket != nullptr);
    BIO_set_data(socket, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
    SSL_set_bio(ssl_.get(), socket, socket);
    SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

TlsResult TlsSession::handshake() {
    ERR_clear_error();
    const TlsResult result = result_of(SSL_do_handshake(ssl_.get()));
    return {result.state, 0};
}
TlsResult TlsSession::read(BytesSpan into) {
    ERR_clear_error();
    return result_of(SSL_read(ssl_.get(), into.data(), int_size(into.size())));
}
TlsResult TlsSession::write(BytesView bytes) {
    if (bytes.empty()) return {};
    ERR_clear_error();
    return result_of(SSL_write(ssl_.get(), bytes.data(), int_size(bytes.size())));
}
TlsResult TlsSession::peek(BytesSpan into) {
    ERR_clear_error();
    return result_of(SSL_peek(ssl_.get(), into.data(), int_size(into.size())));
}

void TlsSession::say_end() {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get()) == 1) (void)SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

TlsResult TlsSession::result_of(int code) {
    if (code > 0) return {TlsResult::State::kDone, static_cast<std::size_t>(code)};
    const int system = errno;
    switch (SSL_get_error(ssl_.get(), code)) {
        case SSL_ERROR_WANT_READ:
            return {TlsResult::State::kWantsRead, 0};
        case SSL_ERROR_WANT_WRITE:
            return {TlsResult::State::kWantsWrite, 0};
        case SSL_ERROR_ZERO_RETURN:
            return {TlsResult::State::kClosed, 0};
        default:
            break;
    }
    const unsigned long error = ERR_peek_error();
    const char* const reason = ERR_reason_error_string(error);
    failure_ = reason != nullptr ? reason : system != 0 ? std::strerror(system) : "closed";
    ERR_clear_error();
    return {TlsResult::State::kFailed, 0};
}

std::string_view TlsSession::protocol() const {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return as_text({name, size});
}

std::string_view TlsSession::server_name() const {
    const char* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? std::string_view() : name;
}

std::string TlsSession::refused_certificate() const {
    const long verified = SSL_get_verify_result(ssl_.get());
    return verified == X509_V_OK ? std::string() : X509_verify_cert_error_string(verified);
}

}  // namespace confab::net
