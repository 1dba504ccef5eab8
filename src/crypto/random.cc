// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RAND_bytes: OpenSSL's DRBG, seeded and reseeded from getrandom(2).
#include "crypto/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstring>

#include "base/check.h"

namespace confab::crypto {
namespace {

constexpr std::size_t kMaxChunk = 1 << 20;  // RAND_bytes counts in int

}  // namespace

void fill_random(BytesSpan out) {
    while (!out.empty()) {
        const std::size_t chunk = out.size() < kMaxChunk ? out.size() : kMaxChunk;
        CONFAB_CHECK(RAND_bytes(out.data(), static_cast<int>(chunk)) == 1);
        out = out.subspan(chunk);
    }
}

void RandomPool::fill(BytesSpan out) {
    if (out.size() > octets_.size()) return fill_random(out);
    if (out.size() > octets_.size() - used_) {
        fill_random(octets_);
        used_ = 0;
    }
    const BytesSpan given = BytesSpan(octets_).subspan(used_, out.size());
    std::memcpy(out.data(), given.data(), given.size());
    OPENSSL_cleanse(given.data(), given.size());
    used_ += given.size();
}

Rng seeded_rng() {
    return Rng(load_be64(random_bytes<8>().data()));
}

}  // namespace confab::crypto
