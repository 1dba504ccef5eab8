// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// HMAC (RFC 2104) with SHA-1 for STUN and SRTP, with SHA-256 for tokens and webhooks.
// One object serves many messages of one key without another allocation. The padded key is hashed
// again for each message: copying a hash state costs OpenSSL 3.0 more than that one block.
#pragma once

#include "crypto/digest.h"
#include "crypto/secret.h"

namespace confab::crypto {

template <DigestAlgorithm A>
class Hmac {
  public:
    explicit Hmac(BytesView key);

    void update(BytesView data) { hasher_.update(data); }
    // The tag of everything since the last finish(); then ready for the next message.
    Digest<A> finish();

  private:
    Hasher hasher_;
    SecretArray<digest_block_size(A)> padded_key_;  // key ^ ipad
};

extern template class Hmac<DigestAlgorithm::kSha1>;
extern template class Hmac<DigestAlgorithm::kSha256>;
extern template class Hmac<DigestAlgorithm::kSha384>;
extern template class Hmac<DigestAlgorithm::kSha512>;

using HmacSha1 = Hmac<DigestAlgorithm::kSha1>;
using HmacSha256 = Hmac<DigestAlgorithm::kSha256>;

Digest<DigestAlgorithm::kSha1> hmac_sha1(BytesView key, BytesView data);
Digest<DigestAlgorithm::kSha256> hmac_sha256(BytesView key, BytesView data);
Digest<DigestAlgorithm::kSha384> hmac_sha384(BytesView key, BytesView data);
Digest<DigestAlgorithm::kSha512> hmac_sha512(BytesView key, BytesView data);

}  // namespace confab::crypto
