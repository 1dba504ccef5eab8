// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One subscription: turns the packets of a source into one continuous stream for one subscriber (02
// §4). Knows neither sockets nor peers. Two steps per packet: forward() decides and notes what is
// to be sent; build_header() (forwarded_packet.h) makes the bytes when the peer is flushed.
//
// Besides packets it reacts to settings, mutes, bandwidth, RTCP and time; its own packets (silence,
// blank frames) come from poll_transmit(), wishes for key frames from poll_key_frame_request().
// The way of a packet is in its Forwarder; here is what flows and what the rest comes to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/prefetch.h"
#include "base/rng.h"
#include "base/state/state.h"
#include "base/time.h"
#include "sfu/congestion/video_demand.h"
#include "sfu/forward/down_track_types.h"
#include "sfu/forward/forwarder.h"
#include "sfu/forward/own_packets.h"
#include "sfu/forward/source_state.h"
#include "sfu/packet/media_packet.h"
#include "sfu/shard/commands.h"
#include "wire/rtcp/rtcp.h"

namespace confab::sfu {

class DownTrack;

}  // namespace confab::sfu

namespace confab {

// Moving (02 FWD-18): loaded into one just made for the same subscription, on the same source as it
// was known when it was saved. Settings are those that were saved.
template <>
struct StateAccess<sfu::DownTrack> {
    static void save(const sfu::DownTrack& track, StateWriter& out);
    static void load(sfu::DownTrack& track, StateReader& in);
    // The old owner may have sent up to `count` packets more than its state tells (02 TRAP-14).
    static void skip_ahead(sfu::DownTrack& track, std::int64_t count);
};

}  // namespace confab

namespace confab::sfu {

class DownTrack {
  public:
    static constexpr std::size_t kMaxPerPacket = Forwarder::kMaxPerPacket;
    static constexpr Duration kDefaultRtt = kDefaultDownTrackRtt;
    // An SVC picture shows its layers one behind the other.
    static constexpr Duration kPictureSpread = Duration::millis(50);
    static constexpr std::size_t kPaddingSize = OwnPackets::kPaddingSize;
    static constexpr std::size_t kProbePackets = 6;  // newest packets copied as probes
    static constexpr int kMuteFrames = 50;           // 1 s of 20 ms
    static constexpr int kCloseAudioFrames = 10;     // 0.2 s of 20 ms
    static constexpr int kCloseVideoFrames = 6;      // 0.2 s at 30 per second

    using Output = Forwarder::Output;

    // `source` must outlive the down-track or be exchanged by switch_source(). `kept`: packets of
    // the track that can be sent again.
    DownTrack(const AddDownTrack& config, const SourceState& source, Rng& rng,
              std::size_t kept = 0);

    // ------------------------------------------------------------ packets

    // How many entries of `out` are to be sent for this packet, in order.
    // `later`: ticks by which its time is moved, for frames that are shown one right behind the
    // other, as they come late (RecentFrames).
    std::size_t forward(const MediaPacket& packet, Timestamp now, Output out,
                        std::int64_t later = 0) {
        return forwarder_.forward(packet, now, out, later);
    }
    Forwarder::Together forward_frame(std::span<const ArrivedPacket> packets,
                                      const SharedFrame& shared, Timestamp now,
                                      ForwardedPacket& first) {
        return forwarder_.forward_frame(packets, shared, now, first);
    }
    // Fetches what forward() will read.
    void prefetch(PrefetchStep step) const {
        if (step == PrefetchStep::kFar)
            prefetch_for_write(this, sizeof *this);
        else
            forwarder_.prefetch_parts(step);
    }

    // ------------------------------------------------------------ control

    void update_settings(const DownTrackSettings& settings, Timestamp now);
    // Something of the source but its packets changed: mute, available layers, highest seen.
    void source_changed(Timestamp now);
    // Another receiver of the same track: same SSRC, next number, time by the clock (02 DYN-05).
    void switch_source(const SourceState& source, Timestamp now);
    // What the peer's link allows; none pauses. `deficient`: less than asked for (02 FWD-05, 12).
    void set_bandwidth(Layer cap, bool deficient, Timestamp now);
    // Packets can not be sent for a while: what is forwarded next gets the next number, as behind a
    // pause, and a picture goes on with a key frame (02 ICE-14).
    void interrupt(Timestamp now);
    // No more packets of the source; closed() once the blank frames are out (02 FWD-15).
    void close(Timestamp now, bool blank_frames);
    // It has sent something.
    bool started() const { return forwarder_.numbers().started(); }
    bool closed() const { return forwarder_.closing() && cold_->own.done(); }

