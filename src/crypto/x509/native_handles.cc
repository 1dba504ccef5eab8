// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "crypto/x509/native_handles.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace confab::crypto {

void hold(x509_st* certificate) {
    if (certificate != nullptr) (void)X509_up_ref(certificate);
}
void hold(evp_pkey_st* key) {
    if (key != nullptr) (void)EVP_PKEY_up_ref(key);
}
void let_go(x509_st* certificate) {
    X509_free(certificate);
}
void let_go(evp_pkey_st* key) {
    EVP_PKEY_free(key);
}

}  // namespace confab::crypto
