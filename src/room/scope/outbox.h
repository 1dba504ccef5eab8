// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The effects of a control shard on their way to its driver, bounded in bytes. The driver drains it
// after every input, so that only one input's worth is ever in it. When even that is too much
//   messages to clients   end their session instead: the client resumes and gets the whole state
//   data packets          are dropped and counted
//   webhooks, statistics  are dropped and counted
//   what a store keeps    is refused and counted; the room tells it again
//   jobs for agents       are refused and counted; the room tries again
//   recordings, history   are dropped and counted
// while what ends sessions and changes the media plane always gets in: it is small, and at most a
// constant for each thing that exists.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "room/scope/types.h"

namespace confab::room {

class Outbox {
  public:
    static constexpr std::size_t kMaxBytes = 256 * 1024 * 1024;

    explicit Outbox(std::size_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

    void signal(SessionId session, livekit::SignalResponse response);
    // The same for many: made, and by the driver serialised, once.
    void broadcast(std::vector<SessionId> sessions, livekit::SignalResponse response);
    void join(SendJoin join);
    void close(SessionId session, std::uint16_t code);
    void refuse(RefuseSession refusal);
    void command(sfu::WorkerIndex worker, sfu::Command value);
    // Commands to this worker wait, because a participant is on its way there with a state that is
    // not known yet (02 MC-20); one worker at a time. Those that waited are for the caller to send.
    void hold(sfu::WorkerIndex worker) { held_for_ = worker; }
    std::vector<sfu::Command> end_hold();
    void webhook(WebhookEvent value);
    void rpc_done(RpcDone done);
    void observe(const Observation& value);
    void participant_over(std::string sid);
    // False when there is no place for it: it is to be told again.
    [[nodiscard]] bool store(StoreRoom value);
    [[nodiscard]] bool store(StoreParticipant value);
    [[nodiscard]] bool store(StoreDispatch value);
    [[nodiscard]] bool store(StoreJob value);
    void forget(RemoveRoom value);
    void forget(RemoveParticipant value);
    void forget(RemoveDispatch value);
    void forget(RemoveJob value);
    void start_egress(StartEgress value);
    void note(RoomNote value);
    // False when there is no place for it: it is to be tried again.
    [[nodiscard]] bool launch(LaunchAgentJob value);
    void adopt_job(AdoptAgentJob value);
    void end_job(EndAgentJob value);
    void served(RoomServed value);

    std::optional<Effect> poll();
    std::size_t size() const { return effects_.size(); }
    std::size_t bytes() const { return bytes_; }
    std::uint64_t dropped() const { return dropped_; }

  private:
    struct Item {
        Effect effect;
        std::size_t bytes = 0;
    };
    bool fits(std::size_t bytes);
    void push(Effect effect, std::size_t bytes);
    // False when the session was given up for want of room; it is closed then.
    bool takes(SessionId session, std::size_t bytes);

    std::size_t max_bytes_;
    std::deque<Item> effects_;
    std::set<SessionId> given_up_;  // since the outbox was empty
    std::size_t bytes_ = 0;
    std::uint64_t dropped_ = 0;
    std::optional<sfu::WorkerIndex> held_for_;
    std::vector<sfu::Command> held_;
};

}  // namespace confab::room
