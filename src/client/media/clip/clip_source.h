// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Publishes a clip: its frames at their times, as RTP payloads (RFC 7587, RFC 7741).
#pragma once

#include <memory>

#include "base/rng.h"
#include "client/media/clip/clip.h"
#include "client/media/packet_source.h"

namespace confab::client {

class ClipSource final : public PacketSource {
  public:
    static constexpr std::size_t kMaxPayload = 1150;
    static constexpr Duration kKeyFrameGap = Duration::millis(500);

    ClipSource(std::shared_ptr<const Clip> clip, Timestamp start, Rng rng);

    Timestamp next_frame() const override { return next_; }
    std::vector<EncodedPacket> encode(Timestamp now) override;
    void skip_frame() override;
    // A clip has the key frames that it has: the next frame is the next one of them, or, where none
    // follows, the clip begins anew if it loops. Not soon after the last one: who asks again has
    // not seen that yet, and each jump leaves pictures out.
    void request_key_frame() override;
    void start_again() override;
    void set_layer(std::size_t, bool) override {}
    void set_speaking(bool) override {}
    std::uint64_t key_frames() const override { return key_frames_; }
    std::uint32_t rtp_time(Timestamp now, std::size_t layer) const override;

  private:
    void packetize(const ClipFrame& frame, std::uint32_t timestamp,
                   std::vector<EncodedPacket>& out);

    std::shared_ptr<const Clip> clip_;
    Timestamp start_;
    Timestamp next_;
    std::size_t index_ = 0;
    std::uint32_t timestamp_base_;
    std::uint16_t picture_id_;
    std::uint64_t key_frames_ = 0;
    Timestamp last_key_ = Timestamp::never();
};

}  // namespace confab::client
