// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a TLS server shows its clients: certificates, and answers to challenges of ACME. A value:
// connections keep the one that they began with, whoever has taken a newer one meanwhile. Any
// thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/x509/server_certificate.h"

struct ssl_ctx_st;

namespace confab::net {

inline constexpr std::string_view kHttpProtocol = "http/1.1";       // ALPN, RFC 7301 §6
inline constexpr std::string_view kTurnProtocol = "stun.turn";      // RFC 7443 §5
inline constexpr std::string_view kAcmeTlsProtocol = "acme-tls/1";  // RFC 8737 §6.2

class TlsContext {
  public:
    struct Challenge {
        std::string domain;
        crypto::ServerCertificate certificate;
    };
    struct Options {
        // At least one. Clients see the first that names what they ask for, else the first.
        std::vector<crypto::ServerCertificate> certificates;
        // Shown to those that speak acme-tls/1 and to nobody else.
        std::vector<Challenge> challenges;
    };

    TlsContext() = default;  // none
    // The error is OpenSSL's: a certificate that it does not let serve, of a weak key for example.
    static Result<TlsContext, std::string> make(const Options& options);
    explicit operator bool() const { return state_ != nullptr; }

    // For TlsSession.
    struct State;
    const std::shared_ptr<const State>& state() const { return state_; }
    ssl_ctx_st* native() const;

  private:
    std::shared_ptr<const State> state_;
};

}  // namespace confab::net
