// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// HKDF with SHA-256 (RFC 5869): derives keys of any length from one secret.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "crypto/hmac.h"

namespace confab::crypto {

inline constexpr std::size_t kMaxHkdfSize = 255 * digest_size(DigestAlgorithm::kSha256);

Digest<DigestAlgorithm::kSha256> hkdf_extract(BytesView salt, BytesView input_key);
// Fills `out`, at most kMaxHkdfSize octets (RFC 5869 §2.3); false and nothing written beyond that.
bool hkdf_expand(BytesView pseudo_random_key, BytesView info, BytesSpan out);

}  // namespace confab::crypto
