// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Offers and answers of one session (01 SIG-80…87): ours for the publisher's connection, one at a
// time, and the server's for the subscriber's, if there are two connections. Both die with their
// WebSocket; the sync state tells the last ones (01 SIG-161).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "client/connection/connections.h"
#include "client/session/descriptions.h"
#include "client/session/signal_link.h"
#include "livekit_rtc.pb.h"
#include "rtc/sdp/description/description.h"

namespace confab::client {

class Negotiation {
  public:
    static constexpr std::size_t kMaxSections = 512;  // that the server may make us offer
    static constexpr std::size_t kReceivingSections = 3;

    // Connections and link outlive it.
    Negotiation(OfferSize size, Connections& connections, SignalLink& link);

    // ---- our offers
    // What they have sections for; who changes it wants an offer.
    OfferBuilder& sections() { return builder_; }
    // With all that is wanted now; for a join request.
    livekit::SessionDescription offer();
    // Goes when no other waits for its answer, and there is a WebSocket.
    void want_offer();
    void restart_ice(Timestamp now);
    // The answers to what was offered over the WebSocket before are lost.
    void forget_offers() { answers_ = offers_; }
    // Nothing: it is not readable, or of an offer that is not our newest.
    std::optional<sdp::Description> take_answer(Timestamp now,
                                                const livekit::SessionDescription& answer);
    // Offers again if it is time to.
    void go_on();
    void second_offer();
    void take_requirement(const livekit::MediaSectionsRequirement& requirement);

    // ---- the server's
    // Answers it. Nothing: it is not readable, or this session has one connection.
    std::optional<sdp::Description> take_offer(Timestamp now,
                                               const livekit::SessionDescription& offered);
    // The connection whose candidate it is.
    std::optional<Target> take_trickle(Timestamp now, const livekit::TrickleRequest& trickle);

    // ---- what it knows
    // Nothing waits for an answer, and a single connection has offered a second time.
    bool settled() const;
    void describe(livekit::SyncState& state) const;
    std::uint64_t stale_answers() const { return stale_answers_; }
    std::uint64_t bad() const { return bad_; }  // messages

  private:
    void send_offer();
    void trickle(Target target);

    Connections& connections_;
    SignalLink& link_;
    OfferBuilder builder_;
    bool offer_wanted_ = false;
    bool second_offer_ = false;
    std::uint32_t offers_ = 0;
    std::uint32_t answers_ = 0;  // the id of the last answer
    std::string last_offer_;     // of ours and, with two connections, of the server
    std::string last_remote_offer_;
    std::string last_answer_;
    std::array<std::string, kTargets> trickled_;  // ufrags whose candidate was sent
    std::uint64_t stale_answers_ = 0;
    std::uint64_t bad_ = 0;
};

}  // namespace confab::client
