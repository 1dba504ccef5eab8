// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Message digests of FIPS 180-4 over OpenSSL: SHA-1 and MD5 (RFC 1321) only where a protocol fixes
// them, SHA-256, SHA-384, SHA-512. One-shot functions and an incremental Hasher.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

struct evp_md_ctx_st;

namespace confab::crypto {

enum class DigestAlgorithm : std::uint8_t { kSha1, kSha256, kSha384, kSha512 };

// Octets of the result: 20, 32, 48 or 64.
constexpr std::size_t digest_size(DigestAlgorithm algorithm) {
    switch (algorithm) {
        case DigestAlgorithm::kSha1:
            return 20;
        case DigestAlgorithm::kSha256:
            return 32;
        case DigestAlgorithm::kSha384:
            return 48;
        case DigestAlgorithm::kSha512:
            return 64;
    }
    return 0;
}
// Octets of the compression function's block: 64 or 128 (HMAC pads its key to it).
constexpr std::size_t digest_block_size(DigestAlgorithm algorithm) {
    return algorithm == DigestAlgorithm::kSha1 || algorithm == DigestAlgorithm::kSha256 ? 64 : 128;
}

template <DigestAlgorithm A>
using Digest = std::array<std::uint8_t, digest_size(A)>;

// An incremental digest. After finish() it is ready for the next message.
class Hasher {
  public:
    explicit Hasher(DigestAlgorithm algorithm);
    Hasher(const Hasher& other);
    Hasher& operator=(const Hasher& other);
    Hasher(Hasher&&) noexcept = default;
    Hasher& operator=(Hasher&&) noexcept = default;
    ~Hasher() = default;

    void update(BytesView data);
    // Writes digest_size(algorithm) octets to the start of `out`, which must have them.
    void finish(BytesSpan out);
    DigestAlgorithm algorithm() const { return algorithm_; }

  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
    };
    void restart();

    std::unique_ptr<evp_md_ctx_st, Free> context_;
    DigestAlgorithm algorithm_;
};

// Makes the key of TURN's long-term credentials (RFC 8489 §9.2.2) and protects nothing else.
std::array<std::uint8_t, 16> md5(BytesView data);
Digest<DigestAlgorithm::kSha1> sha1(BytesView data);
Digest<DigestAlgorithm::kSha256> sha256(BytesView data);
Digest<DigestAlgorithm::kSha384> sha384(BytesView data);
Digest<DigestAlgorithm::kSha512> sha512(BytesView data);
// The same with the algorithm as a value; the result has digest_size(algorithm) octets.
Bytes digest(DigestAlgorithm algorithm, BytesView data);

}  // namespace confab::crypto
