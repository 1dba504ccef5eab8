// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One allocation (RFC 8656 §3.2): whose it is, its relayed address, and what it may relay: the
// permissions (§9) and channels (§12) with their ends. Both are few and bounded; an expired one is
// as good as none, and its place is used again.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "base/net_address.h"
#include "base/slot_map.h"
#include "base/time.h"
#include "base/timer_wheel.h"
#include "turn/credentials.h"
#include "wire/ice/channel_data.h"
#include "wire/ice/stun.h"

namespace confab::turn {

inline constexpr Duration kDefaultLifetime = Duration::seconds(600);  // TURN-13
inline constexpr Duration kMaxLifetime = Duration::seconds(3600);     // from here on: the default
// What a participant has lives on after it for that long (TURN-17).
inline constexpr Duration kAfterParticipant = Duration::seconds(30);
inline constexpr Duration kPermissionLifetime = Duration::seconds(300);
inline constexpr Duration kChannelLifetime = Duration::seconds(600);
// A client asks for one per candidate of ours, and those are few.
inline constexpr std::size_t kMaxPermissions = 64;
inline constexpr std::size_t kMaxChannels = 64;

// Where a client speaks from and to: with the transport the 5-tuple of RFC 8656 §2.2.
struct ClientPath {
    SocketAddress local;  // answers leave from here (TURN-19)
    SocketAddress remote;
    std::uint32_t stream = 0;  // its TCP or TLS connection; 0: UDP

    bool operator==(const ClientPath&) const = default;
};

struct Allocation;
using AllocationHandle = Handle<Allocation>;

struct Allocation {
    enum class Bound : std::uint8_t { kDone, kConflict, kFull };

    explicit Allocation(const ClientPath& client) : path(client), expiry(this) {}

    bool has_permission(const IpAddress& ip, Timestamp now) const;
    // False: there are kMaxPermissions others.
    bool permit(const IpAddress& ip, Timestamp now);
    // Renews the permission too. kConflict: number or peer is bound otherwise (TURN-13).
    Bound bind(std::uint16_t channel, const SocketAddress& peer, Timestamp now);
    std::optional<SocketAddress> peer_of(std::uint16_t channel, Timestamp now) const;
    std::optional<std::uint16_t> channel_of(const SocketAddress& peer, Timestamp now) const;

    ClientPath path;
    AllocationHandle handle;
    SocketAddress relayed;
    User user;
    std::string username;
    IntegrityKey key{};
    wire::StunTransactionId made_by{};  // the request that asked for it
    TimerNode expiry;
    Timestamp ends_by = Timestamp::never();  // however often it is refreshed

  private:
    struct Channel {
        SocketAddress peer;
        Timestamp ends_at;
    };
    void forget_expired(Timestamp now);

    std::unordered_map<IpAddress, Timestamp> permissions_;  // until then
    std::unordered_map<std::uint16_t, Channel> channels_;
    std::unordered_map<SocketAddress, std::uint16_t> channel_numbers_;
};

}  // namespace confab::turn

template <>
struct std::hash<confab::turn::ClientPath> {
    std::size_t operator()(const confab::turn::ClientPath& path) const noexcept {
        const std::hash<confab::SocketAddress> of;
        return of(path.remote) * 31 + of(path.local) * 17 + path.stream;
    }
};
