// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whom a TURN client may reach through us (03 SEC-01, 02 TURN-06, 08 IMM-2). Addresses that lead
// into the operator's own networks are refused unless a block of allow_restricted_peer_cidrs has
// them; deny_peer_cidrs refuses whatever else says yes. Our own media addresses are always there to
// be reached, at their media ports only.
//
// An IPv6 address that carries an IPv4 one (mapped, NAT64, 6to4, compatible, Teredo) is judged by
// both: it gets to either, depending on the network.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/cidr.h"
#include "base/net_address.h"

namespace confab::turn {

// Loopback, private, link-local, shared (RFC 6598), multicast, reserved, unspecified, of
// documentation and benchmarks, and the forms above around one of these.
bool is_restricted(const IpAddress& ip);

struct PeerRules {
    std::vector<Cidr> allow_restricted;
    std::vector<Cidr> deny;
    // Where our own media workers are reached, as clients are told it; port ranges are inclusive.
    struct OwnMedia {
        IpAddress ip;
        std::vector<std::pair<std::uint16_t, std::uint16_t>> ports;
    };
    std::vector<OwnMedia> own_media;
};

class PeerFilter {
  public:
    explicit PeerFilter(PeerRules rules) : rules_(std::move(rules)) {}

    // For a permission, which is for every port of the address (RFC 8656 §9).
    bool allows(const IpAddress& ip) const;
    // For a datagram and a channel.
    bool allows(const SocketAddress& peer) const;

  private:
    bool is_denied(const IpAddress& ip) const;
    const PeerRules::OwnMedia* own(const IpAddress& ip) const;

    PeerRules rules_;
};

}  // namespace confab::turn
