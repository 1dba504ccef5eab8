// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What all sessions with one certificate share: OpenSSL's SSL_CTX with the protocol choices of
// 02 DTLS-02 and DTLS-03.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "crypto/certificate.h"

struct ssl_ctx_st;

namespace confab::dtls {

enum class ContextError : std::uint8_t { kLibrary };

class Context {
  public:
    // The certificate may go away afterwards.
    static Result<Context, ContextError> create(const crypto::Certificate& certificate);

    ssl_ctx_st* native() const { return context_.get(); }

  private:
    struct Free {
        void operator()(ssl_ctx_st* context) const;
    };
    std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace confab::dtls
