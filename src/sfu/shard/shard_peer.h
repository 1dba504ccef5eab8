// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One peer connection on its shard: transport, what it publishes, its down-tracks, its feedback and
// the packets that wait to leave in this turn (02 DES-10, DES-22).
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/prefetch.h"
#include "base/timer_wheel.h"
#include "rtc/peer/transport.h"
#include "rtc/rtp/transport_cc_responder.h"
#include "rtc/srtp/batch.h"
#include "sfu/congestion/bandwidth.h"
#include "sfu/forward/down_track.h"
#include "sfu/inbound/inbound_table.h"
#include "sfu/inbound/track.h"
#include "sfu/packet/send_batch.h"

namespace confab::sfu {

// A decided packet on its way into a send slot. The views point into `source` or, for packets of
// our own, into the down-track.
struct PendingPacket {
    ForwardedPacket packet;
    PacketRef source;
    BytesView payload;
    BytesView dd_bytes;
    const SendExtensions* extensions = nullptr;
};

class Shard;
class ShardPeer;
// What a timer of the shard's wheel belongs to.
class Timed {
  public:
    virtual ~Timed() = default;
    virtual void on_timer(Shard& shard, Timestamp now) = 0;
};

// A down-track with its timer: only those that are due are looked at, however many a peer has.
struct OutboundTrack : Timed {
    OutboundTrack(const AddDownTrack& config, Track& of, ShardPeer& owner, Rng& rng,
                  std::size_t kept)
        : track(&of), peer(&owner), down_track(config, of.source(), rng, kept) {}
    void on_timer(Shard& shard, Timestamp now) override;
    Track* track;
    ShardPeer* peer;
    DownTrack down_track;
    TimerNode timer{static_cast<Timed*>(this)};
    bool closing = false;  // sends its blank frames, then goes
};

struct PeerCounters {
    // With every packet.
    std::uint64_t rtp_in = 0;
    std::uint64_t rtp_bytes_in = 0;
    std::uint64_t rtp_out = 0;
    std::uint64_t bytes_out = 0;
    // Of those, retransmissions and probes.
    std::uint64_t rtx_in = 0;
    std::uint64_t rtx_bytes_in = 0;
    std::uint64_t rtx_out = 0;
    std::uint64_t rtx_bytes_out = 0;
    std::uint64_t rtp_unknown_ssrc = 0;
    std::uint64_t rtp_malformed = 0;
    std::uint64_t rtcp_in = 0;
    std::uint64_t rtcp_malformed = 0;
    std::uint64_t nacks_out = 0;  // packets asked for
    std::uint64_t plis_out = 0;
    std::uint64_t dropped_unconnected = 0;
    std::uint64_t dropped_full = 0;
};

class ShardPeer : public Timed {
  public:
    // More in one turn are dropped: such a peer would be sent more than a second of any video.
    static constexpr std::size_t kMaxPending = 8192;
    static constexpr Duration kSenderReportInterval = Duration::seconds(3);    // FWD-10
    static constexpr Duration kReceiverReportInterval = Duration::seconds(1);  // IN-05
    static constexpr Duration kTick = Duration::millis(100);

    ShardPeer(PeerId id, const peer::SharedCrypto& crypto, peer::TransportConfig config,
              const BandwidthOptions& bandwidth, Rng& rng);

    PeerId id() const { return id_; }
    peer::Transport& transport() { return transport_; }
    const peer::Transport& transport() const { return transport_; }
    InboundTable& inbound() { return inbound_; }
    TimerNode& timer() { return timer_; }
    void on_timer(Shard& shard, Timestamp now) override;
    // Each window of quality (CQ-01) is reported by its own peer, so that no turn looks at all.
    TimerNode& quality_timer() { return quality_.timer; }
    PeerCounters& counters() { return counters_; }
    const PeerCounters& counters() const { return counters_; }

    // ------------------------------------------------------------ data channels
    void note_channel(std::uint16_t channel, const std::string& label);
    void forget_channel(std::uint16_t channel);
    DataChannel channel_kind(std::uint16_t channel) const;
    std::string channel_label(std::uint16_t channel) const;
    std::optional<std::uint16_t> find_channel(DataChannel kind) const;
    rtp::TransportCcResponder& transport_cc() { return transport_cc_; }
    BandwidthPort& bandwidth() { return bandwidth_; }
    // Shares the downlink among the video down-tracks anew; true if a share changed.
    bool allocate(Timestamp now);
    // The subscriber's RRTR, to be answered with the next feedback.
    void answer_rrtr(std::uint32_t ssrc, NtpTime reference) {
        rrtr_ = wire::DlrrEntry{ssrc, reference.compact(), 0};
        feedback_wanted = true;
    }
    // Paths that lead here: validated ones, and those we sent a check to.
    static constexpr std::size_t kMaxPaths = 64;
    std::vector<ice::Path> paths;
    // Names of this generation of ICE and the ones before it, whose checks may be under way;
    // older ones lead nowhere any more.
    static constexpr std::size_t kMaxUfrags = 4;
    std::vector<std::string> ufrags;
    bool is_dirty = false;  // noted for the next flush
    bool reschedule_needed = true;
    bool data_waiting = false;         // has messages for which the shard has no room yet
    std::uint8_t transport_cc_id = 0;  // header extension, the same in all sections of a bundle

