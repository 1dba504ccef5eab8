// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A TURN server (RFC 8656) as a machine without sockets; behaviour as 02 §7.
//
//   client ── handle_client ─▶ Server ─ Output ─▶ client (answer), or peer from the relayed address
//   peer   ── handle_peer   ─▶        ─ Output ─▶ client (ChannelData, Data indication)
//
// No input has more than one datagram for an answer, so the answer is the result of the call.
// Before a client has shown a password nothing is kept of it (08 IMM-3).
//
// What upstream's does not do: answers to Refresh, CreatePermission and ChannelBind without an
// allocation (437) and for somebody else's (441), 403 for a channel to a forbidden peer, ports of
// our own hosts that are no media are refused, and refusals of strangers are limited per address.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/cidr.h"
#include "base/limits/keyed_buckets.h"
#include "base/rng.h"
#include "base/slot_map.h"
#include "base/time.h"
#include "base/timer_wheel.h"
#include "turn/allocation.h"
#include "turn/ended_users.h"
#include "turn/nonce.h"
#include "turn/peer_filter.h"
#include "wire/ice/stun.h"

namespace confab::turn {

// Larger datagrams of a peer are dropped (TURN-15).
inline constexpr std::size_t kMaxRelayedSize = 1600;

// The sockets of relayed addresses.
class RelayPorts {
  public:
    virtual ~RelayPorts() = default;
    // False: the port is taken, or there is no socket to be had.
    virtual bool open(AllocationHandle allocation, const SocketAddress& relayed) = 0;
    virtual void close(AllocationHandle allocation) = 0;
};

// Of one address, whoever its clients are (03 OPS-05).
struct AllocationLimits {
    Rate rate;
    std::vector<Cidr> trusted;  // for these there is none
};

struct ServerOptions {
    // What peers see (TURN-03); a family without an address is not relayed.
    IpAddress relay_v4;
    IpAddress relay_v6;
    std::uint16_t first_port = 30000;
    std::uint16_t last_port = 40000;
    std::size_t allocations_per_user = 12;  // TURN-05; 0: any number
    std::size_t max_allocations = 20'000;   // of all together: each has a socket
    AllocationLimits limits;
    Duration credential_lifetime = Duration::seconds(300);  // turn.ttl_seconds
    PeerRules peers;
    Nonces::Key nonce_key{};
    std::uint64_t seed = 0;
    // The secret of an API key.
    std::function<std::optional<std::string>(std::string_view api_key)> find_secret;
};

// What is to be sent; `bytes` are valid until the next call.
struct Output {
    enum class To : std::uint8_t { kNobody, kClient, kPeer };
    To to = To::kNobody;
    ClientPath client;            // kClient
    AllocationHandle allocation;  // kPeer: from its relayed address
    SocketAddress peer;           // kPeer
    BytesView bytes;
};

struct Counters {
    std::uint64_t allocations = 0;  // ever made
    std::uint64_t to_peers = 0;     // datagrams
    std::uint64_t to_peers_bytes = 0;
    std::uint64_t to_clients = 0;
    std::uint64_t to_clients_bytes = 0;
    std::uint64_t unauthorized = 0;        // wrong or expired credentials
    std::uint64_t forbidden_peers = 0;     // refused by PeerFilter
    std::uint64_t over_quota = 0;          // 486
    std::uint64_t over_rate = 0;           // 486: AllocationLimits
    std::uint64_t without_port = 0;        // 508
    std::uint64_t limited = 0;             // answers kept back from an address (kStrangers)
    std::uint64_t without_permission = 0;  // dropped datagrams, both ways
};

class Server {
  public:
    // Answers to an address before it has shown a password (08 IMM-3): whoever forges the sender of
    // a request must not be able to point us at a victim. The burst is for a NAT with many clients
    // that start together.
    static constexpr Rate kStrangers{50, 200};

    Server(Timestamp now, ServerOptions options, RelayPorts& ports);

