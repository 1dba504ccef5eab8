// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Configuration, inputs and outputs of a Transport (transport.h) and of its parts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "rtc/dtls/dtls_types.h"
#include "rtc/ice/types.h"
#include "rtc/sctp/types.h"
#include "rtc/srtp/profile.h"

namespace confab::peer {

struct TransportConfig {
    ice::AgentConfig ice;
    std::vector<srtp::Profile> profiles;  // in order of preference; all three when empty
    sctp::Tunables sctp;
};

struct RemoteParameters {
    ice::Credentials ice;
    dtls::Role local_role = dtls::Role::kServer;  // fixed by the first call (DTLS-01)
    std::vector<dtls::Fingerprint> fingerprints;  // any one must match
    bool sctp = false;
    std::uint16_t sctp_port = 5000;
    std::size_t max_message_size = 65'535;
};

enum class TransportState : std::uint8_t {
    kConnecting,
    kConnected,
    kDisconnected,
    kReconnected,
    kFailed  // of DTLS for good; of ICE until a restart: then kDisconnected, or kConnecting again
};
// kStalled: DTLS did not follow ICE in time (02 ICE-17). It goes on, and another path may help.
enum class TransportFailure : std::uint8_t { kNone, kIce, kDtls, kFingerprint, kStalled };

struct StateChanged {
    TransportState state = TransportState::kConnecting;
    TransportFailure failure = TransportFailure::kNone;
};
struct ChannelOpened {
    std::uint16_t channel = 0;
    std::string label;
    bool may_be_lost = false;  // its messages, by RFC 3758
};
struct ChannelClosed {
    std::uint16_t channel = 0;
};
struct MessageReceived {
    std::uint16_t channel = 0;
    Bytes payload;
};
// The association is gone, or made no progress for five seconds (02 DC-25).
struct DataFailed {};
using TransportEvent =
    std::variant<StateChanged, ChannelOpened, ChannelClosed, MessageReceived, DataFailed>;

// One datagram of media, decrypted.
struct Media {
    enum class Kind : std::uint8_t { kNone, kRtp, kRtcp };
    Kind kind = Kind::kNone;
    BytesSpan packet;  // inside the datagram given
    // It came over another path than the selected one, or behind a silence: the connection may have
    // something to say.
    bool stirs = false;
};

struct WantedChannel {
    std::string label;
    bool ordered = true;
    std::optional<std::uint16_t> max_retransmits;
};

struct TransportCounters {
    std::uint64_t unknown_kind = 0;      // no STUN, DTLS or RTP by its first byte
    std::uint64_t unvalidated_path = 0;  // DTLS or media from a path without STUN (IMM-1)
    std::uint64_t before_keys = 0;       // media before DTLS was done
    std::uint64_t srtp_failures = 0;     // authentication, replay, malformed
    std::uint64_t throttled = 0;         // unknown streams after too many failures (DES-25)
};

}  // namespace confab::peer
