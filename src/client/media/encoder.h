// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Synthetic encoders (02 DES-52): the frames of one Opus track, and of one VP8 simulcast track with
// three temporal layers, as RTP payloads with a MediaStamp in each. Time is an argument.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "client/media/media_stamp.h"
#include "client/media/packet_source.h"
#include "client/media/track_plan.h"

namespace confab::client {

class Encoder final : public PacketSource {
  public:
    Encoder(const TrackPlan& plan, Timestamp start, Rng rng);

    Timestamp next_frame() const override { return next_frame_; }
    // The packets of the frame due at `now`, all layers, lowest first; empty before its time.
    std::vector<EncodedPacket> encode(Timestamp now) override;
    // Time passes that frame, but nobody captures it: an encoder that is not fed counts nothing.
    void skip_frame() override;
    // The next frame is a key frame on all layers (02 IN-53).
    void request_key_frame() override { key_wanted_ = true; }
    // A layer that is off has no pictures; one that comes back begins with a key frame.
    void set_layer(std::size_t layer, bool wanted) override;
    // Of audio with sizes of its own: silence has small packets and no level.
    void set_speaking(bool speaking) override { speaking_ = speaking; }
    std::uint64_t key_frames() const override { return key_frames_; }
    // The RTP time of `now`, for sender reports.
    std::uint32_t rtp_time(Timestamp now, std::size_t layer) const override;

  private:
    struct Layer {
        std::uint32_t timestamp_base = 0;
        std::uint32_t frame = 0;
        std::uint32_t since_key = 0;
        std::uint16_t picture_id = 0;
        std::uint8_t tl0_pic_idx = 0;
        bool wanted = true;
    };
    // A frame is due at one moment, and its packets are stamped with another.
    struct Moment {
        Timestamp due;
        Timestamp stamp;
    };
    void encode_audio(Moment now, std::vector<EncodedPacket>& out);
    void encode_video(Moment now, std::size_t index, bool key, std::vector<EncodedPacket>& out);
    std::size_t audio_size();
    // Bytes of one picture; 0: the plan says packets.
    std::size_t picture_size(std::size_t index, const MediaStamp& stamp);
    Bytes video_payload(const Layer& layer, const MediaStamp& stamp, std::size_t index,
                        bool layer_sync, std::size_t size) const;

    TrackPlan plan_;
    Timestamp start_;
    Timestamp next_frame_;
    std::uint64_t frames_ = 0;
    bool key_wanted_ = true;
    bool speaking_ = true;
    std::uint64_t key_frames_ = 0;
    Rng rng_;
    std::vector<Layer> layers_;
};

}  // namespace confab::client
