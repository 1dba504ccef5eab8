// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One SCTP association over one DTLS connection as a poll machine (RFC 9260, RFC 3758, RFC 6525,
// RFC 8261; 02 §6). Single-homed, no addresses, no ECN, no I-DATA, no zero checksum.
//
//   kIdle        → connect(): kCookieWait; or the peer's COOKIE-ECHO: kEstablished
//   kCookieWait  INIT sent → INIT-ACK: kCookieEchoed → COOKIE-ACK: kEstablished
//                (a COOKIE-ECHO of the peer establishes from either: simultaneous open, DC-01)
//   kEstablished → shutdown(): kShutdownPending → all acknowledged: kShutdownSent → kClosed
//                → peer's SHUTDOWN: kShutdownReceived → all acknowledged: kShutdownAckSent →
//                kClosed
//   any          → ABORT, too many timeouts, violation: kClosed, for good
//
// Drain poll_transmit() and poll_event() after every input, then read next_deadline().
#pragma once

#include <cstdint>
#include <list>
#include <optional>

#include "base/rng.h"
#include "base/time.h"
#include "rtc/sctp/event_queue.h"
#include "rtc/sctp/receive/reassembly.h"
#include "rtc/sctp/receive/rx_tracker.h"
#include "rtc/sctp/send/congestion.h"
#include "rtc/sctp/send/outstanding.h"
#include "rtc/sctp/send/rto.h"
#include "rtc/sctp/send/send_queue.h"
#include "rtc/sctp/stream_resets.h"
#include "rtc/sctp/types.h"
#include "wire/sctp/sctp.h"

namespace confab::sctp {

class Association {
  public:
    enum class State : std::uint8_t {
        kIdle,
        kCookieWait,
        kCookieEchoed,
        kEstablished,
        kShutdownPending,
        kShutdownSent,
        kShutdownReceived,
        kShutdownAckSent,
        kClosed,
    };

    Association(const Config& config, Rng rng);

    // Sends INIT; nothing when not idle. A peer's INIT is answered with and without.
    void connect(Timestamp now);
    void handle_packet(Timestamp now, BytesView packet);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    // The same without a SACK that is due and only waits to be taken.
    Timestamp next_timeout() const;
    // One packet of at most Config::mtu bytes.
    std::optional<Bytes> poll_transmit();
    std::optional<Event> poll_event();

    // Queues a message; allowed from the start, sent once established.
    SendStatus send(Timestamp now, std::uint16_t stream, std::uint32_t ppid, SharedBytes payload,
                    const SendOptions& options);
    // Resets our direction of the stream behind what is queued, or with `discard` behind what was
    // begun. StreamResetDone follows; nothing happens when the peer lacks RE-CONFIG (false).
    bool reset_stream(Timestamp now, std::uint16_t stream, bool discard = false);
    // Sends all that is queued, then closes (event Closed).
    void shutdown(Timestamp now);
    // Sends ABORT and closes at once; event Aborted{kLocalAbort}.
    void abort(Timestamp now);

    void set_peer_max_message_size(std::size_t bytes) { config_.peer_max_message_size = bytes; }
    // From now on BufferedAmountLow is given; until the stream is reset.
    void set_buffered_amount_low_threshold(std::uint16_t stream, std::size_t bytes);
    // Bytes of the stream that are waiting or unacknowledged.
    std::size_t buffered_amount(std::uint16_t stream) const { return queue_.buffered(stream); }

    State state() const { return state_; }
    const wire::sctp::Extensions& peer_extensions() const { return peer_extensions_; }

    struct Counters {
        std::uint64_t packets_received = 0;
        std::uint64_t packets_sent = 0;
        std::uint64_t packets_dropped = 0;  // bad checksum, port, tag or form
        std::uint64_t chunks_refused = 0;   // DATA outside window or limits
        std::uint64_t messages_received = 0;
        std::uint64_t messages_sent = 0;  // accepted by send()
        std::uint64_t sends_refused = 0;
        std::uint64_t bytes_received = 0;  // of messages
        std::uint64_t bytes_acked = 0;     // payload that left the send buffer (DC-22)
        std::uint64_t fast_losses = 0;
        std::uint64_t timeouts = 0;
    };
    struct Snapshot {
        State state = State::kIdle;
        std::size_t cwnd = 0;
        std::size_t flight = 0;
        std::size_t peer_rwnd = 0;
        std::size_t send_bytes = 0;  // queued and unacknowledged, overhead included
        std::size_t receive_bytes = 0;
        Duration srtt;
        Duration rto;
        std::uint64_t retransmissions = 0;
        std::uint64_t abandoned = 0;
        Counters counters;
    };
    Snapshot snapshot() const;

