// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The receiving side of an association: which chunks are taken, the window that is advertised, and
// the SACKs (RFC 9260 §6.2, §6.2.1; FORWARD-TSN by RFC 3758 §3.6). Whole messages go to the
// EventQueue of the association; what waits there counts against the window (02 §6.3).
#pragma once

#include <cstdint>
#include <span>

#include "base/state/state.h"
#include "rtc/sctp/event_queue.h"
#include "rtc/sctp/receive/reassembly.h"
#include "rtc/sctp/receive/rx_tracker.h"
#include "rtc/sctp/types.h"

namespace confab::sctp {

class DataReceiver {
  public:
    explicit DataReceiver(const Config& config);

    // From INIT or INIT-ACK: the TSN of its first chunk.
    void set_peer_initial_tsn(std::uint32_t tsn) { tracker_ = RxTracker(tsn); }

    // ------------------------------------------------------------ input
    // Around the chunks of one packet: a SACK answers packets, not chunks.
    void begin_packet();
    void end_packet(Timestamp now);

    enum class Taken : std::uint8_t {
        kYes,
        kNo,               // a duplicate, or outside the window
        kMessageTooLarge,  // its stream has to be reset (02 DC-05)
        kOutOfResource,    // the peer fills the window with what can never be whole
    };
    // `immediate`: the SACK is not delayed, whatever the chunk asks for.
    Taken handle_data(const wire::sctp::DataChunk& data, bool immediate, EventQueue& events);
    // True when it moved the cumulative TSN.
    bool handle_forward_tsn(const wire::sctp::ForwardTsnView& forward, EventQueue& events);
    // The peer reset these streams of its; empty: all.
    void reset(std::span<const std::uint16_t> streams, EventQueue& events) {
        reassembly_.reset(streams, events);
    }
    // A message left `events`: the window may have opened enough to tell the peer.
    void message_taken(const EventQueue& events);

    // ------------------------------------------------------------ SACK
    void handle_timeout(Timestamp now) { tracker_.handle_timeout(now); }
    Timestamp deadline() const { return tracker_.deadline(); }
    bool sack_due() const { return tracker_.sack_due(); }
    // Due, or delayed and able to travel with other chunks.
    bool sack_waiting() const { return tracker_.sack_waiting(); }
    void write_sack(const EventQueue& events, wire::sctp::PacketWriter& packet);

    std::int64_t unwrap(std::uint32_t tsn) const { return tracker_.unwrap(tsn); }
    std::int64_t cumulative() const { return tracker_.cumulative(); }
    // What the peer may still send.
    std::uint32_t window(const EventQueue& events) const;
    // Bytes held here and in `events`, overhead included.
    std::size_t held_bytes(const EventQueue& events) const {
        return reassembly_.held_bytes() + events.bytes();
    }
    // Chunks outside the window or the limits.
    std::uint64_t chunks_refused() const { return chunks_refused_; }
    // Gives up what is not whole.
    void clear() { reassembly_ = Reassembly(max_message_size_); }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    std::size_t mtu_;
    std::uint32_t a_rwnd_;
    std::uint16_t streams_;
    std::size_t max_message_size_;
    Duration sack_delay_;
    RxTracker tracker_{0};
    Reassembly reassembly_;
    std::size_t advertised_;        // the window of the last SACK
    bool packet_has_data_ = false;  // of the packet in work
    bool immediate_sack_ = false;
    std::uint64_t chunks_refused_ = 0;
};

}  // namespace confab::sctp
