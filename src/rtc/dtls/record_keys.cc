// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The key block of an AEAD suite (RFC 5246 §6.3):
//   client_write_key | server_write_key | client_write_IV | server_write_IV
#include "rtc/dtls/record_keys.h"

#include <openssl/ssl.h>

#include <algorithm>

#include "crypto/hmac.h"

namespace confab::dtls {
namespace {

constexpr std::size_t kRandom = 32;
constexpr std::size_t kMaxMasterSecret = 48;
constexpr std::size_t kMaxKeyBlock = 2 * (32 + 12);

template <typename Hmac>
void expand(BytesView secret, BytesView seed, BytesSpan out) {
    Hmac hmac(secret);
    hmac.update(seed);
    auto a = hmac.finish();  // A(1)
    while (!out.empty()) {
        hmac.update(a);
        hmac.update(seed);
        const auto block = hmac.finish();
        const std::size_t size = std::min(block.size(), out.size());
        std::copy_n(block.begin(), size, out.begin());
        out = out.subspan(size);
        hmac.update(a);
        a = hmac.finish();
    }
}

struct Agreed {
    Suite suite;
    bool wide;  // SHA-384
};

std::optional<Agreed> agreed_suite(const SSL* ssl) {
    const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl);
    if (cipher == nullptr) return std::nullopt;
    switch (SSL_CIPHER_get_cipher_nid(cipher)) {
        case NID_aes_128_gcm:
            return Agreed{Suite::kAes128Gcm, false};
        case NID_aes_256_gcm:
            return Agreed{Suite::kAes256Gcm, true};
        case NID_chacha20_poly1305:
            return Agreed{Suite::kChacha20Poly1305, false};
        default:
            return std::nullopt;
    }
}

void take(BytesView& block, BytesSpan out, std::size_t size) {
    std::copy_n(block.begin(), size, out.begin());
    block = block.subspan(size);
}

}  // namespace

void tls12_prf(bool wide, BytesView secret, std::string_view label, BytesView seed, BytesSpan out) {
    Bytes labelled = to_vector(as_bytes(label));
    labelled.insert(labelled.end(), seed.begin(), seed.end());
    if (wide)
        expand<crypto::Hmac<crypto::DigestAlgorithm::kSha384>>(secret, labelled, out);
    else
        expand<crypto::HmacSha256>(secret, labelled, out);
}

std::optional<RecordKeys> derive_record_keys(const ssl_st* ssl, Role role) {
    const auto agreed = agreed_suite(ssl);
    const SSL_SESSION* const session = SSL_get_session(ssl);
    if (!agreed || session == nullptr || SSL_is_init_finished(ssl) != 1) return std::nullopt;
    crypto::SecretArray<kMaxMasterSecret> master;
    const std::size_t master_size =
        SSL_SESSION_get_master_key(session, master.writable().data(), master.size());
    Bytes seed(2 * kRandom);
    if (master_size == 0 || SSL_get_server_random(ssl, seed.data(), kRandom) != kRandom ||
        SSL_get_client_random(ssl, seed.data() + kRandom, kRandom) != kRandom)
        return std::nullopt;

    const std::size_t key = suite_key_size(agreed->suite);
    const std::size_t iv = suite_iv_size(agreed->suite);
    crypto::SecretArray<kMaxKeyBlock> block;
    tls12_prf(agreed->wide, master.view().first(master_size), "key expansion", seed,
              block.writable().first(2 * (key + iv)));
    RecordKeys keys;
    keys.suite = agreed->suite;
    const bool is_client = role == Role::kClient;
    BytesView rest = block.view();
    take(rest, (is_client ? keys.local_key : keys.remote_key).writable(), key);
    take(rest, (is_client ? keys.remote_key : keys.local_key).writable(), key);
    take(rest, (is_client ? keys.local_iv : keys.remote_iv).writable(), iv);
    take(rest, (is_client ? keys.remote_iv : keys.local_iv).writable(), iv);
    return keys;
}

}  // namespace confab::dtls
