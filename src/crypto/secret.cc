// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// OPENSSL_cleanse survives dead-store elimination.
#include "crypto/secret.h"

#include <openssl/crypto.h>

namespace confab::crypto {

void wipe(BytesSpan bytes) {
    if (!bytes.empty()) OPENSSL_cleanse(bytes.data(), bytes.size());
}

}  // namespace confab::crypto
