// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/encoder.h"

#include <algorithm>
#include <array>

#include "wire/video/vp8.h"

namespace confab::client {
namespace {

constexpr std::size_t kAudioPayload = 60;
constexpr std::size_t kVideoPayload = 700;
// Temporal layers of the pictures between two of layer 0 (RFC 7741 §4.2 gives the fields, the
// pattern is that of browsers), and what each needs. The second picture of layer 2 needs the one of
// layer 1: its Y is clear, and who steps up on it can not decode it (02 FWD-05).
constexpr std::array<std::uint8_t, 4> kTemporal{0, 2, 1, 2};
constexpr std::array<std::uint8_t, 4> kReference{4, 1, 2, 1};
constexpr std::array<bool, 4> kLayerSync{false, true, true, false};

// Of pictures with a bit rate: what one of a temporal layer takes of the average, of which a key
// frame is a multiple, and how far they differ. Packets of one picture differ by a byte at most,
// shorter ones first, as libwebrtc splits them.
constexpr std::array<double, 3> kTemporalShare{1.3, 1.0, 0.85};
constexpr double kKeyFrameShare = 6.0;
constexpr double kSpread = 0.2;
constexpr std::size_t kMaxVideoPayload = 1150;
constexpr std::size_t kMinVideoPayload = 60;  // descriptor, frame header and stamp
// Opus in silence, bytes; otherwise from 60 to 140 percent of the average.
constexpr std::size_t kSilentPayload = 40;
constexpr std::uint8_t kSilentLevel = 127;

}  // namespace

Encoder::Encoder(const TrackPlan& plan, Timestamp start, Rng rng)
    : plan_(plan), start_(start), next_frame_(start), rng_(rng), layers_(plan.layers.size()) {
    for (Layer& layer : layers_) {
        layer.timestamp_base = rng_.u32();
        layer.picture_id = rng_.u16() & 0x7FFF;
        layer.tl0_pic_idx = static_cast<std::uint8_t>(rng_.u16());
    }
}

std::uint32_t Encoder::rtp_time(Timestamp now, std::size_t layer) const {
    const std::int64_t ticks = (now - start_).us() * clock_rate(plan_.kind) / 1'000'000;
    return layers_[layer].timestamp_base + static_cast<std::uint32_t>(ticks);
}

std::vector<EncodedPacket> Encoder::encode(Timestamp now) {
    std::vector<EncodedPacket> out;
    if (now < next_frame_) return out;
    const Moment capture{next_frame_, plan_.stamps_sending ? now : next_frame_};
    skip_frame();
    if (plan_.kind == MediaKind::kAudio) {
        encode_audio(capture, out);
        return out;
    }
    const bool key = key_wanted_;
    key_wanted_ = false;
    if (key) ++key_frames_;
    for (std::size_t i = 0; i < layers_.size(); ++i)
        if (layers_[i].wanted) encode_video(capture, i, key, out);
    return out;
}

void Encoder::skip_frame() {
    ++frames_;
    const Duration passed =
        plan_.kind == MediaKind::kAudio
            ? Duration::millis(plan_.audio_frame_ms) * static_cast<std::int64_t>(frames_)
            : Duration::micros(
                  static_cast<std::int64_t>(frames_ * 1'000'000 / plan_.frames_per_second));
    next_frame_ = start_ + passed;
}

void Encoder::set_layer(std::size_t layer, bool wanted) {
    if (layer >= layers_.size() || layers_[layer].wanted == wanted) return;
    layers_[layer].wanted = wanted;
    if (wanted) key_wanted_ = true;
}

std::size_t Encoder::audio_size() {
    const std::uint32_t bit_rate = plan_.layers.front().bit_rate;
    if (bit_rate == 0) return kAudioPayload;
    if (!speaking_) return kSilentPayload;
    const std::uint64_t average = std::uint64_t{bit_rate} * plan_.audio_frame_ms / 8000;
    return std::max<std::size_t>(kSilentPayload, average * (60 + rng_.below(81)) / 100);
}

void Encoder::encode_audio(Moment now, std::vector<EncodedPacket>& out) {
    Layer& layer = layers_.front();
    MediaStamp stamp;
    stamp.track = plan_.number;
    stamp.frame = layer.frame++;
    stamp.key = true;
    stamp.capture = now.stamp;
    EncodedPacket packet;
    packet.timestamp = rtp_time(now.due, 0);
    packet.marker = stamp.frame == 0;
    packet.audio_level = speaking_ ? static_cast<std::uint8_t>(10 + rng_.below(30)) : kSilentLevel;
    packet.payload.resize(audio_size());
    ByteWriter writer(packet.payload);
    write_stamp(writer, stamp);
    out.push_back(std::move(packet));
}

std::size_t Encoder::picture_size(std::size_t index, const MediaStamp& stamp) {
    const std::uint32_t bit_rate = plan_.layers[index].bit_rate;
    if (bit_rate == 0) return 0;
    const double average = static_cast<double>(bit_rate) / 8 / plan_.frames_per_second;
    const double share = stamp.key ? kKeyFrameShare : kTemporalShare[stamp.temporal];
    const double spread = 1 - kSpread + 2 * kSpread * rng_.unit();
    return std::max(kMinVideoPayload, static_cast<std::size_t>(average * share * spread));
}

void Encoder::encode_video(Moment now, std::size_t index, bool key,
                           std::vector<EncodedPacket>& out) {
    Layer& layer = layers_[index];
    if (key) layer.since_key = 0;
    const std::size_t step = layer.since_key % kTemporal.size();
    MediaStamp stamp;
    stamp.track = plan_.number;
    stamp.frame = layer.frame;
    stamp.layer = static_cast<std::uint8_t>(index);
    stamp.temporal = kTemporal[step];
    stamp.key = key;
    stamp.capture = now.stamp;
    const std::size_t size = picture_size(index, stamp);
    stamp.count =
        size == 0 ? plan_.layers[index].packets_per_frame
                  : static_cast<std::uint16_t>((size + kMaxVideoPayload - 1) / kMaxVideoPayload);
    const std::size_t shorter = size == 0 ? 0 : stamp.count - size % stamp.count;
    if (!key) stamp.references[0] = kReference[step];
    if (stamp.temporal == 0) ++layer.tl0_pic_idx;
    for (stamp.index = 0; stamp.index < stamp.count; ++stamp.index) {
        EncodedPacket packet;
        packet.layer = index;
        packet.timestamp = rtp_time(now.due, index);
        packet.marker = stamp.last();
        const std::size_t part =
            size == 0 ? kVideoPayload : size / stamp.count + (stamp.index < shorter ? 0 : 1);
        packet.payload = video_payload(layer, stamp, index, kLayerSync[step], part);
        out.push_back(std::move(packet));
    }
    ++layer.frame;
    ++layer.since_key;
    layer.picture_id = (layer.picture_id + 1) & 0x7FFF;
}

Bytes Encoder::video_payload(const Layer& layer, const MediaStamp& stamp, std::size_t index,
                             bool layer_sync, std::size_t size) const {
    wire::Vp8Descriptor descriptor;
    descriptor.extended = true;
    descriptor.start_of_partition = stamp.first();
    descriptor.non_reference = stamp.temporal == 2;
    descriptor.has_picture_id = descriptor.picture_id_15bit = true;
    descriptor.picture_id = layer.picture_id;
    descriptor.has_tl0_pic_idx = true;
    descriptor.tl0_pic_idx = layer.tl0_pic_idx;
    descriptor.has_tid = true;
    descriptor.temporal_id = stamp.temporal;
    descriptor.layer_sync = layer_sync;
    Bytes payload(size);
    ByteWriter out(payload);
    (void)wire::write_vp8_descriptor(out, descriptor);
    if (stamp.first()) {
        // The uncompressed chunk (RFC 6386 §9.1); bit 0 is clear in a key frame.
        out.u8(stamp.key ? 0x10 : 0x11);
        out.u16(0);
        if (stamp.key) {
            out.u24(0x9D'01'2A);
            const LayerPlan& plan = plan_.layers[index];
            for (const std::uint16_t side : {plan.width, plan.height}) {
                out.u8(static_cast<std::uint8_t>(side));
                out.u8(static_cast<std::uint8_t>(side >> 8 & 0x3F));
            }
        }
    }
    write_stamp(out, stamp);
    return payload;
}

}  // namespace confab::client
