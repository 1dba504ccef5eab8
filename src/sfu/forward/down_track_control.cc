// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings, mutes, pauses and the end of a down-track, and the packets it makes itself (02 FWD-13,
// FWD-15, FWD-17, BWE-09, SUB-01).
#include <algorithm>
#include <bit>

#include "sfu/forward/down_track.h"
#include "sfu/inbound/layer_fps.h"

namespace confab::sfu {
namespace {

std::size_t sequencer_entries(MediaKind kind, std::size_t kept) {
    const std::size_t usual =
        kind == MediaKind::kVideo ? Sequencer::kVideoEntries : Sequencer::kAudioEntries;
    return kept == 0 ? usual : std::bit_ceil(std::min(kept, Sequencer::kMaxEntries));
}

}  // namespace

DownTrack::DownTrack(const AddDownTrack& config, const SourceState& source, Rng& rng,
                     std::size_t kept)
    : source_(&source),
      ssrc_(config.ssrc.value()),
      extensions_(config.extensions),
      cold_(std::make_unique<DownTrackCold>()) {
    cold_->id = config.down_track;
    cold_->kind = config.kind;
    cold_->source = config.source;
    cold_->screen_share = config.screen_share;
    cold_->encrypted = config.encrypted;
    cold_->codecs = config.codecs;
    cold_->cname = config.cname;
    cold_->mid = config.mid;
    cold_->sif_trailer = config.sif_trailer;
    cold_->settings = config.settings;
    cold_->rtx = RtxStream(config.rtx_ssrc.value(), third_quarter_start(rng));
    const bool rtx = std::any_of(config.codecs.begin(), config.codecs.end(),
                                 [](const SendCodec& c) { return c.rtx_pt.has_value(); });
    if ((rtx && rtx_ssrc() != 0) ||
        std::any_of(config.codecs.begin(), config.codecs.end(),
                    [&](const SendCodec& c) { return may_resend_on_main(c, extensions_); }))
        sequencer_ = std::make_unique<Sequencer>(sequencer_entries(config.kind, kept));
    if (config.playout_delay && config.extensions.playout_delay != 0) {
        cold_->playout_delay.emplace(*config.playout_delay);
        playout_delay_due_ = true;
    }
    if (config.early_media) cold_->early = EarlyMedia(rng);
    if (source.codec != Codec::kNone) (void)take_codec(source.codec);
    cold_->publisher_was_muted = source.muted;
    refresh(Timestamp{});
}

const SendCodec* DownTrack::find_codec(Codec codec) const {
    const auto& list = cold_->codecs;
    const auto it = std::find_if(list.begin(), list.end(),
                                 [codec](const SendCodec& c) { return c.codec == codec; });
    return it == list.end() ? nullptr : &*it;
}

bool DownTrack::take_codec(Codec codec) {
    const SendCodec* send = find_codec(codec);
    const bool convert = send == nullptr && codec == Codec::kRed && !cold_->encrypted;
    if (convert) send = find_codec(Codec::kOpus);
    codec_unsupported_ = send == nullptr;
    if (send == nullptr) return false;
    unsupported_told_ = false;
    if (kind_of(codec) == MediaKind::kVideo && codec_ != Codec::kNone && codec != codec_)
        stop_forwarding();
    codec_ = codec;
    down_convert_ = convert;
    payload_type_ = send->pt.value();
    cold_->rtx.take_codec(*send, extensions_);
    if (codec == Codec::kVp8 && !vp8_) vp8_ = std::make_unique<Vp8Munger>();
    const bool layered = codec == Codec::kVp9 || codec == Codec::kAv1;
    if (layered && source_->dependency_descriptor && !dependency_)
        dependency_ = std::make_unique<DependencySelector>();
    return true;
}

void DownTrack::stop_forwarding() {
    layers_.stop();
    if (dependency_) dependency_->reset();
    synced_ = false;
    resuming_ = true;
}

Layer DownTrack::wish() const {
    const DownTrackSettings& asked = cold_->settings;
    Layer max = lower_of({static_cast<std::int8_t>(asked.max_spatial & 3),
                          static_cast<std::int8_t>(asked.max_temporal & 3)},
                         kTopLayer);
    if (asked.max_fps == 0) return max;
    const std::int8_t measured = std::max(source_->highest_available(max.spatial), std::int8_t{0});
    const auto& fps = source_->fps[static_cast<std::size_t>(measured)];
    max.temporal = std::min(max.temporal, temporal_for_fps(fps, asked.max_fps));
    return max;
}

void DownTrack::reallocate(Timestamp now) {
    AllocationInput in;
    in.max = wish();
    in.cap = cold_->cap;
    in.current = layers_.current;
    in.target = layers_.target;
    in.request = request_;
    in.muted = !cold_->settings.enabled || closing_;
    const Allocation out = allocate_layer(*source_, in);
    layers_.max = in.max;
    layers_.target = out.target;
    if (request_ != out.request || out.pause != cold_->pause) cold_->key_frame_due = now;
    request_ = out.request;
    cold_->distance = out.distance;
    if (out.pause == PauseReason::kBandwidth && cold_->pause != PauseReason::kBandwidth)
        announce(StreamState::kPaused);
    cold_->pause = out.pause;
}

void DownTrack::refresh(Timestamp now) {
    const bool before = flowing_;
    const bool video = cold_->kind == MediaKind::kVideo;
    if (video) reallocate(now);
    flowing_ = !muted() && (!video || layers_.target.valid());
    if (before && !flowing_) {
        stop_forwarding();
        if (!video && !closing_) start_blank(kMuteFrames, now);
    }
    if (!before && flowing_) {
        cold_->blank.stop();
        cold_->key_frame_due = now;
    }
}

void DownTrack::update_settings(const DownTrackSettings& settings, Timestamp now) {
    if (settings == cold_->settings) return;
    // While disabled the layer stays as it was asked for last (02 SUB-01).
    if (settings.enabled) {
        cold_->settings = settings;
    } else {
        cold_->settings.enabled = false;
        cold_->settings.priority = settings.priority;
    }
    refresh(now);
}

void DownTrack::source_changed(Timestamp now) {
    if (source_->muted && !cold_->publisher_was_muted) cold_->clock.note_publisher_mute();
    cold_->publisher_was_muted = source_->muted;
    const std::int8_t before = request_;
    refresh(now);
    // The rest of this picture may bring what is wanted.
    if (source_->svc() && layers_.current.valid() && request_ > before)
        cold_->key_frame_due = now + kPictureSpread;
}

void DownTrack::switch_source(const SourceState& source, Timestamp now) {
    source_ = &source;
    stop_forwarding();
    cold_->clock.switch_source();
    cold_->publisher_was_muted = source.muted;
    reference_stream_ = 0;
    stream_ = 0;
    request_ = -1;
    codec_unsupported_ = unsupported_told_ = false;
    // Numbers sent so far refer to the other receiver's history.
    if (sequencer_) sequencer_->clear();
    if (source.codec != Codec::kNone && source.codec != codec_) (void)take_codec(source.codec);
    refresh(now);
}

void DownTrack::set_bandwidth(Layer cap, bool deficient, Timestamp now) {
    deficient_ = deficient;
    if (cap == cold_->cap) return;
    cold_->cap = cap;
    refresh(now);
}

void DownTrack::close(Timestamp now, bool blank_frames) {
    if (closing_) return;
    closing_ = true;
    refresh(now);
    cold_->blank.stop();
    const bool video = cold_->kind == MediaKind::kVideo;
    if (blank_frames) start_blank(video ? kCloseVideoFrames : kCloseAudioFrames, now);
}

// ------------------------------------------------------------------ key frames

std::optional<std::uint8_t> DownTrack::poll_key_frame_request(Timestamp now) {
    if (!needs_key_frame() || now < cold_->key_frame_due) return std::nullopt;
    cold_->key_frame_due = now + std::clamp(rtt() * 2, kKeyFrameIntervalMin, kKeyFrameIntervalMax);
    return static_cast<std::uint8_t>(request_);
}

// ------------------------------------------------------------------ blank frames

bool DownTrack::prepare_blank() {
    const SendCodec* opus = find_codec(Codec::kOpus);
    return cold_->blank.prepare(down_convert_ ? Codec::kOpus : codec_,
                                opus != nullptr ? std::optional(opus->pt) : std::nullopt,
                                cold_->encrypted ? BytesView(cold_->sif_trailer) : BytesView());
}

void DownTrack::start_blank(int frames, Timestamp now) {
    // Nothing to clear where nothing was sent.
    if (!munger_.started() || !prepare_blank()) return;
    cold_->blank.start(frames, now);
    handle_timeout(now);
}

void DownTrack::push_blank(std::int64_t timestamp) {
    SyntheticPacket out;
    ForwardedPacket& p = out.packet;
    p.sequence = munger_.insert(timestamp, true);
    p.timestamp = static_cast<std::uint32_t>(timestamp);
    p.ssrc = ssrc_;
    p.payload_type = payload_type_;
    p.marker = true;
    if (codec_ == Codec::kVp8) {
        const DescriptorPatch descriptor = vp8_->blank_frame();
        p.prefix_size = descriptor.size;
        std::copy_n(descriptor.bytes.begin(), descriptor.size, p.prefix.begin());
    }
    out.payload = cold_->blank.payload();
    ++stats_.packets;
    stats_.octets += header_size(p, extensions_, {}) + out.payload.size();
    (void)cold_->outgoing.push(out);
}

// The time of a packet of our own that follows now.
std::int64_t DownTrack::next_own_time(Timestamp now) const {
    return std::max(cold_->clock.expected(now, source_->clock_rate), munger_.last_timestamp() + 1);
}

void DownTrack::send_blank(Timestamp now) {
    // A frame that was left open ends first, at its own time.
    if (!munger_.last_marker()) push_blank(munger_.last_timestamp());
    push_blank(next_own_time(now) + BlankFrames::ticks(cold_->kind, source_->clock_rate));
}

// ------------------------------------------------------------------ early media

void DownTrack::set_writable(Timestamp now) {
    if (!munger_.started()) cold_->early.start(now);
}

void DownTrack::send_early(Timestamp now) {
    EarlyMedia& early = cold_->early;
    if (!early.take_due(now, closing_)) return;
    const bool video = cold_->kind == MediaKind::kVideo;
    if (codec_ == Codec::kNone && source_->codec != Codec::kNone) (void)take_codec(source_->codec);
    if (closing_ || codec_ == Codec::kNone || (!video && !prepare_blank())) return;
    if (!munger_.started()) {
        munger_.start(early.sequence(), early.timestamp());
        cold_->clock.start_own(early.timestamp(), now);
    }
    if (video)
        push_padding(true);
    else
        push_blank(next_own_time(now));
}

// ------------------------------------------------------------------ time

void DownTrack::handle_timeout(Timestamp now) {
    send_early(now);
    if (cold_->outgoing.size() > 4) return;
    if (cold_->blank.take_due(now, BlankFrames::interval(cold_->kind))) send_blank(now);
}

Timestamp DownTrack::next_deadline() const {
    const Timestamp next = earlier(cold_->blank.next_deadline(), cold_->early.next_deadline());
    return needs_key_frame() ? earlier(next, cold_->key_frame_due) : next;
}

}  // namespace confab::sfu
