// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The sending side of an association: messages wait in the SendQueue, go out as far as the windows
// of congestion and of the peer allow, and are kept in Outstanding until a SACK or T3-rtx decides
// (RFC 9260 §6.1, §6.3, §7.2; FORWARD-TSN by RFC 3758 §3.5). The association says when data may be
// sent at all and owns the Path, whose timeout T3-rtx takes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/state/state.h"
#include "rtc/sctp/send/congestion.h"
#include "rtc/sctp/send/forward_tsn.h"
#include "rtc/sctp/send/outstanding.h"
#include "rtc/sctp/send/path.h"
#include "rtc/sctp/send/progress_watch.h"
#include "rtc/sctp/send/send_queue.h"
#include "rtc/sctp/types.h"

namespace confab::sctp {

class DataSender {
  public:
    DataSender(const Config& config, std::uint32_t initial_tsn);

    // From INIT or INIT-ACK. A peer without FORWARD-TSN gets every message, expired or not.
    void set_peer(std::size_t a_rwnd, bool forward_tsn);
    // From now on data can be acknowledged (02 DC-25).
    void established(Timestamp now) { progress_.restart(now); }

    // ------------------------------------------------------------ messages and streams
    SendStatus send(Timestamp now, std::uint16_t stream, std::uint32_t ppid, SharedBytes payload,
                    const SendOptions& options);
    // No new messages on the stream, with `discard` none of those not begun; false when that was
    // so before.
    bool close_stream(std::uint16_t stream, bool discard);
    void reset_done(std::uint16_t stream, bool performed) { queue_.reset_done(stream, performed); }
    void set_low_threshold(std::uint16_t stream, std::size_t bytes) {
        queue_.set_low_threshold(stream, bytes);
    }
    std::vector<std::uint16_t> take_low() { return queue_.take_low(); }
    const SendQueue& queue() const { return queue_; }
    std::size_t buffered(std::uint16_t stream) const {
        const std::size_t unreleased = queue_.buffered(stream);
        return unreleased - std::min(unreleased, outstanding_.gap_acked(stream));
    }

    // ------------------------------------------------------------ what the peer says
    void handle_sack(const wire::sctp::SackView& sack, Timestamp now, Path& path);
    // The cumulative TSN of a SHUTDOWN: a SACK without gaps that leaves the window as it was.
    void handle_shutdown(std::uint32_t cumulative_tsn, Timestamp now);

    // ------------------------------------------------------------ timers
    // T3-rtx: all that is in flight is lost. False when the path has failed.
    bool handle_timeout(Timestamp now, Path& path);
    Timestamp deadline() const { return t3_; }
    // The path may work again: what T3-rtx would send goes out now, and T3-rtx waits as long as it
    // had to from here. Without effect unless timeouts went unanswered.
    void retry(Timestamp now, const Path& path);
    // True once per stall; both only while data may be sent.
    bool take_stall(Timestamp now);
    Timestamp stall_deadline() const;

    // ------------------------------------------------------------ output
    // Something may have been given up: FORWARD-TSN may be due.
    void update_skip() { forward_tsn_.update(outstanding_); }
    bool skip_due() const { return forward_tsn_.due(); }
    void write_forward_tsn(Timestamp now, Duration rto, wire::sctp::PacketWriter& packet);
    // Lost chunks first, then new ones.
    void write_data(Timestamp now, Duration rto, wire::sctp::PacketWriter& packet);
    // There is data and a window to send it in.
    bool data_ready() const;
    // Nothing waits and nothing is in flight.
    bool all_acknowledged() const { return queue_.empty() && outstanding_.empty(); }
    std::uint32_t last_assigned_tsn() const { return outstanding_.last_assigned(); }
    void clear();

    struct Snapshot {
        std::size_t cwnd = 0;
        std::size_t flight = 0;
        std::size_t peer_rwnd = 0;
        std::size_t queued_bytes = 0;  // unacknowledged ones and overhead included
        std::uint64_t retransmissions = 0;
        std::uint64_t abandoned = 0;
        std::uint64_t bytes_acked = 0;
        std::uint64_t fast_losses = 0;
        std::uint64_t timeouts = 0;
    };
    Snapshot snapshot() const;

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    bool write_lost(Timestamp now, Duration rto, wire::sctp::PacketWriter& packet);
    void write_new(Timestamp now, Duration rto, wire::sctp::PacketWriter& packet);
    void arm_t3(Timestamp now, Duration rto);

    std::size_t max_payload_;    // of one chunk
    Duration backoff_max_;       // Config::backoff_max
    std::size_t fast_rtx_wnd_;   // Config::fast_rtx_wnd
    bool keep_expired_ = true;   // the peer knows no FORWARD-TSN
    std::size_t peer_rwnd_ = 0;  // as last advertised
    SendQueue queue_;
    Outstanding outstanding_;
    CongestionWindow congestion_;
    ForwardTsn forward_tsn_;
    ProgressWatch progress_;
    Timestamp t3_ = Timestamp::never();  // DATA, FORWARD-TSN
    bool fast_packet_ = false;           // one packet of lost chunks whatever cwnd says
    bool sack_since_t3_ = false;         // answered window probes are no errors
    std::uint64_t bytes_acked_ = 0;
    std::uint64_t fast_losses_ = 0;
    std::uint64_t timeouts_ = 0;
};

}  // namespace confab::sctp