    // ------------------------------------------------------------ time and outputs

    void handle_timeout(Timestamp now) { cold_->own.handle_timeout(forwarder_, now); }
    Timestamp next_deadline() const;
    std::optional<SyntheticPacket> poll_transmit() { return cold_->own.poll(); }
    std::optional<StreamState> poll_event() { return forwarder_.poll_event(); }
    // Packets can be sent from now on; starts early media where wanted (02 FWD-16).
    void set_writable(Timestamp now) { cold_->own.set_writable(forwarder_, now); }
    // The spatial layer whose stream shall be asked for a key frame now (02 FWD-13).
    std::optional<std::uint8_t> poll_key_frame_request(Timestamp now);
    // A codec came that the subscriber does not take (02 IN-09); tells it once.
    bool poll_codec_unsupported() { return forwarder_.poll_codec_unsupported(); }

    // ------------------------------------------------------------ probing (02 FWD-14)

    // A copy for the RTX stream of the packet sent `back` packets before the newest one, whatever
    // a NACK asked for before. nullopt without RTX, and for what cannot be sent again.
    std::optional<ResendPacket> probe_packet(std::size_t back);
    // Packets of padding behind the last one, with its time; for poll_transmit(). Between frames
    // only, unless `forced`; never before the first receiver report. Returns how many.
    std::size_t write_padding(std::size_t packets, bool forced);

    // ------------------------------------------------------------ RTCP

    // Numbers of a NACK; returns how many entries of `out` are to be sent again.
    std::size_t handle_nack(std::span<const std::uint16_t> sequences, Timestamp now,
                            std::span<ResendPacket> out) {
        return forwarder_.handle_nack(sequences, now, rtt(), out);
    }
    // A PLI or FIR, or after each NACK: the spatial layer to ask for, if a key frame helps.
    std::optional<std::uint8_t> handle_pli(Timestamp now,
                                           KeyFrameCause cause = KeyFrameCause::kAsked);
    // A report block about our SSRC, or that of repairs; the round trip time if it could be
    // measured.
    std::optional<Duration> handle_report(const wire::ReportBlock& block, Timestamp now);
    // Reads the round trip time there from now on; it outlives the down-track.
    void share_rtt(const Duration& rtt) { cold_->reports.share_rtt(rtt); }
    // The report to send now; none while nothing flows or the source sent none (02 FWD-10).
    std::optional<wire::SenderReport> sender_report(Timestamp now);

    // ------------------------------------------------------------ views

    const DownTrackInfo& info() const { return cold_->info; }
    const SendExtensions& extensions() const { return forwarder_.extensions(); }
    const DownTrackSettings& settings() const { return cold_->settings; }
    const SourceState& source() const { return forwarder_.source(); }
    DownTrackLayers layers() const;
    // Bit s: stream s of the source is forwarded, or would be from its next key frame on.
    std::uint8_t streams() const;
    // What the allocator of the peer is told.
    VideoDemand demand() const;
    Duration rtt() const { return cold_->reports.rtt(); }
    // Waits for a key frame of another layer; then next_deadline() says when to ask.
    bool needs_key_frame() const {
        return forwarder_.flowing() && forwarder_.selector().layers().needs_key_frame();
    }
    // Packet trailers are left out of what is sent, and of its copies (02 IN-42).
    bool strips_trailers() const { return forwarder_.strips_trailers(); }
    const DownTrackStats& stats() const { return forwarder_.stats(); }
    DownTrackWindow window(Timestamp now);
    // By the subscriber or the publisher, or it is about to end.
    bool muted() const;

  private:
    friend struct confab::StateAccess<DownTrack>;

    // Decides what flows, and which layer.
    void refresh(Timestamp now);
    bool probing_allowed() const;

    Forwarder forwarder_;
    std::unique_ptr<DownTrackCold> cold_;
};

}  // namespace confab::sfu
