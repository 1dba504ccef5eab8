// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// OpenSSL's objects as PEM (RFC 7468). Included by .cc files only.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>

#include "crypto/secret.h"

namespace confab::crypto {

// Empty when OpenSSL fails.
std::string certificate_pem(X509* certificate);
// PKCS #8, not encrypted.
Secret private_key_pem(EVP_PKEY* key);

}  // namespace confab::crypto
