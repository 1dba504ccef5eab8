// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/encoder.h"

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
    const Timestamp capture = next_frame_;
    skip_frame();
    if (plan_.kind == MediaKind::kAudio) {
        encode_audio(capture, out);
        return out;
    }
    const bool key = key_wanted_;
    key_wanted_ = false;
    if (key) ++key_frames_;
    for (std::size_t i = 0; i < layers_.size(); ++i)
        encode_video(capture, i, key, out);
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

void Encoder::encode_audio(Timestamp now, std::vector<EncodedPacket>& out) {
    Layer& layer = layers_.front();
    MediaStamp stamp;
    stamp.track = plan_.number;
    stamp.frame = layer.frame++;
    stamp.key = true;
    stamp.capture = now;
    EncodedPacket packet;
    packet.timestamp = rtp_time(now, 0);
    packet.marker = stamp.frame == 0;
    packet.audio_level = static_cast<std::uint8_t>(10 + rng_.below(30));
    packet.payload.resize(kAudioPayload);
    ByteWriter writer(packet.payload);
    write_stamp(writer, stamp);
    out.push_back(std::move(packet));
}

void Encoder::encode_video(Timestamp now, std::size_t index, bool key,
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
    stamp.capture = now;
    stamp.count = plan_.layers[index].packets_per_frame;
    if (!key) stamp.references[0] = kReference[step];
    if (stamp.temporal == 0) ++layer.tl0_pic_idx;
    for (stamp.index = 0; stamp.index < stamp.count; ++stamp.index) {
        EncodedPacket packet;
        packet.layer = index;
        packet.timestamp = rtp_time(now, index);
        packet.marker = stamp.last();
        packet.payload = video_payload(layer, stamp, index, kLayerSync[step]);
        out.push_back(std::move(packet));
    }
    ++layer.frame;
    ++layer.since_key;
    layer.picture_id = (layer.picture_id + 1) & 0x7FFF;
}

Bytes Encoder::video_payload(const Layer& layer, const MediaStamp& stamp, std::size_t index,
                             bool layer_sync) const {
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
    Bytes payload(kVideoPayload);
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
