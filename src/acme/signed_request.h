// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The body of a request to an ACME server: a JWS of the account's key in flattened JSON (RFC 8555
// §6.2, RFC 7515 §7.2.2).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/x509/ec_key.h"

namespace confab::acme {

inline constexpr std::string_view kSignedType = "application/jose+json";

struct SignedHead {
    std::string_view url;
    std::string_view nonce;
    std::string_view account;  // its URL; empty: the key itself is shown, for a new one
};

// `payload` is JSON, or empty for a question (RFC 8555 §6.3).
Result<std::string, crypto::EcKeyError> signed_body(const crypto::EcKey& key,
                                                    const SignedHead& head,
                                                    std::string_view payload);

}  // namespace confab::acme
