// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One subscription: turns the packets of a source into one continuous stream for one subscriber (02
// §4). Knows neither sockets nor peers. Two steps per packet: forward() decides and notes what is
// to be sent; build_header() (forwarded_packet.h) makes the bytes when the peer is flushed.
//
// Besides packets it reacts to settings, mutes, bandwidth, RTCP and time; its own packets (silence,
// blank frames) come from poll_transmit(), wishes for key frames from poll_key_frame_request().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/rng.h"
#include "base/time.h"
#include "sfu/forward/down_track_types.h"
#include "sfu/forward/forwarded_packet.h"
#include "sfu/forward/red_down_converter.h"
#include "sfu/forward/source_state.h"
#include "sfu/layers/dependency_selector.h"
#include "sfu/layers/layer_allocation.h"
#include "sfu/packet/media_packet.h"
#include "sfu/rewrite/munger.h"
#include "sfu/rewrite/sequencer.h"
#include "sfu/rewrite/vp8_munger.h"
#include "sfu/shard/commands.h"
#include "wire/rtcp/rtcp.h"

namespace confab::sfu {

class DownTrack {
  public:
    static constexpr std::size_t kMaxPerPacket = RedSlices::kMax;
    static constexpr Duration kDefaultRtt = kDefaultDownTrackRtt;
    static constexpr Duration kKeyFrameIntervalMin = Duration::millis(200);
    static constexpr Duration kKeyFrameIntervalMax = Duration::seconds(1);
    // An SVC picture shows its layers one behind the other.
    static constexpr Duration kPictureSpread = Duration::millis(50);
    static constexpr std::size_t kPaddingSize = 255;  // of a padding packet (02 FWD-14)
    static constexpr std::size_t kProbePackets = 6;   // newest packets copied as probes
    static constexpr int kMuteFrames = 50;            // 1 s of 20 ms
    static constexpr int kCloseAudioFrames = 10;      // 0.2 s of 20 ms
    static constexpr int kCloseVideoFrames = 6;       // 0.2 s at 30 per second

    using Output = std::span<ForwardedPacket, kMaxPerPacket>;

    // `source` must outlive the down-track or be exchanged by switch_source(). `kept`: packets of
    // the track that can be sent again.
    DownTrack(const AddDownTrack& config, const SourceState& source, Rng& rng,
              std::size_t kept = 0);

    // ------------------------------------------------------------ packets

    // How many entries of `out` are to be sent for this packet, in order.
    std::size_t forward(const MediaPacket& packet, Timestamp now, Output out);

    // Fetches what forward() will read; prefetch_parts() some time behind prefetch().
    void prefetch() const;
    void prefetch_parts() const;

    // ------------------------------------------------------------ control

    void update_settings(const DownTrackSettings& settings, Timestamp now);
    // Something of the source but its packets changed: mute, available layers, highest seen.
    void source_changed(Timestamp now);
    // Another receiver of the same track: same SSRC, next number, time by the clock (02 DYN-05).
    void switch_source(const SourceState& source, Timestamp now);
    // What the peer's link allows; none pauses. `deficient`: less than asked for (02 FWD-05, 12).
    void set_bandwidth(Layer cap, bool deficient, Timestamp now);
    // No more packets of the source; closed() once the blank frames are out (02 FWD-15).
    void close(Timestamp now, bool blank_frames);
    // It has sent something.
    bool started() const { return munger_.started(); }
    bool closed() const { return closing_ && cold_->blank.done() && cold_->outgoing.empty(); }

    // ------------------------------------------------------------ time and outputs

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    std::optional<SyntheticPacket> poll_transmit() { return cold_->outgoing.pop(); }
    std::optional<StreamState> poll_event() { return cold_->events.pop(); }
    // Packets can be sent from now on; starts early media where wanted (02 FWD-16).
    void set_writable(Timestamp now);
    // The spatial layer whose stream shall be asked for a key frame now (02 FWD-13).
    std::optional<std::uint8_t> poll_key_frame_request(Timestamp now);

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
                            std::span<ResendPacket> out);
    // A PLI or FIR: the spatial layer to ask for.
    std::optional<std::uint8_t> handle_pli(Timestamp now);
    // A report block about our SSRC; the round trip time if it could be measured.
    std::optional<Duration> handle_report(const wire::ReportBlock& block, Timestamp now);
    // Reads the round trip time there from now on; it outlives the down-track.
    void share_rtt(const Duration& rtt) { cold_->reports.share_rtt(rtt); }
    // The report to send now; none while nothing flows or the source sent none (02 FWD-10).
    std::optional<wire::SenderReport> sender_report(Timestamp now);
    wire::SdesChunk sdes_chunk() const { return {ssrc_, cold_->cname, cold_->mid}; }

