// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "crypto/x509/pem_text.h"

#include <openssl/pem.h>

#include <memory>

namespace confab::crypto {
namespace {

struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
};
using Memory = std::unique_ptr<BIO, Free>;

BytesView content(const Memory& memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    return as_bytes({data, size > 0 ? static_cast<std::size_t>(size) : 0});
}

}  // namespace

std::string certificate_pem(X509* certificate) {
    const Memory memory(BIO_new(BIO_s_mem()));
    if (!memory || PEM_write_bio_X509(memory.get(), certificate) != 1) return {};
    return std::string(as_text(content(memory)));
}

Secret private_key_pem(EVP_PKEY* key) {
    const Memory memory(BIO_new(BIO_s_secmem()));
    if (!memory || PEM_write_bio_PKCS8PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr,
                                                 nullptr) != 1)
        return {};
    return Secret(content(memory));
}

}  // namespace confab::crypto
