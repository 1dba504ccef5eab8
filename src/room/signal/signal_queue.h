// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The way of messages to one participant's signalling connection. Without a connection everything
// is dropped but news of participants that left, which a resume replays (01 SIG-63, SIG-160).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "room/scope/scope.h"

namespace confab::room {

class SignalQueue {
  public:
    static constexpr std::size_t kMaxMissed = 256;

    explicit SignalQueue(const RoomScope& scope) : scope_(&scope) {}

    void open(SessionId session) { session_ = session; }
    // There is no client and never will be: nothing is lost that is not sent.
    void discard() { discards_ = true; }
    // Closes the connection after what was sent; no effect without one.
    void close(std::uint16_t code = 1000);
    // The connection went away by itself.
    void lost() { session_.reset(); }
    bool is_open() const { return session_.has_value(); }
    std::optional<SessionId> session() const { return session_; }

    void send(livekit::SignalResponse response);
    void send_join(livekit::SignalResponse response, std::vector<EncodedOthers> others);
    // What was sent to everybody while there was no connection here.
    void miss(const livekit::SignalResponse& response);
    // Participants missed as DISCONNECTED; empties the list.
    std::vector<livekit::ParticipantInfo> take_missed();

  private:
    void remember(const livekit::ParticipantUpdate& update);

    const RoomScope* scope_;
    std::optional<SessionId> session_;
    bool discards_ = false;
    std::map<std::string, livekit::ParticipantInfo> missed_;  // by identity
};

}  // namespace confab::room
