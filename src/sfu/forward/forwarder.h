// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The packet path of a subscription: which packets of the source go on, under which number, time
// and descriptor, and what is known of those sent, for repair and reports (02 §4). What flows, and
// which layer, is decided by the down-track that owns it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/ring.h"
#include "base/rng.h"
#include "base/state/state.h"
#include "base/time.h"
#include "sfu/forward/forwarded_packet.h"
#include "sfu/forward/playout_delay.h"
#include "sfu/forward/red_down_converter.h"
#include "sfu/forward/send_codecs.h"
#include "sfu/forward/source_state.h"
#include "sfu/forward/stream_clock.h"
#include "sfu/forward/subscriber_reports.h"
#include "sfu/layers/video_layer_selector.h"
#include "sfu/packet/arrived_packet.h"
#include "sfu/packet/media_packet.h"
#include "sfu/rewrite/munger.h"
#include "sfu/rewrite/retransmitter.h"
#include "sfu/rewrite/vp8_munger.h"
#include "sfu/shard/commands.h"
#include "wire/rtcp/rtcp.h"

namespace confab::sfu {

class Forwarder;

}  // namespace confab::sfu

namespace confab {

// 02 FWD-18. Loaded into one made for the same subscription, on the same source: packets go on with
// the next number and their time. What was sent can not be found any more.
template <>
struct StateAccess<sfu::Forwarder> {
    static void save(const sfu::Forwarder& forwarder, StateWriter& out);
    static void load(sfu::Forwarder& forwarder, StateReader& in);
    // See Munger::skip_ahead(); copies likewise.
    static void skip_ahead(sfu::Forwarder& forwarder, std::int64_t count);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
};

}  // namespace confab

namespace confab::sfu {

class Forwarder {
  public:
    static constexpr std::size_t kMaxPerPacket = RedSlices::kMax;

    using Output = std::span<ForwardedPacket, kMaxPerPacket>;

    // `kept`: packets, or frames, of the track that can be sent again; 0 for the usual.
    Forwarder(const AddDownTrack& config, const SourceState& source, Rng& rng, std::size_t kept);

    // How many entries of `out` are to be sent for this packet, in order. `later`: ticks by which
    // its time is moved.
    std::size_t forward(const MediaPacket& packet, Timestamp now, Output out,
                        std::int64_t later = 0);
    enum class Together : std::uint8_t {
        kNone,  // as forward() would say of each packet
        kAll,   // `first` is that of the first one; the others follow it
        kEach,  // to be asked one by one; nothing has changed
    };
    // Packets of one frame_length(), at once; `shared` is what all subscribers share of them.
    Together forward_frame(std::span<const ArrivedPacket> packets, const SharedFrame& shared,
                           Timestamp now, ForwardedPacket& first);
    // Video is sent again, or it paused.
    std::optional<StreamState> poll_event() {
        if (!has_events_) return std::nullopt;
        const std::optional<StreamState> event = rare_->events.pop();
        has_events_ = !rare_->events.empty();
        return event;
    }
    // Fetches what forward() will read but for this object itself.
    void prefetch_parts(PrefetchStep step) const;

    // ------------------------------------------------------------ control

    // Whether packets of the source go on; begins with false.
    void set_flowing(bool flowing);
    // The next packet that goes on follows the last one that did, as behind a pause.
    void stop();
    // It is the link that allows nothing; for poll_event().
    void announce_pause() { has_events_ = rare_->events.push(StreamState::kPaused) || has_events_; }
    // For good: NACKs are not answered any more.
    void close() { closing_ = true; }
    // Another receiver of the same track (02 DYN-05).
    void switch_source(const SourceState& source);
    // Something of the source but its packets changed.
    void source_changed();
    // Takes the source's codec if there is none yet; false if there is still none.
    bool ensure_codec();
    // A codec came that the subscriber does not take (02 IN-09); tells it once.
    bool poll_codec_unsupported() {
        if (refused_ != Refused::kUntold) return false;
        refused_ = Refused::kTold;
        return true;
    }

    // ------------------------------------------------------------ feedback

