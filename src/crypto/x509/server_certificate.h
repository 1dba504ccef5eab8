// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The certificate of a TLS server with its private key, as operators and certificate authorities
// give them: PEM (RFC 7468), the server's own certificate first, then those between it and an
// authority that clients know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "crypto/x509/native_handles.h"

namespace confab::crypto {

inline constexpr std::size_t kMaxCertificatePem = 256 * 1024;  // of either text
inline constexpr std::size_t kMaxChain = 16;                   // certificates

enum class ServerCertificateError : std::uint8_t {
    kTooLarge,
    kNoCertificate,
    kCertificateCutShort,  // a block does not end, or is no certificate
    kNoKey,
    kKeyCutShort,
    kKeyEncrypted,
    kOtherKey,  // it is not the key of this certificate
};
// What is wrong with the file and how it is put right, to follow its name.
std::string_view to_text(ServerCertificateError error);
// Whether it is the fault of the key's text, not of the certificate's.
constexpr bool is_of_key(ServerCertificateError error) {
    return error >= ServerCertificateError::kNoKey;
}

// Copies share one certificate.
class ServerCertificate {
  public:
    static Result<ServerCertificate, ServerCertificateError> read(std::string_view chain_pem,
                                                                  std::string_view key_pem);

    UnixTime not_before() const { return not_before_; }
    UnixTime not_after() const { return not_after_; }
    bool is_valid_at(UnixTime now) const { return now >= not_before_ && now <= not_after_; }
    // Whether clients take it for this host (RFC 6125 §6.4): a name, or an address.
    bool names(std::string_view host) const;
    // The names in it, for messages: at most 10, separated by commas.
    std::string names_text() const;

    // For TLS only. Never null; live as long as a copy of this or OpenSSL's own references.
    x509_st* native_certificate() const { return chain_.front().get(); }
    evp_pkey_st* native_key() const { return key_.get(); }
    // Without the first.
    std::vector<x509_st*> native_chain() const;

  private:
    ServerCertificate() = default;

    std::vector<CertificateHandle> chain_;
    KeyHandle key_;
    UnixTime not_before_;
    UnixTime not_after_;
};

}  // namespace confab::crypto
