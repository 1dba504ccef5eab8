// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Direct-mapped by the low bits of SSRC and index; contents are compared by a 64-bit FNV-1a hash.
#include "rtc/srtp/nonce_guard.h"

namespace confab::srtp {
namespace {

std::uint64_t hash(std::uint64_t state, BytesView bytes) {
    constexpr std::uint64_t kPrime = 0x100000001b3;
    for (const std::uint8_t octet : bytes)
        state = (state ^ octet) * kPrime;
    return state;
}

}  // namespace

bool NonceGuard::check(std::uint32_t ssrc, std::uint64_t index, BytesView header,
                       BytesView payload) {
    constexpr std::uint64_t kBasis = 0xcbf29ce484222325;
    const std::uint64_t content = hash(hash(kBasis ^ header.size(), header), payload);
    Entry& entry = entries_[(index + ssrc) & (kNonceGuardEntries - 1)];
    if (entry.used && entry.ssrc == ssrc && entry.index == index) return entry.content == content;
    entry = {index, content, ssrc, true};
    return true;
}

}  // namespace confab::srtp
