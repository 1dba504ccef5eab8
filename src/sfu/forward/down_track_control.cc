// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings, mutes, pauses and the end of a down-track, and the packets it makes itself (02 FWD-13,
// FWD-15, FWD-17, BWE-09, SUB-01).
#include <algorithm>
#include <bit>

#include "sfu/forward/down_track.h"
#include "sfu/inbound/layer_fps.h"
#include "wire/video/blank_frames.h"

namespace confab::sfu {
namespace {

// RTX streams start in the third quarter of the number space (02 FWD-01).
std::int64_t random_rtx_start(Rng& rng) {
    return 0x8000 + static_cast<std::int64_t>(rng.below(0x4000));
}

constexpr Duration kAudioFrame = Duration::millis(20);
constexpr Duration kVideoFrame = Duration::micros(33'333);
constexpr std::int64_t kAudioFramesPerSecond = 50;
constexpr std::int64_t kVideoFramesPerSecond = 30;
constexpr std::uint8_t kDefaultOpusType = 111;

// Without an RTX stream a lost packet can only be sent again as it was, octet for octet (TRAP-14);
// what is stamped on leaving rules that out. Video always has a stamp.
bool may_resend_on_main(const SendCodec& codec, const SendExtensions& ids) {
    return kind_of(codec.codec) == MediaKind::kAudio && codec.nack && ids.abs_send_time == 0 &&
           ids.transport_cc == 0;
}

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
    cold_->rtx_ssrc = config.rtx_ssrc.value();
    cold_->codecs = config.codecs;
    cold_->cname = config.cname;
    cold_->mid = config.mid;
    cold_->sif_trailer = config.sif_trailer;
    cold_->settings = config.settings;
    cold_->rtx_sequence = random_rtx_start(rng);
    const bool rtx = std::any_of(config.codecs.begin(), config.codecs.end(),
                                 [](const SendCodec& c) { return c.rtx_pt.has_value(); });
    if ((rtx && cold_->rtx_ssrc != 0) ||
        std::any_of(config.codecs.begin(), config.codecs.end(),
                    [&](const SendCodec& c) { return may_resend_on_main(c, extensions_); }))
        sequencer_ = std::make_unique<Sequencer>(sequencer_entries(config.kind, kept));
    if (config.playout_delay && config.extensions.playout_delay != 0) {
        cold_->playout_delay.emplace(*config.playout_delay);
        playout_delay_due_ = true;
    }
    if (config.early_media) {
        cold_->early_media = true;
        // Third quarter of both number spaces: room to go back and before they wrap (02 FWD-01).
        cold_->early_sequence = random_rtx_start(rng);
        cold_->early_timestamp = 0x8000'0000 + static_cast<std::int64_t>(rng.below(0x4000'0000));
    }
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
    cold_->rtx_pt = cold_->rtx_ssrc != 0 ? send->rtx_pt : std::nullopt;
    cold_->resends_on_main = !cold_->rtx_pt && may_resend_on_main(*send, extensions_);
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
        cold_->blank_left = 0;
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
    if (source_->muted && !cold_->publisher_was_muted) cold_->after_publisher_mute = true;
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
    cold_->foreign_source = true;
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
    cold_->blank_left = 0;
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

Duration DownTrack::blank_interval() const {
    return cold_->kind == MediaKind::kVideo ? kVideoFrame : kAudioFrame;
}

bool DownTrack::prepare_blank_payload() {
    const Codec codec = down_convert_ ? Codec::kOpus : codec_;
    if (codec == cold_->blank_codec) return true;
    Bytes& out = cold_->blank_payload;
    out.clear();
    BytesView frame;
    switch (codec) {
        case Codec::kRed: {
            const SendCodec* opus = find_codec(Codec::kOpus);
            out.push_back(opus != nullptr ? opus->pt.value() : kDefaultOpusType);
            frame = wire::opus_silence();
            break;
        }
        case Codec::kOpus:
            frame = wire::opus_silence();
            break;
        case Codec::kPcmu:
            frame = wire::pcmu_silence();
            break;
        case Codec::kPcma:
            frame = wire::pcma_silence();
            break;
        case Codec::kVp8:
            frame = wire::vp8_blank_frame();
            break;
        case Codec::kH264:
            frame = wire::h264_blank_frame();
            break;
        default:
            return false;
    }
    out.insert(out.end(), frame.begin(), frame.end());
    if (cold_->encrypted)
        out.insert(out.end(), cold_->sif_trailer.begin(), cold_->sif_trailer.end());
    cold_->blank_codec = codec;
    return true;
}

void DownTrack::start_blank(int frames, Timestamp now) {
    // Nothing to clear where nothing was sent.
    if (!munger_.started() || !prepare_blank_payload()) return;
    cold_->blank_left = frames;
    cold_->blank_due = now;
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
    out.payload = cold_->blank_payload;
    ++stats_.packets;
    stats_.octets += header_size(p, extensions_, {}) + out.payload.size();
    (void)cold_->outgoing.push(out);
}

void DownTrack::send_blank(Timestamp now) {
    const bool video = cold_->kind == MediaKind::kVideo;
    const std::int64_t step = static_cast<std::int64_t>(source_->clock_rate) /
                              (video ? kVideoFramesPerSecond : kAudioFramesPerSecond);
    // A frame that was left open ends first, at its own time.
    if (!munger_.last_marker()) push_blank(munger_.last_timestamp());
    push_blank(std::max(expected_time(now), munger_.last_timestamp() + 1) + step);
}

// ------------------------------------------------------------------ early media

void DownTrack::set_writable(Timestamp now) {
    if (!cold_->early_media || munger_.started()) return;
    cold_->early_media = false;  // once
    cold_->early_due = now + kEarlyInterval;
    cold_->early_end = now + kEarlyLimit;
}

void DownTrack::send_early(Timestamp now) {
    if (now < cold_->early_due) return;
    cold_->early_due = now + kEarlyInterval > cold_->early_end || closing_ ? Timestamp::never()
                                                                           : now + kEarlyInterval;
    const bool video = cold_->kind == MediaKind::kVideo;
    if (codec_ == Codec::kNone && source_->codec != Codec::kNone) (void)take_codec(source_->codec);
    if (closing_ || codec_ == Codec::kNone || (!video && !prepare_blank_payload())) return;
    if (!munger_.started()) {
        munger_.start(cold_->early_sequence, cold_->early_timestamp);
        cold_->first_timestamp = cold_->early_timestamp;
        cold_->first_time = now;
        // The first packet of the source continues by the clock.
        cold_->foreign_source = true;
    }
    if (video)
        push_padding(true);
    else
        push_blank(std::max(expected_time(now), munger_.last_timestamp() + 1));
}

// ------------------------------------------------------------------ time

void DownTrack::handle_timeout(Timestamp now) {
    send_early(now);
    // One frame per call: after a late call the rest keeps its distance.
    if (cold_->blank_left == 0 || now < cold_->blank_due || cold_->outgoing.size() > 4) return;
    send_blank(now);
    --cold_->blank_left;
    cold_->blank_due = cold_->blank_due + blank_interval();
    if (cold_->blank_due <= now) cold_->blank_due = now + blank_interval();
}

Timestamp DownTrack::next_deadline() const {
    Timestamp next = Timestamp::never();
    if (cold_->blank_left > 0) next = cold_->blank_due;
    next = std::min(next, cold_->early_due);
    if (needs_key_frame()) next = std::min(next, cold_->key_frame_due);
    return next;
}

}  // namespace confab::sfu
