// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Calls that the server API makes to methods of participants (01 API-14): one request packet per
// call, then an acknowledgement within 2 s and a response within the caller's time.
//   sent → acknowledged → done        sent or acknowledged → failed (timeout, participant gone)
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "base/time.h"
#include "livekit_data.pb.h"
#include "livekit_room.pb.h"
#include "room/scope/types.h"

namespace confab::room {

class RpcCalls {
  public:
    static constexpr std::size_t kMaxCalls = 1'000;  // at one time, per room
    static constexpr Duration kAckTimeout = Duration::seconds(2);
    static constexpr Duration kDefaultTimeout = Duration::seconds(10);
    // The HTTP listener gives up on an answer a little later.
    static constexpr Duration kMaxTimeout = Duration::seconds(55);
    static constexpr std::size_t kMaxPayload = 15'360;
    static constexpr std::size_t kMaxErrorMessage = 256;

    bool full() const { return calls_.size() >= kMaxCalls; }
    bool empty() const { return calls_.empty(); }

    // Notes the call and gives the packet for the participant.
    livekit::DataPacket start(Timestamp now, RpcCallId id, const std::string& participant_sid,
                              const livekit::PerformRpcRequest& request, Rng& rng);
    // True when a packet of this participant belongs to a call.
    bool handle_packet(const std::string& participant_sid, const livekit::DataPacket& packet);
    // The participant is gone: its calls fail.
    void participant_left(const std::string& participant_sid);
    // Gives the calls that nobody waits for any more.
    struct Ended {
        std::string participant_sid;
        std::string request_id;
    };
    std::vector<Ended> handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    std::optional<RpcDone> poll_done();

  private:
    struct Call {
        RpcCallId id;
        std::string participant_sid;
        Timestamp ack_deadline;
        Timestamp response_deadline;
    };
    using Calls = std::map<std::string, Call>;  // by request id
    Calls::iterator find(const std::string& participant_sid, const std::string& request_id);
    Calls::iterator finish(Calls::iterator call, RpcOutcome outcome);

    Calls calls_;
    std::vector<RpcDone> done_;
};

}  // namespace confab::room
