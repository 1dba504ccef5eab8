// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a session wants of what others publish, and what of it the server sends. Wishes other than
// the default are kept, since the sync state of a resume names them (01 SIG-161).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/session/descriptions.h"
#include "client/session/signal_link.h"
#include "livekit_rtc.pb.h"

namespace confab::client {

class Subscriptions {
  public:
    static constexpr std::size_t kMaxWishes = 20'000;  // of each kind; others are only sent

    // The link outlives it.
    Subscriptions(bool auto_subscribe, SignalLink& link);

    void subscribe(const std::vector<std::string>& track_sids, bool wanted);
    void update_settings(const livekit::UpdateTrackSettings& settings);

    const RemoteStreams& streams() const { return streams_; }
    // Of a description of the server. False: they are as before.
    bool take(RemoteStreams streams);
    void describe(livekit::SyncState& state) const;

  private:
    bool auto_subscribe_;
    SignalLink& link_;
    std::map<std::string, bool> wishes_;    // other than the default, by track sid
    std::map<std::string, bool> disabled_;  // settings.disabled, by track sid
    RemoteStreams streams_;
};

}  // namespace confab::client
