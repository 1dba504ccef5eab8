// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The subscribing side of one connection: its down-tracks, the sharing of its link, the packets
// that wait to leave, and what is remembered of those that left (02 DES-10, DES-22, BWE-01). They
// leave in this order: sound and repairs; pictures, when the pacer lets them; probes (02 §10.8).
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/prefetch.h"
#include "base/state/state.h"
#include "rtc/srtp/batch.h"
#include "sfu/congestion/bandwidth_port.h"
#include "sfu/congestion/send_history.h"
#include "sfu/peer/outbound_track.h"
#include "sfu/peer/peer_counters.h"
#include "sfu/peer/rtcp_compounds.h"
#include "sfu/peer/send/pacer.h"
#include "sfu/peer/send/run_levels.h"
#include "sfu/peer/send/send_queue.h"
#include "wire/rtcp/transport_cc.h"

namespace confab::sfu {

class Downlink {
  public:
    // More in one turn are dropped: such a peer would be sent more than a second of any video.
    static constexpr std::size_t kMaxPending = 8192;
    // At once, beside live media: what half a second of the link takes, and no more than this.
    static constexpr std::size_t kMaxAtOnce = 200'000;
    static constexpr Duration kSenderReportInterval = Duration::seconds(3);  // FWD-10

    // Transport and counters are those of the connection and outlive this.
    Downlink(peer::Transport& transport, PeerCounters& counters,
             std::unique_ptr<BandwidthPort> bandwidth);
    ~Downlink();

    // ------------------------------------------------------------ down-tracks
    // `kept`: packets, or frames, of the track that can be sent again.
    OutboundTrack& add(std::unique_ptr<OutboundTrack> track);
    void remove(const DownTrack& down_track);
    // No more bandwidth for it, as it only ends (FWD-15).
    void stop_demanding(const DownTrack& down_track);
    const std::vector<std::unique_ptr<OutboundTrack>>& tracks() const { return tracks_; }
    OutboundTrack* find_by_ssrc(std::uint32_t ssrc);

    // ------------------------------------------------------------ the link
    BandwidthPort& bandwidth() {
        tell_sent();
        return *bandwidth_;
    }
    const BandwidthPort& bandwidth() const { return *bandwidth_; }
    // Shares the link among the video down-tracks anew; true if a share changed.
    bool allocate(Timestamp now);
    // One that was just added and loaded has the share that its state tells.
    void resume_share(const DownTrack& down_track);
    // A report block measured it; all down-tracks read it.
    void update_rtt(Duration rtt, Timestamp now);
    // Tells the port what became of the packets that are still remembered (IN-51).
    void handle_transport_feedback(Timestamp now, const wire::TransportFeedback& feedback);
    // What is queued until the next call belongs to this probe; 0: to none.
    void set_probe(std::uint8_t cluster) { probe_ = cluster; }

    // ------------------------------------------------------------ sending
    // The client takes padding on packets of media: lengths may be levelled (02 DES-12), those of
    // sound where it is held.
    void level_lengths(bool on, bool sound = false) {
        levels_ = on;
        sound_levels_ = on && sound;
    }
    // Fetches what flush() will read.
    void prefetch(PrefetchStep step) const;
    // What enqueue() will: the queues, and near the place in one of them.
    void prefetch_queue(PrefetchStep step, MediaKind kind) const {
        if (step == PrefetchStep::kFar) prefetch_for_write(&queues_, sizeof queues_);
        if (step == PrefetchStep::kNear) queue(queue_of(kind)).prefetch_end();
    }
    // A packet or a frame of such a track. False: it is dropped.
    bool enqueue(PendingPacket&& packet, MediaKind kind);
    // The same, asked before a copy gets its number, which nothing else may have.
    bool takes_copy(MediaKind kind) { return admits(place_of(kind, true), 1); }
    struct SendTime {
        Timestamp now;
        NtpTime ntp;
    };
    // Turns waiting packets into datagrams while the batch has room; true when it has none for
    // more. What the pacer holds back is due at next_deadline().
    bool flush(SendTime at, srtp::BatchEncryptor& encryptor, SendBatch& batch);
    // The pacer holds back packets, of this down-track if one is named.
    bool waits(const DownTrack* down_track = nullptr) const;
    // From now on nothing waits for the pacer: the connection is about to move.
    void hurry(bool on = true) { hurries_ = on; }
    // Whether so much more may be sent at once, beside what waits.
    bool takes_at_once(std::size_t packets, std::size_t bytes) const;
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

    // But for the down-tracks and what waits (base/state/state.h).
    void save(StateWriter& out) const;
    void load(StateReader& in);
    // The old owner may have sent up to `each` packets more of each stream than its state tells
    // (02 TRAP-14): numbers of theirs are not given again.
    void skip_ahead(std::int64_t each);

  private:
    static constexpr std::size_t kWhole = 16;  // packets that leave in the same batch
    enum class Queue : std::uint8_t { kFirst, kPictures, kProbes };
    static constexpr std::size_t kQueues = 3;
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    static Queue queue_of(MediaKind kind) {
        return kind == MediaKind::kVideo ? Queue::kPictures : Queue::kFirst;
    }
    // What has numbers of one line stays in one queue: padding and blank frames with the pictures.
    Queue place_of(MediaKind kind, bool copy) const {
        if (!copy) return queue_of(kind);
        return probe_ == 0 ? Queue::kFirst : Queue::kProbes;
    }
    // Counts what it does not admit.
    bool admits(Queue which, std::size_t packets);
    SendQueue& queue(Queue which) { return queues_[static_cast<std::size_t>(which)]; }
    const SendQueue& queue(Queue which) const { return queues_[static_cast<std::size_t>(which)]; }
    class Flush;  // packets on their way into a batch (downlink_flush.cc)
    // The port hears of packets that left before it is asked or told anything that they bear on.
    void tell_sent() {
        if (history_) history_->tell(*bandwidth_);
    }

    peer::Transport& transport_;
    PeerCounters& counters_;
    std::array<SendQueue, kQueues> queues_;
    Pacer pacer_;
    bool levels_ = false;
    bool sound_levels_ = false;
    bool hurries_ = false;
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
    bool moved_here_ = false;  // what the down-tracks know of their shares is another owner's
    std::vector<DownTrack*> demanding_;
    std::vector<std::unique_ptr<OutboundTrack>> tracks_;
    std::unordered_map<std::uint32_t, OutboundTrack*> by_ssrc_;
};

}  // namespace confab::sfu
