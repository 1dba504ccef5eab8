// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a peer connection is as a whole (RTCPeerConnectionState of webrtc-pc §4.4.1): connected when
// DTLS is done and ICE has a path, failed with either of them.
//
//                media_ready()             ice_disconnected()
//   kConnecting ──────────────▶ kConnected ──────────────────▶ kDisconnected ◀──┐
//                                              ice_connected()    │             │
//                                              ice_disconnected()
//                                                                 ▼             │
//                                                           kReconnected ───────┘
//   fail() leads from everywhere to kFailed; from what a restart may mend ice_checking() leads
//   back.
#pragma once

#include <deque>
#include <optional>

#include "base/state/state.h"
#include "rtc/peer/transport_types.h"

namespace confab::peer {

class ConnectionState {
  public:
    // The keys are there, and a path for what they encrypt.
    void media_ready();
    // A new generation. Keys, association and numbers live on (02 ICE-14), so a failure of ICE
    // alone, or of its path, is over as soon as there is something to hope for again. One of DTLS
    // is not.
    void ice_checking();
    void ice_connected();
    void ice_disconnected();
    // Of two failures the one that no restart mends counts.
    void fail(TransportFailure failure);

    TransportState state() const { return state_; }
    bool connected() const {
        return state_ == TransportState::kConnected || state_ == TransportState::kReconnected;
    }
    bool has_news() const { return !news_.empty(); }
    std::optional<StateChanged> poll();

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    void change(TransportState state);

    TransportState state_ = TransportState::kConnecting;
    TransportFailure failure_ = TransportFailure::kNone;
    bool was_connected_ = false;
    // As many as one input causes, when they are polled behind each.
    std::deque<StateChanged> news_;
};

}  // namespace confab::peer
