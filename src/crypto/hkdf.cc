// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 5869 §2.2 and §2.3: T(n) = HMAC(PRK, T(n-1) | info | n).
#include "crypto/hkdf.h"

#include <algorithm>

namespace confab::crypto {

Digest<DigestAlgorithm::kSha256> hkdf_extract(BytesView salt, BytesView input_key) {
    return hmac_sha256(salt, input_key);
}

bool hkdf_expand(BytesView pseudo_random_key, BytesView info, BytesSpan out) {
    if (out.size() > kMaxHkdfSize) return false;
    HmacSha256 mac(pseudo_random_key);
    Digest<DigestAlgorithm::kSha256> block{};
    for (std::uint8_t counter = 1; !out.empty(); ++counter) {
        if (counter > 1) mac.update(block);
        mac.update(info);
        mac.update(BytesView(&counter, 1));
        block = mac.finish();
        const std::size_t size = std::min(out.size(), block.size());
        std::copy_n(block.begin(), size, out.begin());
        out = out.subspan(size);
    }
    return true;
}

}  // namespace confab::crypto
