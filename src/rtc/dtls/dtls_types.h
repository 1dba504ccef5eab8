// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a DTLS session is configured with and what it reports (RFC 6347, RFC 5763, RFC 5764).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

namespace confab::dtls {

// a=setup:active is the client (RFC 5763 §5).
enum class Role : std::uint8_t { kClient, kServer };

// The values of the use_srtp extension (RFC 5764 §4.1.2, RFC 7714 §14.2).
enum class SrtpProfile : std::uint16_t {
    kAes128CmSha1_80 = 0x0001,
    kAeadAes128Gcm = 0x0007,
    kAeadAes256Gcm = 0x0008,
};
constexpr std::size_t srtp_key_size(SrtpProfile profile) {
    return profile == SrtpProfile::kAeadAes256Gcm ? 32 : 16;
}
constexpr std::size_t srtp_salt_size(SrtpProfile profile) {
    return profile == SrtpProfile::kAes128CmSha1_80 ? 14 : 12;
}

// One a=fingerprint line (RFC 8122 §5).
struct Fingerprint {
    crypto::DigestAlgorithm algorithm = crypto::DigestAlgorithm::kSha256;
    Bytes value;
};

// Master key and salt of one direction.
struct SrtpMasterKey {
    crypto::SecretArray<32> key;   // srtp_key_size(profile) octets
    crypto::SecretArray<14> salt;  // srtp_salt_size(profile) octets
};
// Exported with the label EXTRACTOR-dtls_srtp and turned to our point of view: `local` protects
// what we send (RFC 5764 §4.2, 02 SRTP-04).
struct SrtpKeys {
    SrtpProfile profile = SrtpProfile::kAeadAes128Gcm;
    SrtpMasterKey local;
    SrtpMasterKey remote;

    BytesView local_key() const { return local.key.view().first(srtp_key_size(profile)); }
    BytesView local_salt() const { return local.salt.view().first(srtp_salt_size(profile)); }
    BytesView remote_key() const { return remote.key.view().first(srtp_key_size(profile)); }
    BytesView remote_salt() const { return remote.salt.view().first(srtp_salt_size(profile)); }
};

enum class FailureReason : std::uint8_t {
    kFingerprint,  // the peer's certificate is not the one of its SDP (02 DTLS-13)
    kTimeout,      // kHandshakeLimit or the retransmissions ran out
    kBudget,       // more octets or datagrams than a handshake can need (08 IMM-4)
    kHandshake,    // no common suite, bad signature, message out of order, …
    kLibrary,      // OpenSSL refused to start
};

// Once, and only after the peer's certificate matched (08 IMM-6).
struct Connected {
    std::optional<SrtpKeys> srtp;  // nullopt: no common profile, only application data
};
// Once; nothing but this follows.
struct Failed {
    FailureReason reason = FailureReason::kHandshake;
};
using Event = std::variant<Connected, Failed>;

struct Config {
    Role role = Role::kServer;
    // Offered, or chosen from, in this order; all three when empty.
    std::vector<SrtpProfile> srtp_profiles;
    // One of them must match. May come later by Session::set_expected_fingerprints().
    std::vector<Fingerprint> fingerprints;
};

struct Counters {
    std::uint64_t malformed_records = 0;  // dropped: no DTLS record, or impossible here
    std::uint64_t alerts = 0;             // dropped, whether encrypted or not (02 DTLS-05)
    std::uint64_t late_plaintext = 0;     // dropped: epoch 0 after the handshake
    std::uint64_t late_handshakes =
        0;  // dropped: encrypted handshake messages too often, or no Finished
    std::uint64_t retransmissions = 0;  // flights sent again
    std::uint64_t dropped_outputs = 0;  // a full queue of ours
    std::uint64_t unverified_data = 0;  // dropped: application data before the fingerprint match
};

inline constexpr Duration kFirstRetransmit = Duration::millis(100);  // 02 DTLS-04
inline constexpr Duration kMaxRetransmit = Duration::seconds(2);
inline constexpr int kMaxRetransmissions = 12;  // of a flight by libssl, which fails at the next
inline constexpr Duration kHandshakeLimit = Duration::seconds(60);
inline constexpr std::size_t kMtu = 1200;                 // of a handshake datagram
inline constexpr std::size_t kMaxApplicationData = 1200;  // of one SCTP packet (02 NET-01: 1191)
inline constexpr std::size_t kMaxDatagram = 2048;         // larger ones are dropped
inline constexpr std::size_t kMaxHandshakeBytes = 256 * 1024;  // received before completion
inline constexpr std::size_t kMaxHandshakeDatagrams = 1024;
inline constexpr std::size_t kMaxHandshakeMessage = 16 * 1024;
inline constexpr std::size_t kMaxFingerprints = 8;

}  // namespace confab::dtls
