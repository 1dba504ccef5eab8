// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The control plane of a server: the real RoomManager with its driver's duties (src/room/README.md)
// in virtual time. Requests and responses are protobuf bytes, as behind a WebSocket.
#pragma once

#include <string>
#include <string_view>

#include "room/manager/room_manager.h"
#include "sim/net/event_queue.h"

namespace confab::sim {

// What becomes of its effects.
class ControlHost {
  public:
    virtual ~ControlHost() = default;
    virtual void command(sfu::WorkerIndex worker, sfu::Command command) = 0;
    virtual void send(room::SessionId session, const livekit::SignalResponse& response) = 0;
    virtual void refuse(room::SessionId session, int status, const std::string& text) = 0;
    virtual void close(room::SessionId session) = 0;
};

class ControlNode {
  public:
    ControlNode(room::Config config, std::uint64_t seed, EventQueue& events, UnixTime wall_at_zero,
                ControlHost& host);

    // Its effects come with the next turn(), so that the session can be noted before.
    room::SessionId start(const room::JoinParams& params);
    void request(room::SessionId session, const livekit::SignalRequest& request);
    void closed(room::SessionId session);
    void media_event(sfu::WorkerIndex worker, const sfu::Event& event);
    // A service call: `call(rooms, clock)`.
    template <typename F>
    auto service(F&& call) {
        auto result = call(rooms_, clock());
        turn();
        return result;
    }
    void turn();

    const room::RoomManager& rooms() const { return rooms_; }
    std::uint64_t timeouts() const { return timeouts_; }

  private:
    room::Clock clock() const {
        return {events_.now(), wall_at_zero_ + (events_.now() - Timestamp{})};
    }
    void carry_out(room::Effect effect);

    room::RoomManager rooms_;
    EventQueue& events_;
    UnixTime wall_at_zero_;
    ControlHost& host_;
    Timestamp planned_ = Timestamp::never();
    std::uint64_t timeouts_ = 0;
};

}  // namespace confab::sim
