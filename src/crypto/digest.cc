// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Digests through EVP. The methods are fetched once: an implicit fetch for every message costs
// more than hashing a STUN message does.
#include "crypto/digest.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace confab::crypto {
namespace {

const EVP_MD* method(DigestAlgorithm algorithm) {
    // Never freed: the methods live as long as the process.
    static const EVP_MD* const kSha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
    static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
    static const EVP_MD* const kSha384 = EVP_MD_fetch(nullptr, "SHA2-384", nullptr);
    static const EVP_MD* const kSha512 = EVP_MD_fetch(nullptr, "SHA2-512", nullptr);
    switch (algorithm) {
        case DigestAlgorithm::kSha1:
            return kSha1;
        case DigestAlgorithm::kSha256:
            return kSha256;
        case DigestAlgorithm::kSha384:
            return kSha384;
        case DigestAlgorithm::kSha512:
            return kSha512;
    }
    return nullptr;
}

template <DigestAlgorithm A>
Digest<A> one_shot(BytesView data) {
    Digest<A> out;
    Hasher hasher(A);
    hasher.update(data);
    hasher.finish(out);
    return out;
}

}  // namespace

void Hasher::Free::operator()(evp_md_ctx_st* context) const {
    EVP_MD_CTX_free(context);
}

Hasher::Hasher(DigestAlgorithm algorithm) : context_(EVP_MD_CTX_new()), algorithm_(algorithm) {
    CONFAB_CHECK(context_ != nullptr);
    restart();
}

Hasher::Hasher(const Hasher& other) : Hasher(other.algorithm_) {
    *this = other;
}

Hasher& Hasher::operator=(const Hasher& other) {
    if (this == &other) return *this;
    algorithm_ = other.algorithm_;
    CONFAB_CHECK(EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()) == 1);
    return *this;
}

void Hasher::restart() {
    CONFAB_CHECK(EVP_DigestInit_ex2(context_.get(), method(algorithm_), nullptr) == 1);
}

void Hasher::update(BytesView data) {
    CONFAB_CHECK(EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1);
}

void Hasher::finish(BytesSpan out) {
    CONFAB_CHECK(out.size() >= digest_size(algorithm_));
    CONFAB_CHECK(EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) == 1);
    restart();
}

std::array<std::uint8_t, 16> md5(BytesView data) {
    static const EVP_MD* const kMd5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
    std::array<std::uint8_t, 16> out;
    CONFAB_CHECK(EVP_Digest(data.data(), data.size(), out.data(), nullptr, kMd5, nullptr) == 1);
    return out;
}
Digest<DigestAlgorithm::kSha1> sha1(BytesView data) {
    return one_shot<DigestAlgorithm::kSha1>(data);
}
Digest<DigestAlgorithm::kSha256> sha256(BytesView data) {
    return one_shot<DigestAlgorithm::kSha256>(data);
}
Digest<DigestAlgorithm::kSha384> sha384(BytesView data) {
    return one_shot<DigestAlgorithm::kSha384>(data);
}
Digest<DigestAlgorithm::kSha512> sha512(BytesView data) {
    return one_shot<DigestAlgorithm::kSha512>(data);
}

Bytes digest(DigestAlgorithm algorithm, BytesView data) {
    Bytes out(digest_size(algorithm));
    Hasher hasher(algorithm);
    hasher.update(data);
    hasher.finish(out);
    return out;
}

}  // namespace confab::crypto
