// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests of TLS: certificates, and a blocking client that knows whom it trusts.
#pragma once

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "crypto/x509/self_signed.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/net_testing.h"
#include "runtime/net/tls/tls_session.h"

namespace confab::net {

inline crypto::ServerCertificate certificate_for(std::vector<std::string> names) {
    const UnixTime now = EventLoop::wall();
    return *crypto::make_self_signed_server(
        {std::move(names), now - Duration::seconds(3600), now + Duration::seconds(3600)});
}

inline TlsContext context_of(std::vector<crypto::ServerCertificate> certificates) {
    return TlsContext::make({std::move(certificates), {}}).value();
}

class TlsClient {
  public:
    // Trusts this certificate and no other; null: any.
    TlsClient(std::uint16_t port, const std::string& name,
              const crypto::ServerCertificate* trusted = nullptr, std::string protocols = {})
        : raw_(port), context_(SSL_CTX_new(TLS_client_method())) {
        if (trusted != nullptr) {
            SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
            X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()),
                                trusted->native_certificate());
        }
        if (!protocols.empty()) {
            protocols.insert(protocols.begin(), static_cast<char>(protocols.size()));
            SSL_CTX_set_alpn_protos(context_.get(), as_bytes(protocols).data(),
                                    static_cast<unsigned int>(protocols.size()));
        }
        session_ = std::make_unique<TlsSession>(raw_.fd(), context_.get(), name);
    }

    bool shake_hands() { return session_->handshake().state == TlsResult::State::kDone; }
    bool send(std::string_view text) { return session_->write(as_bytes(text)).size == text.size(); }
    // Everything up to and with `mark`; what has come if it does not come.
    std::string read_until(std::string_view mark) {
        while (received_.find(mark) == received_.npos && read_more()) {
        }
        const std::size_t at = received_.find(mark);
        std::string result = received_.substr(0, at == received_.npos ? at : at + mark.size());
        received_.erase(0, result.size());
        return result;
    }
    // Whether the server ends it.
    bool ends() {
        while (read_more()) {
        }
        return ended_;
    }
    TlsSession& session() { return *session_; }
    RawClient& raw() { return raw_; }

  private:
    struct Free {
        void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    };
    bool read_more() {
        std::array<std::uint8_t, 4096> chunk;
        const TlsResult result = session_->read(chunk);
        ended_ = !result.is_waiting() && result.state != TlsResult::State::kDone;
        if (result.state != TlsResult::State::kDone) return false;
        received_ += as_text(BytesView(chunk).first(result.size));
        return true;
    }

    RawClient raw_;
    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<TlsSession> session_;
    std::string received_;
    bool ended_ = false;
};

}  // namespace confab::net
