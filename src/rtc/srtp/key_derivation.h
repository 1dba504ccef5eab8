// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session keys from a master key (RFC 3711 §4.3) with key derivation rate 0, so once per life.
#pragma once

#include "crypto/secret.h"
#include "rtc/srtp/profile.h"

namespace confab::srtp {

inline constexpr std::size_t kAuthKeySize = 20;  // n_a of HMAC-SHA1 (RFC 3711 §8.2)

// RFC 3711 §4.3.2: encryption, authentication and salt of RTP; RTCP has the labels 3, 4 and 5.
enum class Purpose : std::uint8_t { kRtp = 0, kRtcp = 3 };

struct SessionKeys {
    Profile profile = Profile::kAes128CmSha1_80;
    crypto::SecretArray<kMaxKeySize> key;
    crypto::SecretArray<kAuthKeySize> auth;  // unused by the AEAD profiles
    crypto::SecretArray<kMaxSaltSize> salt;  // only salt_size(profile) octets
};

SessionKeys derive_keys(const MasterKey& master, Purpose purpose);

// What one direction of a connection uses.
struct ContextKeys {
    SessionKeys rtp;
    SessionKeys rtcp;
};
inline ContextKeys derive_keys(const MasterKey& master) {
    return {derive_keys(master, Purpose::kRtp), derive_keys(master, Purpose::kRtcp)};
}

}  // namespace confab::srtp
