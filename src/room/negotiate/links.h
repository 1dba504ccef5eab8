// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The peer connections of one participant, how it wants them, and what its negotiation waits for.
//   single   one connection, which the client offers                    (01 SIG-82)
//   dual     the client offers the publisher's, we the subscriber's; one of them is the primary,
//            whose being up makes the participant ACTIVE and which carries the data (SIG-81)
#pragma once

#include <memory>
#include <optional>

#include "room/negotiate/fallback.h"
#include "room/negotiate/peer_link.h"

namespace confab::room {

struct Links {
    PeerLink* primary() const { return subscriber_primary ? subscriber.get() : publisher.get(); }
    // The connection on which tracks come down to the client.
    PeerLink* downstream() const { return single ? publisher.get() : subscriber.get(); }
    PeerLink* find(sfu::PeerId peer) const {
        if (publisher && publisher->id() == peer) return publisher.get();
        if (subscriber && subscriber->id() == peer) return subscriber.get();
        return nullptr;
    }
    // The relay of a client that goes over TLS comes to us over UDP.
    bool tcp_only() const { return ice == IcePreference::kTcp; }
    std::optional<Duration> ice_limit() const {
        return tcp_only() ? tcp_ice_limit(signal_rtt) : std::nullopt;
    }
    bool ever_up() const {
        return (publisher && publisher->ever_connected) ||
               (subscriber && subscriber->ever_connected);
    }
    // None that ever was up is down.
    bool all_up() const {
        const auto down = [](const std::unique_ptr<PeerLink>& link) {
            return link && link->ever_connected && !link->connected();
        };
        return !down(publisher) && !down(subscriber);
    }

    // Something was done about what failed.
    void failure_handled(Timestamp now) {
        switched_at = now;
        for (PeerLink* link : {publisher.get(), subscriber.get()})
            if (link != nullptr) link->tried = false;
    }

    bool single = false;
    bool subscriber_primary = false;
    bool disable_ice_lite = false;
    std::optional<bool> allow_pause;
    IcePreference ice = IcePreference::kAny;
    bool ice_inherited = false;  // chosen in an earlier session
    // Of the last outage, until all is up again. Both connections of a client notice one, seconds
    // apart: that is one failure.
    std::optional<Timestamp> switched_at;
    Duration lived = Duration::zero();   // the connection that failed last
    std::optional<Duration> signal_rtt;  // as the client measured it last
    FailureCount failures;

    std::unique_ptr<PeerLink> publisher;
    std::unique_ptr<PeerLink> subscriber;
    bool data_ready = false;         // its channels are open, or not wanted
    sdp::MissingSections requested;  // sections already asked for (SIG-84)
    // The offer of the join, for clients that are not ready for its answer (traits.answer_delay).
    std::optional<livekit::SessionDescription> held_offer;
    Timestamp held_offer_at = Timestamp::never();
    Timestamp unknown_media_since = Timestamp::never();  // it sends what it never announced
};

}  // namespace confab::room
