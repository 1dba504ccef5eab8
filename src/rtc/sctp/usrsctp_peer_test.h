// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// usrsctp as a test partner in the shape of our machines (02 §6.5): one AF_CONN socket, no threads,
// timers moved by hand. Only for tests.
#pragma once

#include <list>
#include <optional>
#include <span>

#include "base/time.h"
#include "rtc/sctp/types.h"

struct socket;

namespace confab::sctp {

class UsrsctpPeer {
  public:
    explicit UsrsctpPeer(std::uint16_t port = 5000);
    ~UsrsctpPeer();
    UsrsctpPeer(const UsrsctpPeer&) = delete;
    UsrsctpPeer& operator=(const UsrsctpPeer&) = delete;

    void connect();
    void handle_packet(Timestamp now, BytesView packet);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return last_tick_ + Duration::millis(10); }
    std::optional<Bytes> poll_transmit();
    std::optional<Event> poll_event();

    // False when its send buffer is full.
    bool send(std::uint16_t stream, std::uint32_t ppid, BytesView payload,
              const SendOptions& options);
    bool reset_streams(std::span<const std::uint16_t> streams);
    bool connected() const { return connected_; }

    // Called by the library.
    void on_output(BytesView packet) { packets_.push_back(to_vector(packet)); }
    void on_message(std::uint16_t stream, std::uint32_t ppid, BytesView part, bool complete);
    void on_notification(BytesView bytes);

  private:
    struct socket* socket_ = nullptr;
    std::uint16_t port_;
    std::int64_t clock_offset_us_;  // its clock never goes back, whatever link it is on
    Timestamp last_tick_;
    bool connected_ = false;
    Bytes partial_;
    std::list<Bytes> packets_;
    std::list<Event> events_;
};

}  // namespace confab::sctp
