// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Configuration, limits and outputs of the ICE agent (agent.h).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "rtc/ice/path.h"
#include "wire/ice/candidate.h"

namespace confab::ice {

using wire::CandidateType;

// ---------------------------------------------------------------- limits

// Browsers send up to about 20 (interfaces * families * TURN servers); the rest is ignored.
inline constexpr std::size_t kMaxRemoteCandidates = 32;
// Of 64 addresses, each by UDP and by TCP; what is beyond them is never heard, so the driver must
// not offer it.
inline constexpr std::size_t kMaxLocalCandidates = 128;
// RFC 8445 §6.1.2.5 suggests 100. A full list drops its worst unselected pair for a better one.
inline constexpr std::size_t kMaxPairs = 64;
// Requests without an answer, the oldest is forgotten first.
inline constexpr std::size_t kMaxPendingTransactions = 256;
inline constexpr std::size_t kMaxQueuedTransmits = 128;  // newest dropped
inline constexpr std::size_t kMaxQueuedEvents = 16;      // newest dropped
inline constexpr std::size_t kMaxUfrag = 256;            // RFC 8839 §5.4
inline constexpr std::size_t kMaxPwd = 256;              // RFC 8839 §5.4
// Two ufrags, every attribute we send, and padding.
inline constexpr std::size_t kMaxStunMessage = 640;

// ---------------------------------------------------------------- timers

// 02 ICE-04; measured at upstream.
struct Timers {
    Duration check_interval = Duration::millis(200);
    // A controlled agent leaves the first checks to its peer, which learns our candidates from a
    // description that is slower than our packets: a check from an address that it does not know
    // yet makes a peer-reflexive candidate, which pion nominates a second later only. One that
    // follows its own check lets it nominate at once. Differs from upstream, which meets that
    // second now and then.
    Duration head_start = Duration::millis(50);
    // Then the pair counts as failed. Differs from upstream: while nothing better is selected it is
    // still asked, at a slower pace (RFC 8445 §14.3: retransmissions back off and go on for 39.5
    // s), until the agent fails as a whole; libwebrtc asks all the time too. An outage of two
    // seconds at a join or restart must not cost the session, and a lite peer never wakes us with
    // its checks.
    std::uint8_t requests_per_pair = 8;
    Duration slow_check_interval = Duration::seconds(1);
    Duration keepalive = Duration::seconds(2);
    // Behind one that was answered. Differs from upstream, which asks every 2 s all the same: RFC
    // 7675 §5.1 wants 5 s, and a server with thousands of connections wakes up for each of these.
    Duration keepalive_answered = Duration::seconds(5);
    Duration disconnected_after = Duration::seconds(10);
    Duration failed_after_disconnected = Duration::seconds(5);
    Duration checking_limit = Duration::seconds(15);
    // An answer later than this is not believed any more.
    Duration transaction_lifetime = Duration::seconds(4);
    // Least distance of two checks on one pair, however often the peer triggers them
    // (RFC 8445 §14.2: Ta is 50 ms).
    Duration min_check_spacing = Duration::millis(50);
    // How long the path of the generation before a restart stays valid after the new selection, and
    // after media that come there: packets under way, and a peer that switches its sending later
    // than we do. So long, too, the limit of the checks waits where that path was heard.
    Duration previous_path_grace = Duration::seconds(5);
    // RFC 7675 §5.1: no authenticated STUN for so long takes the permission to send away, even if
    // other packets, whose source can be forged, still arrive. Differs from upstream: it has no
    // such limit; an honest peer checks every 2 or 3 s.
    Duration consent_expiry = Duration::seconds(30);
    // The peer checks another pair while the selected one has been silent for moved_after and stays
    // so for answer_wait, though we ask there: it has moved (NAT rebinding), and we follow. Differs
    // from upstream, which fails after 15 s unless the peer controls and repeats USE-CANDIDATE in
    // its keepalives.
    Duration moved_after = Duration::seconds(3);
    Duration answer_wait = Duration::seconds(1);
    // The same where media of the peer come over the other pair, which is known to work: a peer
    // sends where it has selected. They may have overtaken each other on the way for so long.
    Duration moved_by_media = Duration::millis(100);
};

// How long a controlling agent gives better pairs a chance before it nominates one with a candidate
// of this type; both candidates of a pair count, from the start of the checks (02 ICE-06).
struct AcceptanceWaits {
    Duration host = Duration::zero();
    Duration server_reflexive = Duration::millis(500);
    // Differs from upstream (1 s): our own candidates are host candidates, so a peer-reflexive
    // remote is a client behind NAT or mDNS on a direct path, and waiting only delays first media.
    // It also applies to a srflx remote whose own check has arrived. The upgrade window below makes
    // good for the rare early choice of a relayed path.
    Duration peer_reflexive = Duration::zero();
    Duration relay = Duration::seconds(2);

