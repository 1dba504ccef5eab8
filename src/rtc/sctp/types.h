// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Configuration, send options and events of an SCTP association (02 SCTP-01, DC-05, DC-06).
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "base/bytes.h"
#include "base/time.h"
#include "wire/sctp/sctp_chunks.h"

namespace confab::sctp {

struct Config {
    std::uint16_t local_port = 5000;
    std::uint16_t remote_port = 5000;
    std::size_t mtu = 1191;  // of the SCTP packet, before DTLS (NET-01)
    std::uint32_t a_rwnd = 1024 * 1024;
    std::uint16_t streams = 65535;              // both ways
    std::size_t max_message_size = 65535;       // incoming; a larger one resets its stream
    std::size_t peer_max_message_size = 65535;  // outgoing, from the peer's SDP; 0 = no limit
    std::size_t max_buffered_bytes = 4 * 1024 * 1024;  // reliable, unacknowledged included
    std::size_t max_lossy_buffered_bytes = 256 * 1024;
    Duration no_progress = Duration::seconds(5);
    Duration rto_initial = Duration::seconds(1);
    Duration rto_min = Duration::seconds(1);
    Duration rto_max = Duration::seconds(60);
    Duration sack_delay = Duration::millis(200);
    int max_init_retransmits = 8;
    // T1: so that they reach beyond the time after which ICE has failed (30 s), and no further
    // apart.
    Duration init_backoff_max = Duration::seconds(5);
    // T3-rtx grows no further, as libwebrtc's (dcSCTP): where losses take what was sent again, too,
    // nothing waits for minutes behind them.
    Duration backoff_max = Duration::seconds(3);
    int max_data_retransmits = 100;  // T3-rtx in a row until the association fails: five minutes
    int max_retransmits = 10;        // the same of the other timers
    // Tunables of SCTP-03, in bytes; 0 = the values of RFC 9260.
    std::size_t min_cwnd = 0;      // the window never falls below it
    std::size_t fast_rtx_wnd = 0;  // retransmissions are sent while less than this is in flight
    std::size_t cwnd_ca_step = 0;  // growth per window in congestion avoidance
};

// What operators may set of it (02 SCTP-03), by the same names.
struct Tunables {
    std::size_t min_cwnd = 0;
    std::size_t fast_rtx_wnd = 0;
    std::size_t cwnd_ca_step = 0;
};

// Both unset: reliable. Abandoned after whichever limit is hit first (RFC 3758, RFC 7496).
struct SendOptions {
    bool ordered = true;
    std::optional<std::uint16_t> max_retransmits;
    std::optional<Duration> lifetime;
    bool control = false;  // may use the reserve behind the send limit (DCEP)

    bool lossy() const { return max_retransmits.has_value() || lifetime.has_value(); }
};

enum class SendStatus : std::uint8_t {
    kOk,
    kTooLarge,   // above the peer's max-message-size
    kQueueFull,  // dropped; the receiver is too slow (02 §6.3)
    kClosed,     // association or stream closed or closing
    kEmpty,      // SCTP has no empty messages
};

enum class AbortReason : std::uint8_t {
    kPeerAbort,
    kHandshakeTimeout,  // INIT or COOKIE-ECHO unanswered
    kTooManyRetransmissions,
    kProtocolViolation,
    kOutOfResource,  // the peer made us hold more than it may
    kPeerRestarted,  // a second association on the same DTLS connection
    kLocalAbort,
};

struct Connected {};
struct MessageReceived {
    std::uint16_t stream = 0;
    std::uint32_t ppid = 0;
    Bytes payload;
};
// A message above max_message_size came; its stream is being reset (DC-05).
struct MessageTooLarge {
    std::uint16_t stream = 0;
};
// The peer reset its outgoing stream.
struct StreamReset {
    std::uint16_t stream = 0;
};
// Our reset_stream() was answered; false: the peer refused.
struct StreamResetDone {
    std::uint16_t stream = 0;
    bool performed = false;
};
struct BufferedAmountLow {
    std::uint16_t stream = 0;
};
// Reliable data waits and nothing was acknowledged for Config::no_progress (DC-25). Once per stall.
struct NoProgress {};
struct Aborted {
    AbortReason reason = AbortReason::kLocalAbort;
    wire::sctp::Cause cause = wire::sctp::Cause::kNone;
};
// Ended by SHUTDOWN from either side.
struct Closed {};

using Event = std::variant<Connected, MessageReceived, MessageTooLarge, StreamReset,
                           StreamResetDone, BufferedAmountLow, NoProgress, Aborted, Closed>;

}  // namespace confab::sctp