    // ------------------------------------------------------------ down-tracks
    // `kept`: packets of the track that can be sent again.
    OutboundTrack& add_down_track(const AddDownTrack& config, Track& track, Rng& rng,
                                  std::size_t kept);
    void remove_down_track(const DownTrack& down_track);
    // No more bandwidth for it, as it only ends (FWD-15).
    void stop_demanding(const DownTrack& down_track);
    const std::vector<std::unique_ptr<OutboundTrack>>& down_tracks() const { return down_tracks_; }
    OutboundTrack* find_by_ssrc(std::uint32_t ssrc);
    // The round trip time that all down-tracks read.
    void set_rtt(Duration rtt) { rtt_ = rtt; }

    // ------------------------------------------------------------ sending
    // Fetch what flush() will read, one behind the other, and the end of the queue for enqueue().
    void prefetch() const {
        prefetch_for_write(&pending_);
        prefetch_for_write(&counters_.rtp_out);
        prefetch_for_write(&feedback_wanted);
        prefetch_for_write(&next_sender_report_);
        transport_.prefetch();
    }
    void prefetch_pending() const {
        prefetch_for_write(pending_.data(), 4 * sizeof(PendingPacket));
    }
    void prefetch_queue_end() const { prefetch_for_write(pending_.data() + pending_.size()); }
    // True if nothing waited before: the caller notes the peer as one to flush.
    bool enqueue(PendingPacket&& packet);
    // Turns waiting packets into datagrams while the batch has room; true when more are left.
    bool flush(NtpTime ntp, srtp::BatchEncryptor& encryptor, SendBatch& batch);
    // Lets go of what was flushed; not before the encryptor is complete, which reads it until then.
    void release_flushed();
    // One RTCP compound; dropped when the peer is not connected.
    void send_rtcp(BytesView compound, SendBatch& batch);

    // ------------------------------------------------------------ feedback
    // The first stream came: its first report is due in an interval. Not sooner, as browsers name
    // their streams only until they are reported on (IN-50).
    void start_reports(Timestamp now) {
        if (next_receiver_report_.is_never()) next_receiver_report_ = now + kReceiverReportInterval;
    }
    bool feedback_wanted = false;  // RTP came since the last write_feedback()
    // NACK, PLI, RR, XR and transport-cc that are due, as one or more compounds. False when the
    // batch is full before all was said: it goes on with the next one.
    bool write_feedback(Timestamp now, NtpTime ntp, SendBatch& batch);
    // Sender reports and SDES of all down-tracks, each 3 s.
    bool write_sender_reports(Timestamp now, SendBatch& batch);
    Timestamp next_media_deadline() const { return next_media_deadline_; }
    // Called when something but a packet happened; down-tracks have timers of their own.
    void update_media_deadline(Timestamp now);

  private:
    bool build(const PendingPacket& pending, NtpTime ntp, srtp::BatchEncryptor& encryptor,
               SendBatch& batch);
    class Compounds;
    bool write_loss_feedback(Timestamp now, Compounds& out);
    bool write_reports(Timestamp now, NtpTime ntp, Compounds& out);

    struct Quality : Timed {
        explicit Quality(ShardPeer& of) : peer(&of) {}
        void on_timer(Shard& shard, Timestamp now) override;
        ShardPeer* peer;
        TimerNode timer{static_cast<Timed*>(this)};
    };

    PeerId id_;
    peer::Transport transport_;
    TimerNode timer_;
    Quality quality_{*this};
    Duration rtt_ = kDefaultDownTrackRtt;
    InboundTable inbound_;
    rtp::TransportCcResponder transport_cc_;
    Bandwidth bandwidth_;
    std::optional<wire::DlrrEntry> rrtr_;
    std::vector<VideoDemand> demands_;
    std::vector<VideoShare> shares_;
    std::vector<DownTrack*> demanding_;
    std::vector<std::unique_ptr<OutboundTrack>> down_tracks_;
    std::unordered_map<std::uint32_t, OutboundTrack*> by_ssrc_;
    struct Channel {
        std::uint16_t id = 0;
        DataChannel kind = DataChannel::kOther;
        std::string label;
    };
    std::vector<Channel> channels_;
    std::vector<PendingPacket> pending_;
    std::size_t pending_sent_ = 0;
    std::uint16_t transport_sequence_ = 0;
    std::size_t streams_reported_ = 0;  // in a round of reports that did not fit the batch
    Timestamp next_receiver_report_ = Timestamp::never();
    Timestamp next_sender_report_ = Timestamp::never();
    std::size_t sender_reports_done_ = 0;  // down-tracks, in a round that did not fit the batch
    Timestamp next_media_deadline_ = Timestamp::never();
    PeerCounters counters_;
};

}  // namespace confab::sfu
