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
inline std::uint64_t load_salt_end(BytesView salt) {
    static_assert(kMaxSaltSize == 14);
    return load_be64(salt.data() + 6) << 16;
}
[[gnu::always_inline]] inline Iv make_iv(const SessionKeys& keys, std::uint32_t ssrc,
                                         std::uint64_t index) {
    // The salt is zero behind its end.
    const BytesView salt = keys.salt.view();
    const std::uint64_t high = index >> 32 & 0xFFFF;
    std::uint64_t first = 0, second = 0;
    if (is_aead(keys.profile)) {
        first = std::uint64_t{ssrc} << 16 | high;
        second = index << 32;
    } else {
        first = ssrc;
        second = high << 48 | (index & 0xFFFF'FFFF) << 16;
    }
    Iv iv;
    store_be128(iv.data(), first ^ load_be64(salt.data()), second ^ load_salt_end(salt));
    return iv;
}

// Authenticated are prefix, text and suffix. GCM takes prefix and suffix together as associated
// data; with a suffix the prefix has at most kMaxSplitPrefix octets (the SRTCP header). Counter
// mode may want them in one piece: there the text stands right behind the prefix, and is followed
// by as many octets as the suffix has, which are its own or those of the tag and may be written.
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
    // Checks the tag in constant time and decrypts in place. On false `text` is undefined, and the
    // tag in any case.
    virtual bool open(const Frame& frame, BytesSpan text, BytesView tag) noexcept = 0;
};

}  // namespace confab::srtp