    // One whole message of a client (wire::next_turn_frame finds its end in a stream).
    Output handle_client(Timestamp now, UnixTime wall, const ClientPath& from, BytesView message);
    // A datagram that came to the relayed address of this allocation.
    Output handle_peer(Timestamp now, AllocationHandle allocation, const SocketAddress& peer,
                       BytesView datagram);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return timers_.next_deadline(); }

    // The client's TCP or TLS connection is gone, and with it what it had (TURN-16).
    void close_client(const ClientPath& path);
    // The participant is gone; what it has, or makes now with credentials that are still good,
    // follows after kAfterParticipant (TURN-17).
    void end_user(Timestamp now, std::string_view participant_sid);
    // ServerOptions::find_secret answers otherwise now: what was made with a key that is gone, or
    // has another secret, ends at once (TURN-17).
    void handle_new_keys();
    // The rules of new permissions, and at once of everything that is relayed.
    void set_peer_rules(PeerRules rules) { filter_ = PeerFilter(std::move(rules)); }
    // Of allocations that are asked for from now on.
    void set_limits(AllocationLimits limits) { options_.limits = std::move(limits); }

    bool has_allocation(const ClientPath& path) const { return by_path_.contains(path); }
    std::size_t allocations() const { return allocations_.size(); }
    const Counters& counters() const { return counters_; }

  private:
    // One authenticated request, and what its answer needs.
    struct Request {
        Timestamp now;
        UnixTime wall;
        const ClientPath& from;
        const wire::StunMessage& message;
        std::string_view username;
        User user;
        IntegrityKey key{};
        Allocation* allocation = nullptr;  // of this 5-tuple; Allocate alone comes without
    };

    // server.cc: data
    Output relay_channel_data(Timestamp now, const ClientPath& from, BytesView message);
    Output relay_indication(Timestamp now, const ClientPath& from,
                            const wire::StunMessage& message);
    Output relay(Timestamp now, Allocation& allocation, const SocketAddress& peer, BytesView data);
    Allocation* find(const ClientPath& path);
    void remove(Allocation& allocation);

    // server_requests.cc
    Output handle_request(Timestamp now, UnixTime wall, const ClientPath& from,
                          const wire::StunMessage& message);
    Output answer_binding(Timestamp now, const ClientPath& from, const wire::StunMessage& message);
    bool authenticate(Request& request);
    Output serve(Request& request);
    Output allocate(Request& request);
    std::uint16_t refuse_allocate(const Request& request, IpAddress& relay);
    bool may_allocate(Timestamp now, const IpAddress& from);
    std::optional<AllocationHandle> open_relay(const Request& request, const IpAddress& relay);
    Output refresh(Request& request);
    Output create_permission(Request& request);
    Output bind_channel(Request& request);

    // server_answers.cc
    bool may_answer_stranger(Timestamp now, const ClientPath& from);
    wire::StunBuilder begin(const wire::StunMessage& request, wire::StunClass message_class);
    Output challenge(Timestamp now, const ClientPath& from, const wire::StunMessage& message,
                     std::uint16_t code);
    Output refuse_stranger(Timestamp now, const ClientPath& from, const wire::StunMessage& message,
                           std::uint16_t code);
    Output refuse(const Request& request, std::uint16_t code);
    Output refuse_unknown(const Request& request, std::span<const std::uint16_t> types);
    Output finish(const Request& request, wire::StunBuilder& builder);
    Output success(const Request& request, std::optional<std::uint32_t> lifetime);
    Output allocated(const Request& request, Duration lifetime);

    ServerOptions options_;
    RelayPorts& ports_;
    PeerFilter filter_;
    Nonces nonces_;
    KeyedBuckets strangers_;
    KeyedBuckets allocators_;
    Rng rng_;
    TimerWheel timers_;
    SlotMap<Allocation> allocations_;
    EndedUsers ended_;
    std::unordered_map<ClientPath, AllocationHandle> by_path_;
    std::unordered_map<std::string, std::vector<AllocationHandle>> by_user_;  // participant sid
    Counters counters_;
    std::array<std::uint8_t, 2048> buffer_{};  // of the answer
};

}  // namespace confab::turn
