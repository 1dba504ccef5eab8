// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One peer connection on its shard: its transport with what it publishes (uplink) and what it is
// sent (downlink), the paths that lead to it and its data channels (02 DES-10).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/state/state.h"
#include "base/timer_wheel.h"
#include "rtc/peer/transport.h"
#include "sfu/congestion/bandwidth_port.h"
#include "sfu/peer/downlink.h"
#include "sfu/peer/uplink.h"
#include "sfu/quality/loss_history.h"

namespace confab::sfu {

class ShardPeer : public Timed {
  public:
    static constexpr Duration kTick = Duration::millis(100);

    ShardPeer(PeerId id, const peer::SharedCrypto& crypto, peer::TransportConfig config,
              std::unique_ptr<BandwidthPort> bandwidth, Rng& rng);

    PeerId id() const { return id_; }
    peer::Transport& transport() { return transport_; }
    const peer::Transport& transport() const { return transport_; }
    Uplink& uplink() { return uplink_; }
    const Uplink& uplink() const { return uplink_; }
    Downlink& downlink() { return downlink_; }
    const Downlink& downlink() const { return downlink_; }
    // Of the selected path.
    ConnectionType connection_type() const;
    TimerNode& timer() { return timer_; }
    void on_timer(DueTimers& timers, Timestamp now) override { timers.peer_due(now, *this); }
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
    // Whether one of that kind was closed and none opened since; told once.
    bool take_lost_channel(DataChannel kind) { return std::erase(lost_channels_, kind) > 0; }

    // ------------------------------------------------------------ what the shard notes
    // Paths that lead here: validated ones, and those we sent a check to.
    static constexpr std::size_t kMaxPaths = 64;
    std::vector<ice::Path> paths;
    // Names of this generation of ICE and the ones before it, whose checks may be under way;
    // older ones lead nowhere any more.
    static constexpr std::size_t kMaxUfrags = 4;
    std::vector<std::string> ufrags;
    bool is_dirty = false;          // noted for the next flush
    bool transport_waiting = true;  // its transport may have something to say at the next flush
    bool reschedule_needed = true;
    ConnectionType told_type = ConnectionType::kUdp;  // to control
    Bucket data_packets;                              // what it may send (DataRates)
    Bucket data_bytes;
    DataCount data_count;          // of now, for the next QualityBatch
    bool data_told = false;        // the last one had some
    bool data_paused = false;      // it has sent too much
    bool data_waiting = false;     // has messages for which the shard has no room yet
    bool data_in_line = false;     // and its turn comes; else something has to change first:
    bool data_held = false;        // those it sends to; what may be lost does not wait for that
    bool feedback_wanted = false;  // RTP came since the last write_feedback()

    // ------------------------------------------------------------ what a subscriber reports
    LossHistory losses;
    std::optional<Duration> reported_rtt;  // the last

    // ------------------------------------------------------------ sending
    // Fetches what a packet of this kind is queued with.
    void prefetch_queue(PrefetchStep step, MediaKind kind) const {
        downlink_.prefetch_queue(step, kind);
        if (step != PrefetchStep::kFar) return;
        transport_.prefetch_state();
        prefetch_for_write(&is_dirty);
    }
    // Fetches what a flush will read.
    void prefetch(PrefetchStep step) const {
        downlink_.prefetch(step);
        transport_.prefetch(step);
        if (step != PrefetchStep::kFar) return;
        prefetch_for_write(&counters_.rtp_out);
        prefetch_for_write(&feedback_wanted);
        prefetch_for_write(&next_media_deadline_);
    }
    // The subscriber's RRTR, to be answered with the next feedback.
    void answer_rrtr(std::uint32_t ssrc, NtpTime reference) {
        downlink_.answer_rrtr(ssrc, reference);
        feedback_wanted = true;
    }
    // All feedback that is due, as one or more compounds. False when the batch is full before all
    // was said: it goes on with the next one.
    bool write_feedback(Timestamp now, NtpTime ntp, SendBatch& batch);
    bool write_sender_reports(Timestamp now, SendBatch& batch);
    Timestamp next_media_deadline() const { return next_media_deadline_; }
    // Called when something but a packet happened; down-tracks have timers of their own.
    void update_media_deadline(Timestamp now);

    // ------------------------------------------------------------ moving
    // Its names and channels (base/state/state.h).
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    struct Quality : Timed {
        explicit Quality(ShardPeer& of) : peer(&of) {}
        void on_timer(DueTimers& timers, Timestamp now) override { timers.quality_due(now, *peer); }
        ShardPeer* peer;
        TimerNode timer{static_cast<Timed*>(this)};
    };

    PeerId id_;
    peer::Transport transport_;
    TimerNode timer_;
    Quality quality_{*this};
    PeerCounters counters_;
    Uplink uplink_;
    Downlink downlink_;
    static DataChannel kind_of_label(const std::string& label);
    struct Channel {
        std::uint16_t id = 0;
        DataChannel kind = DataChannel::kOther;
        std::string label;
    };
    std::vector<Channel> channels_;
    std::vector<DataChannel> lost_channels_;  // once each
    Timestamp next_media_deadline_ = Timestamp::never();
};

}  // namespace confab::sfu