  private:
    // The last INIT of the peer, kept for its COOKIE-ECHO. The cookie itself is only a random
    // number: DTLS has authenticated the peer, and there is one of these (RFC 9260 §5.1.3).
    struct PendingInit {
        std::uint64_t nonce = 0;
        std::uint32_t tag = 0;
        std::uint32_t initial_tsn = 0;
        std::uint32_t a_rwnd = 0;
        wire::sctp::Extensions extensions;
    };

    // association_setup.cc: handshake
    void send_init();
    void handle_init(const wire::sctp::ChunkView& chunk);
    void handle_init_ack(const wire::sctp::ChunkView& chunk);
    void handle_cookie_echo(const wire::sctp::ChunkView& chunk);
    void handle_cookie_ack();
    void send_cookie_echo();
    void adopt_peer(const PendingInit& peer);
    void establish();
    void handle_handshake_timeout();

    // association.cc: dispatch, timers
    bool tag_is_valid(const wire::sctp::PacketView& packet,
                      const wire::sctp::ChunkView& first) const;
    void handle_chunk(const wire::sctp::ChunkView& chunk, bool& proceed);
    void handle_unknown(const wire::sctp::ChunkView& chunk, bool& proceed);
    void after_input();

    // association_receive.cc
    void handle_data(const wire::sctp::ChunkView& chunk);
    void handle_forward_tsn(const wire::sctp::ChunkView& chunk);
    void handle_re_config(const wire::sctp::ChunkView& chunk);
    void handle_heartbeat(const wire::sctp::ChunkView& chunk);
    void handle_deferred_reset();
    void reset_requested_streams(const wire::sctp::ResetRequestView& request);
    std::uint32_t window() const;
    std::size_t receive_bytes() const;
    bool receiving() const;

    // association_send.cc
    void handle_sack(const wire::sctp::ChunkView& chunk);
    void handle_t3_timeout();
    void handle_reset_timeout();
    void write_control(wire::sctp::PacketWriter& packet);
    void write_data(wire::sctp::PacketWriter& packet);
    void check_skip(bool again);
    std::size_t max_payload() const;
    bool write_lost(wire::sctp::PacketWriter& packet);
    void write_new(wire::sctp::PacketWriter& packet);
    void arm_t3();
    void count_error();
    bool sending() const;

    // association_close.cc
    void handle_abort(const wire::sctp::ChunkView& chunk);
    void handle_error(const wire::sctp::ChunkView& chunk);
    void handle_shutdown(const wire::sctp::ChunkView& chunk);
    void handle_shutdown_ack();
    void advance_shutdown();
    void handle_shutdown_timeout();
    void fail_with(AbortReason reason, wire::sctp::Cause cause);
    void close(Event event);
    void queue_packet(Bytes packet);
    wire::sctp::PacketWriter start_packet() const;
    wire::sctp::PacketWriter start_packet(std::uint32_t tag) const;

    Config config_;
    Rng rng_;
    Timestamp now_;
    State state_ = State::kIdle;
    std::uint32_t my_tag_;
    std::uint32_t peer_tag_ = 0;
    std::uint32_t my_initial_tsn_;
    wire::sctp::Extensions peer_extensions_;
    std::optional<PendingInit> pending_;
    std::uint64_t accepted_nonce_ = 0;
    Bytes cookie_;  // the peer's, until COOKIE-ACK

    RtoEstimator rto_;
    CongestionWindow congestion_;
    SendQueue queue_;
    Outstanding outstanding_;
    RxTracker tracker_;
    Reassembly reassembly_;
    StreamResets resets_;
    EventQueue events_;
    std::list<Bytes> packets_;  // complete packets, before all others
    Bytes heartbeat_;           // value to be sent back
    Bytes unknown_chunk_;       // to be reported

    Timestamp t1_ = Timestamp::never();  // INIT, COOKIE-ECHO
    Timestamp t2_ = Timestamp::never();  // SHUTDOWN, SHUTDOWN-ACK
    Timestamp t3_ = Timestamp::never();  // DATA, FORWARD-TSN
    Timestamp progress_at_;              // last time something was acknowledged
    Timestamp skip_sent_at_;
    int handshake_tries_ = 0;
    int errors_ = 0;
    std::size_t peer_rwnd_ = 0;  // as last advertised
    std::size_t advertised_ = 0;
    std::uint32_t skip_sent_ = 0;
    bool cookie_ack_due_ = false;
    bool skip_due_ = false;
    bool fast_packet_ = false;    // one packet of lost chunks whatever cwnd says
    bool sack_since_t3_ = false;  // answered window probes are no errors
    bool stall_reported_ = false;
    bool packet_has_data_ = false;  // of the packet in work
    bool immediate_sack_ = false;
    bool shutdown_due_ = false;
    bool heartbeat_due_ = false;
    Counters counters_;
};

}  // namespace confab::sctp
