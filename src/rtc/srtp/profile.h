// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The three SRTP protection profiles (RFC 5764 §4.1.2, RFC 7714 §14.2), their sizes, and master
// keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace confab::srtp {

// The values of the use_srtp extension.
enum class Profile : std::uint16_t {
    kAes128CmSha1_80 = 0x0001,
    kAeadAes128Gcm = 0x0007,
    kAeadAes256Gcm = 0x0008,
};

constexpr bool is_aead(Profile profile) {
    return profile != Profile::kAes128CmSha1_80;
}
// Octets of the master key and of the encryption session key.
constexpr std::size_t key_size(Profile profile) {
    return profile == Profile::kAeadAes256Gcm ? 32 : 16;
}
// Octets of the master salt and of the session salt.
constexpr std::size_t salt_size(Profile profile) {
    return is_aead(profile) ? 12 : 14;
}
constexpr std::size_t tag_size(Profile profile) {
    return is_aead(profile) ? 16 : 10;
}

inline constexpr std::size_t kMaxKeySize = 32;
inline constexpr std::size_t kMaxSaltSize = 14;
inline constexpr std::size_t kSrtcpIndexSize = 4;  // E flag and index (RFC 3711 §3.4)

// Octets that protection adds to an RTP or an RTCP packet.
constexpr std::size_t rtp_overhead(Profile profile) {
    return tag_size(profile);
}
constexpr std::size_t rtcp_overhead(Profile profile) {
    return tag_size(profile) + kSrtcpIndexSize;
}
inline constexpr std::size_t kMaxRtpOverhead = 16;
inline constexpr std::size_t kMaxRtcpOverhead = 20;

// What DTLS exports for one direction (RFC 5764 §4.2).
class MasterKey {
  public:
    // nullopt unless key and salt have exactly the sizes of the profile.
    static std::optional<MasterKey> from(Profile profile, BytesView key, BytesView salt);

    Profile profile() const { return profile_; }
    BytesView key() const { return key_.view().first(key_size(profile_)); }
    BytesView salt() const { return salt_.view().first(salt_size(profile_)); }

  private:
    explicit MasterKey(Profile profile) : profile_(profile) {}

    Profile profile_;
    crypto::SecretArray<kMaxKeySize> key_;
    crypto::SecretArray<kMaxSaltSize> salt_;
};

}  // namespace confab::srtp
