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
// Its parts keep their own state; the association gives each the chunks and timers that are its
// own, tells them what the others found, and bundles their chunks into packets.
// Drain poll_transmit() and poll_event() after every input, then read next_deadline().
#pragma once

#include <cstdint>
#include <optional>

#include "base/rng.h"
#include "base/state/state.h"
#include "base/time.h"
#include "rtc/sctp/association/handshake.h"
#include "rtc/sctp/association/packet_queue.h"
#include "rtc/sctp/association/replies.h"
#include "rtc/sctp/association/shutdown.h"
#include "rtc/sctp/event_queue.h"
#include "rtc/sctp/receive/data_receiver.h"
#include "rtc/sctp/send/data_sender.h"
#include "rtc/sctp/send/path.h"
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
    // The path to the peer may work again, or is another one. What unanswered timeouts hold back,
    // up to Config::backoff_max, is sent at once. RFC 9260 knows no such news of its path; timeouts
    // are counted and back off as before, so that it costs a packet each time it is said.
    void path_restored(Timestamp now);
    // Sends all that is queued, then closes (event Closed).
    void shutdown(Timestamp now);
    // Sends ABORT and closes at once; event Aborted{kLocalAbort}.
    void abort(Timestamp now);

    void set_peer_max_message_size(std::size_t bytes) { config_.peer_max_message_size = bytes; }
    // From now on BufferedAmountLow is given; until the stream is reset.
    void set_buffered_amount_low_threshold(std::uint16_t stream, std::size_t bytes) {
        sender_.set_low_threshold(stream, bytes);
    }
    // Bytes of the stream that are waiting or unacknowledged; what the peer has behind a loss is
    // not.
    std::size_t buffered_amount(std::uint16_t stream) const { return sender_.buffered(stream); }

    // Of what was acknowledged on this path; zero before something was.
    friend Duration least_round_trip(const Association& association) {
        return association.path_.least_round_trip();
    }

    // So many bytes of the messages that the owner took wait with it: they close the window like
    // those that it has not taken (02 §6.3).
    friend void set_kept(Association& association, std::size_t bytes) {
        association.events_.set_kept(bytes);
        if (association.receiving()) association.receiver_.message_taken(association.events_);
    }

    State state() const;
    const wire::sctp::Extensions& peer_extensions() const { return handshake_.peer().extensions; }

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

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    bool sending() const;
    bool receiving() const;
    void after_input();
    void write_control(wire::sctp::PacketWriter& packet);
    void fail_with(const Aborted& failure);
    void fail_path();
    void close(Event event);

    // association_chunks.cc
    void handle_chunk(const wire::sctp::ChunkView& chunk, bool& proceed);
    void handle_init(const wire::sctp::ChunkView& chunk);
    void handle_cookie_echo(const wire::sctp::ChunkView& chunk);
    void follow(const Handshake::Step& step);
    void handle_data(const wire::sctp::ChunkView& chunk);
    void handle_forward_tsn(const wire::sctp::ChunkView& chunk);
    void handle_sack(const wire::sctp::ChunkView& chunk);
    void handle_heartbeat(const wire::sctp::ChunkView& chunk);
    void handle_re_config(const wire::sctp::ChunkView& chunk);
    void handle_reset_request(const wire::sctp::ResetRequestView& request);
    void handle_deferred_reset();
    void handle_shutdown(const wire::sctp::ChunkView& chunk);

    Config config_;
    Timestamp now_;
    bool closed_ = false;
    Path path_;
    PacketQueue packets_;
    Handshake handshake_;
    Shutdown shutdown_;
    DataSender sender_;
    DataReceiver receiver_;
    StreamResets resets_;
    Replies replies_;
    EventQueue events_;
    Counters counters_;  // those of the parts are added by snapshot()
};

Duration least_round_trip(const Association& association);
void set_kept(Association& association, std::size_t bytes);

}  // namespace confab::sctp
