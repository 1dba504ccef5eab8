// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One session key ready for use: the transform of a profile without any packet format or state.
// Two implementations stand behind it, OpenSSL's EVP and intel-ipsec-mb (02 DES-20).
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "rtc/srtp/key_derivation.h"

namespace confab::srtp {

// The first 12 octets for GCM, all 16 for counter mode.
using Iv = std::array<std::uint8_t, 16>;

// RFC 7714 §8.1 and §9.1 (GCM), RFC 3711 §4.1.1 (counter mode). `index` is the 48-bit packet index
// of SRTP or the 31-bit index of SRTCP: both have the same place.
//
//    GCM:  |00 00|   SSRC    |     index (48)    |            ^ salt (12)
//    CM:   |00 00 00 00|   SSRC    |     index (48)    |00 00| ^ salt (14), block counter
inline Iv make_iv(const SessionKeys& keys, std::uint32_t ssrc, std::uint64_t index) {
    Iv iv{};
    const std::size_t at = is_aead(keys.profile) ? 2 : 4;
    store_be32(&iv[at], ssrc);
    store_be16(&iv[at + 4], static_cast<std::uint16_t>(index >> 32));
    store_be32(&iv[at + 6], static_cast<std::uint32_t>(index));
    const BytesView salt = keys.salt.view();
    for (std::size_t i = 0; i < salt_size(keys.profile); ++i)
        iv[i] = static_cast<std::uint8_t>(iv[i] ^ salt[i]);
    return iv;
}

// Authenticated are prefix, text and suffix. GCM takes prefix and suffix together as associated
// data; with a suffix the prefix has at most kMaxSplitPrefix octets (the SRTCP header).
struct Frame {
    Iv iv;
    BytesView prefix;
    BytesView suffix;
};
inline constexpr std::size_t kMaxSplitPrefix = 8;

class PacketCipher {
  public:
    PacketCipher() = default;
    PacketCipher(const PacketCipher&) = delete;
    PacketCipher& operator=(const PacketCipher&) = delete;
    virtual ~PacketCipher() = default;

    // Encrypts `plain` to `out` (same size; the same octets or not overlapping) and writes
    // tag_size(profile) octets to `tag`, which may lie behind `out`. False only if the library
    // failed; then nothing in `out` may be sent.
    virtual bool seal(const Frame& frame, BytesView plain, std::uint8_t* out,
                      std::uint8_t* tag) noexcept = 0;
    // Checks the tag in constant time and decrypts in place. On false `text` is undefined.
    virtual bool open(const Frame& frame, BytesSpan text, BytesView tag) noexcept = 0;
};

}  // namespace confab::srtp