    std::size_t handle_nack(std::span<const std::uint16_t> sequences, Timestamp now, Duration rtt,
                            std::span<ResendPacket> out);
    // Whether a key frame helps; until one that was asked for comes no copies are sent.
    bool wants_key_frame(KeyFrameCause cause, Timestamp now);
    // The playout delay follows what the subscriber reports (02 IN-41).
    void handle_report(const wire::ReportBlock& block, Timestamp now);
    // A copy on the RTX stream of the packet sent `back` packets before the newest one; nullopt
    // without RTX and for what cannot be sent again.
    std::optional<ResendPacket> copy_of_sent(std::size_t back);
    // The publisher's report of what flows; none while nothing does or none came.
    std::optional<PlacedReport> source_report() const;

    // ------------------------------------------------------------ packets of our own

    // The stream begins with one, with this number and time.
    void start_own(std::int64_t sequence, std::int64_t timestamp, Timestamp now);
    // The time of one that follows now.
    std::int64_t next_own_time(Timestamp now) const;
    // A frame behind the last packet. VP8 gets the descriptor of a blank key frame.
    ForwardedPacket blank_frame(std::int64_t timestamp, BytesView payload);
    // A packet of nothing but padding, with the time of the last packet.
    ForwardedPacket padding(bool frame_ended, BytesView payload);

    // ------------------------------------------------------------ views

    const SourceState& source() const { return *source_; }
    const SendExtensions& extensions() const { return extensions_; }
    VideoLayerSelector& selector() { return selector_; }
    const VideoLayerSelector& selector() const { return selector_; }
    const Munger& numbers() const { return munger_; }
    DownTrackStats& stats() { return stats_; }
    const DownTrackStats& stats() const { return stats_; }
    // What the subscriber gets.
    Codec sent_codec() const { return down_convert_ ? Codec::kOpus : codec_; }
    bool flowing() const { return flowing_; }
    bool closing() const { return closing_; }
    bool strips_trailers() const { return strip_trailers_; }
    // The source's media came and has a place in the stream.
    bool placed() const { return rare_->placed; }

  private:
    friend struct confab::StateAccess<Forwarder>;

    class Frames;  // what forward_frame() does
    enum class Refused : std::uint8_t { kNo, kUntold, kTold };
    // Written where something starts, switches or is reported, not per packet.
    struct Rare {
        SendCodecs codecs;
        StreamClock clock;
        std::optional<HeldOffset> held;
        std::optional<PlayoutDelay> playout_delay;
        bool screen_share = false;
        bool publisher_was_muted = false;
        bool placed = false;
        Ring<StreamState, 8> events;
    };

    std::size_t forward_audio(const MediaPacket& packet, Timestamp now, Output out);
    std::size_t forward_video(const MediaPacket& packet, Timestamp now, Output out);
    std::size_t forward_padding(const MediaPacket& packet, Timestamp now, Output out);
    bool place(const MediaPacket& packet, Timestamp now);
    // Numbers, stamps and notes a packet; false if its number may not be sent.
    bool emit(const MediaPacket& packet, Munger::Output position, bool marker, Timestamp now,
              ForwardedPacket& out);
    bool take_codec(Codec codec);
    ForwardedPacket own_packet(std::int64_t timestamp, bool frame_ended);

    // ---- read or written with every packet
    const SourceState* source_;
    std::uint32_t ssrc_ = 0;
    std::uint8_t payload_type_ = 0;
    MediaKind kind_;
    Codec codec_ = Codec::kNone;  // of the source, as last taken
    bool flowing_ = false;        // not muted, closed or paused
    bool synced_ = false;         // the munger follows the present source
    bool resuming_ = true;        // the next packet sent is announced
    bool down_convert_ = false;   // RED to opus
    bool pli_pending_ = false;    // the subscriber waits for a key frame
    bool closing_ = false;
    bool strip_trailers_ = false;        // the subscriber does not know them
    bool has_events_ = false;            // in rare_, which is seldom looked at
    Refused refused_ = Refused::kNo;     // the subscriber does not take what comes
    bool playout_delay_due_ = false;     // not acknowledged yet
    std::uint8_t stream_ = 0;            // of the source, being forwarded
    std::uint8_t reference_stream_ = 0;  // of the clock, at hand for each packet
    std::int64_t time_shift_ = 0;
    SendExtensions extensions_;
    VideoLayerSelector selector_;
    Munger munger_;
    DownTrackStats stats_;
    // ---- by codec
    std::unique_ptr<Vp8Munger> vp8_;
    std::unique_ptr<Retransmitter> retransmitter_;  // none: NACKs are not answered
    std::unique_ptr<Rare> rare_;
};

}  // namespace confab::sfu
