// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The AES-CM pseudo random function of RFC 3711 §4.3.3, with AES-256 for the 256-bit profile
// (RFC 6188, RFC 7714 §11). A 12-octet master salt is padded with zeros to 14.
#include "rtc/srtp/key_derivation.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"

namespace confab::srtp {
namespace {

constexpr std::size_t kLabelPosition = 7;  // label || 48 bits of index, right-aligned in 14 octets

void derive(const MasterKey& master, std::uint8_t label, BytesSpan out) {
    std::array<std::uint8_t, 16> iv{};
    std::copy(master.salt().begin(), master.salt().end(), iv.begin());
    iv[kLabelPosition] = static_cast<std::uint8_t>(iv[kLabelPosition] ^ label);

    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    CONFAB_CHECK(context != nullptr);
    const EVP_CIPHER* cipher = master.key().size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
    const std::array<std::uint8_t, kMaxKeySize> zeros{};
    int written = 0;
    CONFAB_CHECK(out.size() <= zeros.size());
    CONFAB_CHECK(EVP_EncryptInit_ex(context, cipher, nullptr, master.key().data(), iv.data()) ==
                     1 &&
                 EVP_EncryptUpdate(context, out.data(), &written, zeros.data(),
                                   static_cast<int>(out.size())) == 1);
    EVP_CIPHER_CTX_free(context);
}

}  // namespace

std::optional<MasterKey> MasterKey::from(Profile profile, BytesView key, BytesView salt) {
    if (key.size() != key_size(profile) || salt.size() != salt_size(profile)) return std::nullopt;
    MasterKey master(profile);
    std::copy(key.begin(), key.end(), master.key_.writable().begin());
    std::copy(salt.begin(), salt.end(), master.salt_.writable().begin());
    return master;
}

SessionKeys derive_keys(const MasterKey& master, Purpose purpose) {
    const auto base = static_cast<std::uint8_t>(purpose);
    SessionKeys keys;
    keys.profile = master.profile();
    derive(master, base, keys.key.writable().first(key_size(keys.profile)));
    derive(master, static_cast<std::uint8_t>(base + 1), keys.auth.writable());
    derive(master, static_cast<std::uint8_t>(base + 2),
           keys.salt.writable().first(salt_size(keys.profile)));
    return keys;
}

}  // namespace confab::srtp
