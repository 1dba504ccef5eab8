// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 2104 §2: H(K ^ opad, H(K ^ ipad, text)).
#include "crypto/hmac.h"

#include <algorithm>

namespace confab::crypto {
namespace {

constexpr std::uint8_t kInnerPad = 0x36;
constexpr std::uint8_t kOuterPad = 0x5c;

template <DigestAlgorithm A>
Digest<A> one_shot(BytesView key, BytesView data) {
    Hmac<A> mac(key);
    mac.update(data);
    return mac.finish();
}

}  // namespace

template <DigestAlgorithm A>
Hmac<A>::Hmac(BytesView key) : hasher_(A) {
    const BytesSpan block = padded_key_.writable();
    if (key.size() <= block.size()) {
        std::copy(key.begin(), key.end(), block.begin());
    } else {
        hasher_.update(key);
        hasher_.finish(block);
    }
    for (auto& octet : block)
        octet ^= kInnerPad;
    hasher_.update(block);
}

template <DigestAlgorithm A>
Digest<A> Hmac<A>::finish() {
    Digest<A> tag;
    hasher_.finish(tag);
    SecretArray<digest_block_size(A)> outer = padded_key_;
    for (auto& octet : outer.writable())
        octet ^= kInnerPad ^ kOuterPad;
    hasher_.update(outer.view());
    hasher_.update(tag);
    hasher_.finish(tag);
    hasher_.update(padded_key_.view());
    return tag;
}

template class Hmac<DigestAlgorithm::kSha1>;
template class Hmac<DigestAlgorithm::kSha256>;
template class Hmac<DigestAlgorithm::kSha384>;
template class Hmac<DigestAlgorithm::kSha512>;

Digest<DigestAlgorithm::kSha1> hmac_sha1(BytesView key, BytesView data) {
    return one_shot<DigestAlgorithm::kSha1>(key, data);
}
Digest<DigestAlgorithm::kSha256> hmac_sha256(BytesView key, BytesView data) {
    return one_shot<DigestAlgorithm::kSha256>(key, data);
}
Digest<DigestAlgorithm::kSha384> hmac_sha384(BytesView key, BytesView data) {
    return one_shot<DigestAlgorithm::kSha384>(key, data);
}
Digest<DigestAlgorithm::kSha512> hmac_sha512(BytesView key, BytesView data) {
    return one_shot<DigestAlgorithm::kSha512>(key, data);
}

}  // namespace confab::crypto
