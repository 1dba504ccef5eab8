// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The client's end of the WebSocket without its socket: requests on their way out, what waits while
// it is gone, and the pings that tell when it is dead (01 CON-43, SIG-13).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/time.h"
#include "livekit_rtc.pb.h"

namespace confab::client {

class SignalLink {
  public:
    static constexpr std::size_t kMaxMessages = 4096;  // of each queue; newest dropped

    // `wall_at_zero`: the wall clock at Timestamp{}, for pings.
    explicit SignalLink(UnixTime wall_at_zero) : wall_at_zero_(wall_at_zero) {}

    // ---- the WebSocket
    // The driver opens one: what was on its way over the one before is lost.
    void opening(Timestamp now);
    // The server has taken us in, or back.
    void opened(Timestamp now);
    void closed();
    bool is_open() const { return open_; }
    // Any message is a sign of life.
    void received(Timestamp now) { last_received_ = now; }
    // In seconds, of a JoinResponse; those that are not positive change nothing.
    void set_ping_times(int interval, int timeout);

    // ---- requests
    // What belongs to one negotiation dies with its WebSocket; others wait for the next.
    void send(const livekit::SignalRequest& request);
    // What waited goes, behind what had to be said first.
    void release();
    std::optional<std::string> poll();
    std::uint64_t dropped() const { return dropped_; }  // over kMaxMessages

    // ---- time
    // True, once: nothing came for too long.
    bool handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return next_ping_; }

  private:
    UnixTime wall_at_zero_;
    bool open_ = false;
    Duration ping_interval_ = Duration::seconds(5);
    Duration ping_timeout_ = Duration::seconds(15);
    Timestamp next_ping_ = Timestamp::never();
    Timestamp last_received_;
    std::deque<std::string> queue_;
    std::deque<std::string> held_;  // until there is a WebSocket again
    std::uint64_t dropped_ = 0;
};

}  // namespace confab::client