    static constexpr AcceptanceWaits upstream() {
        return {Duration::zero(), Duration::millis(500), Duration::seconds(1),
                Duration::seconds(2)};
    }
    constexpr Duration of(CandidateType type) const {
        switch (type) {
            case CandidateType::kHost:
                return host;
            case CandidateType::kServerReflexive:
                return server_reflexive;
            case CandidateType::kPeerReflexive:
                return peer_reflexive;
            case CandidateType::kRelay:
                break;
        }
        return relay;
    }
};

// ---------------------------------------------------------------- configuration

struct Credentials {
    std::string ufrag;
    std::string pwd;
    bool operator==(const Credentials&) const = default;
};

// A host candidate: a UDP socket, or a listener for passive TCP.
struct LocalCandidate {
    std::uint16_t socket = 0;
    Protocol protocol = Protocol::kUdp;
    SocketAddress base;  // what Path::local of its packets says, not a mapped address
};

struct RemoteCandidate {
    Protocol protocol = Protocol::kUdp;
    SocketAddress address;
    CandidateType type = CandidateType::kHost;
    std::uint32_t priority = 0;
};

enum class Role : std::uint8_t { kControlled, kControlling };

struct AgentConfig {
    Credentials local;
    bool lite = false;  // answers only, always controlled (02 ICE-03)
    Role role = Role::kControlled;
    bool tcp_only = false;  // UDP checks are neither sent nor answered (02 ICE-15)
    std::vector<LocalCandidate> candidates;
    Timers timers;
    AcceptanceWaits acceptance_waits;
    // After the first nomination a controlling agent goes on to a pair of strictly higher priority
    // that succeeds within this time from the start of the checks; a controlled full agent prefers
    // the higher priority within it and follows every nomination after it. Zero: never again.
    Duration upgrade_window = Duration::seconds(2);
};

struct RestartOptions {
    Credentials local;
    bool tcp_only = false;
    std::optional<Duration> checking_limit = std::nullopt;  // instead of that of Timers
};

// ---------------------------------------------------------------- outputs

enum class State : std::uint8_t {
    kNew,           // no remote credentials yet
    kChecking,      // no pair selected (again, after a restart)
    kConnected,     // a pair is selected and was heard lately
    kDisconnected,  // nothing heard from the selected pair for 10 s
    kFailed,        // final, until a restart
};

// Send media and DTLS there from now on.
struct Selected {
    Path path;
};
struct StateChanged {
    State state = State::kNew;
};
using Event = std::variant<Selected, StateChanged>;

struct Transmit {
    Path path;
    std::uint16_t size = 0;
    std::array<std::uint8_t, kMaxStunMessage> buffer;  // only the first `size` bytes are set

    BytesView bytes() const { return BytesView(buffer).first(size); }
};

struct Counters {
    std::uint64_t requests_sent = 0;
    std::uint64_t requests_received = 0;  // with right credentials
    std::uint64_t successes_sent = 0;
    std::uint64_t successes_received = 0;
    std::uint64_t role_conflicts = 0;   // 487 sent or obeyed
    std::uint64_t malformed = 0;        // no STUN, or no method or class of ours
    std::uint64_t bad_credentials = 0;  // USERNAME or MESSAGE-INTEGRITY wrong or absent
    std::uint64_t unknown_transactions = 0;
    std::uint64_t wrong_paths = 0;         // answers from another address than asked
    std::uint64_t filtered = 0;            // protocol not allowed or without local candidate
    std::uint64_t candidates_ignored = 0;  // over the limit, unusable or repeated
    std::uint64_t pairs_refused = 0;       // list full of better ones
    std::uint64_t pairs_evicted = 0;
    std::uint64_t outputs_dropped = 0;  // queue full because nobody polled
};

// Of the selected pair.
struct PathFacts {
    // Of its remote candidate. Also kRelay for a peer-reflexive one at the address of a signalled
    // relay candidate (02 ICE-18).
    std::optional<CandidateType> type;
    Duration rtt;  // of its last answered check; zero before one
    bool relayed() const { return type == CandidateType::kRelay; }
};

struct Snapshot {
    State state = State::kNew;
    Role role = Role::kControlled;
    std::size_t pairs = 0;
    std::size_t valid_pairs = 0;
    std::size_t remote_candidates = 0;
    std::size_t pending_transactions = 0;
    std::size_t bytes_held = 0;
    std::optional<CandidateType> selected_type;  // PathFacts
    Duration rtt;
    Counters counters;
};

}  // namespace confab::ice