    // ------------------------------------------------------------ views

    DownTrackId id() const { return cold_->id; }
    MediaKind kind() const { return cold_->kind; }
    MediaSource media_source() const { return cold_->source; }
    std::uint32_t ssrc() const { return ssrc_; }
    std::uint32_t rtx_ssrc() const { return cold_->rtx.ssrc(); }
    const SendExtensions& extensions() const { return extensions_; }
    const DownTrackSettings& settings() const { return cold_->settings; }
    // The highest layer the settings ask for, as the source is now (02 SUB-03).
    Layer wish() const;
    const SourceState& source() const { return *source_; }
    Layer current_layer() const { return layers_.current; }
    Layer target_layer() const { return layers_.target; }
    PauseReason pause_reason() const { return cold_->pause; }
    double distance_to_desired() const { return cold_->distance; }
    bool screen_share() const { return cold_->screen_share; }
    // A codec came that the subscriber does not take (02 IN-09); poll…() tells it once.
    bool codec_unsupported() const { return codec_unsupported_; }
    bool poll_codec_unsupported() {
        return codec_unsupported_ && !std::exchange(unsupported_told_, true);
    }
    Duration rtt() const { return cold_->reports.rtt(); }
    // Waits for a key frame of another layer; then next_deadline() says when to ask.
    bool needs_key_frame() const {
        return flowing_ && request_ >= 0 &&  // never for audio
               (layers_.current.spatial < request_ ||
                layers_.current.spatial > layers_.target.spatial);
    }
    const DownTrackStats& stats() const { return stats_; }
    DownTrackWindow window();

  private:
    bool muted() const { return !cold_->settings.enabled || source_->muted || closing_; }
    void refresh(Timestamp now);
    void reallocate(Timestamp now);
    void stop_forwarding();
    void announce(StreamState state) { (void)cold_->events.push(state); }

    bool take_codec(Codec codec);
    const SendCodec* find_codec(Codec codec) const;

    std::size_t forward_audio(const MediaPacket& packet, Timestamp now, Output out);
    std::size_t forward_video(const MediaPacket& packet, Timestamp now, Output out);
    std::size_t forward_padding(const MediaPacket& packet, Timestamp now, Output out);
    Selection select(const MediaPacket& packet, DependencySelector::Rewrite& rewrite);
    bool probing_allowed() const;
    void push_padding(bool frame_ended);
    void send_early(Timestamp now);
    void write_playout_delay(ForwardedPacket& out);
    void update_playout_delay(const wire::ReportBlock& block, Timestamp now);
    bool vp8_passes(const MediaPacket& packet, ForwardedPacket& out);
    // Numbers, stamps and notes a packet; false if its number may not be sent.
    bool emit(const MediaPacket& packet, Munger::Output position, bool marker, Timestamp now,
              ForwardedPacket& out);

    bool place(const MediaPacket& packet, Timestamp now);
    std::int64_t next_own_time(Timestamp now) const;

    void start_blank(int frames, Timestamp now);
    void send_blank(Timestamp now);
    void push_blank(std::int64_t timestamp);
    bool prepare_blank();
    bool resend_allowed(std::int8_t spatial) const;

    // ---- read or written with every packet
    const SourceState* source_;
    std::uint32_t ssrc_ = 0;
    std::uint8_t payload_type_ = 0;
    Codec codec_ = Codec::kNone;  // of the source, as last taken
    bool flowing_ = false;        // not muted, closed or paused
    bool synced_ = false;         // the munger follows the present source
    bool resuming_ = true;        // the next packet sent is announced
    bool down_convert_ = false;   // RED to opus
    bool deficient_ = false;
    bool pli_pending_ = false;  // the subscriber waits for a key frame
    bool closing_ = false;
    bool codec_unsupported_ = false;
    bool unsupported_told_ = false;
    bool playout_delay_due_ = false;     // not acknowledged yet
    std::int8_t request_ = -1;           // spatial layer to be reached
    std::uint8_t stream_ = 0;            // of the source, being forwarded
    std::uint8_t reference_stream_ = 0;  // of the clock, at hand for each packet
    SendExtensions extensions_;
    LayerState layers_;
    Munger munger_;
    DownTrackStats stats_;
    // ---- by codec
    std::unique_ptr<Vp8Munger> vp8_;
    std::unique_ptr<DependencySelector> dependency_;
    std::unique_ptr<Sequencer> sequencer_;
    std::unique_ptr<DownTrackCold> cold_;
};

}  // namespace confab::sfu
