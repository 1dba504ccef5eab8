// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The subscribing side of one connection: its down-tracks, the sharing of its link, the packets
// that wait to leave in this turn, and what is remembered of those that left (02 DES-10, DES-22,
// BWE-01).
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/prefetch.h"
#include "rtc/srtp/batch.h"
#include "sfu/congestion/bandwidth_port.h"
#include "sfu/congestion/send_history.h"
#include "sfu/peer/outbound_track.h"
#include "sfu/peer/peer_counters.h"
#include "sfu/peer/rtcp_compounds.h"
#include "wire/rtcp/transport_cc.h"

namespace confab::sfu {

class Downlink {
  public:
    // More in one turn are dropped: such a peer would be sent more than a second of any video.
    static constexpr std::size_t kMaxPending = 8192;
    static constexpr Duration kSenderReportInterval = Duration::seconds(3);  // FWD-10

    // Transport and counters are those of the connection and outlive this.
    Downlink(peer::Transport& transport, PeerCounters& counters,
             std::unique_ptr<BandwidthPort> bandwidth);
    ~Downlink();

    // ------------------------------------------------------------ down-tracks
    // `kept`: packets of the track that can be sent again.
    OutboundTrack& add(std::unique_ptr<OutboundTrack> track);
    void remove(const DownTrack& down_track);
    // No more bandwidth for it, as it only ends (FWD-15).
    void stop_demanding(const DownTrack& down_track);
    const std::vector<std::unique_ptr<OutboundTrack>>& tracks() const { return tracks_; }
    OutboundTrack* find_by_ssrc(std::uint32_t ssrc);

    // ------------------------------------------------------------ the link
    BandwidthPort& bandwidth() { return *bandwidth_; }
    const BandwidthPort& bandwidth() const { return *bandwidth_; }
    // Shares the link among the video down-tracks anew; true if a share changed.
    bool allocate(Timestamp now);
    // A report block measured it; all down-tracks read it.
    void update_rtt(Duration rtt, Timestamp now);
    // Tells the port what became of the packets that are still remembered (IN-51).
    void handle_transport_feedback(Timestamp now, const wire::TransportFeedback& feedback);
    // What is queued until the next call belongs to this probe; 0: to none.
    void set_probe(std::uint8_t cluster) { probe_ = cluster; }

    // ------------------------------------------------------------ sending
    // Fetch what flush() will read, one behind the other, and the end of the queue for enqueue().
    void prefetch() const {
        prefetch_for_write(&pending_);
        prefetch_for_write(&next_report_);
    }
    void prefetch_pending() const {
        prefetch_for_write(pending_.data(), 4 * sizeof(PendingPacket));
    }
    void prefetch_queue_end() const { prefetch_for_write(pending_.data() + pending_.size()); }
    // True if nothing waited before: the caller notes the peer as one to flush.
    bool enqueue(PendingPacket&& packet);
    struct SendTime {
        Timestamp now;
        NtpTime ntp;
    };
    // Turns waiting packets into datagrams while the batch has room; true when more are left.
    bool flush(SendTime at, srtp::BatchEncryptor& encryptor, SendBatch& batch);
    // Lets go of what was flushed; not before the encryptor is complete, which reads it until then.
    void release_flushed();

    // ------------------------------------------------------------ reports
    // The subscriber's RRTR, to be answered with the next feedback.
    void answer_rrtr(std::uint32_t ssrc, NtpTime reference) {
        rrtr_ = wire::DlrrEntry{ssrc, reference.compact(), 0};
    }
    void write_answers(RtcpCompounds& out);
    // Sender reports and SDES of all down-tracks are due each 3 s. False when the batch is full
    // before all was said: it goes on with the next one.
    bool reports_due(Timestamp now) const { return now >= next_report_; }
    bool write_sender_reports(Timestamp now, SendBatch& batch);
    // The first reports are due in an interval once there are down-tracks.
    void start_reports(Timestamp now);
    Timestamp next_deadline() const;

  private:
    bool build(const PendingPacket& pending, SendTime at, srtp::BatchEncryptor& encryptor,
               SendBatch& batch);
    void note_sent(const PendingPacket& pending, Timestamp now, std::size_t size);

    peer::Transport& transport_;
    PeerCounters& counters_;
    std::vector<PendingPacket> pending_;
    std::size_t pending_sent_ = 0;
    std::uint16_t transport_sequence_ = 0;
    std::uint8_t probe_ = 0;
    Timestamp next_report_ = Timestamp::never();
    std::size_t reports_done_ = 0;  // down-tracks, in a round that did not fit the batch
    std::unique_ptr<BandwidthPort> bandwidth_;
    std::unique_ptr<SendHistory> history_;  // where packets have transport-wide numbers
    Duration rtt_ = kDefaultDownTrackRtt;
    std::optional<wire::DlrrEntry> rrtr_;
    std::vector<VideoDemand> demands_;
    std::vector<VideoShare> shares_;
    std::vector<DownTrack*> demanding_;
    std::vector<std::unique_ptr<OutboundTrack>> tracks_;
    std::unordered_map<std::uint32_t, OutboundTrack*> by_ssrc_;
};

}  // namespace confab::sfu
