// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a down-track gives out, and the part of its state that no packet touches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ring.h"
#include "base/time.h"
#include "sfu/forward/forwarded_packet.h"
#include "sfu/forward/own_media.h"
#include "sfu/forward/playout_delay.h"
#include "sfu/forward/rtx_stream.h"
#include "sfu/forward/sender_reports.h"
#include "sfu/forward/stream_clock.h"
#include "sfu/forward/subscriber_reports.h"
#include "sfu/layers/layer_allocation.h"
#include "sfu/packet/media_packet.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

// A packet of our own; `payload` lives as long as the down-track.
struct SyntheticPacket {
    ForwardedPacket packet;
    BytesView payload;
};
// Fills in what the history knows; call before build_header().
void complete_resend(ResendPacket& resend, const MediaPacket& source);

// Read per control action, not per packet.
struct DownTrackCold {
    DownTrackId id;
    MediaKind kind = MediaKind::kAudio;
    MediaSource source = MediaSource::kUnknown;
    bool screen_share = false;
    bool encrypted = false;
    std::vector<SendCodec> codecs;
    std::string cname;
    std::string mid;
    Bytes sif_trailer;
    DownTrackSettings settings;

    Layer cap = kTopLayer;
    PauseReason pause = PauseReason::kNone;
    double distance = 0;

    Timestamp key_frame_due;  // next request, if one is needed

    StreamClock clock;
    RtxStream rtx;
    BlankFrames blank;
    EarlyMedia early;
    SenderReports sender_reports;
    SubscriberReports reports;
    bool publisher_was_muted = false;

    std::optional<PlayoutDelay> playout_delay;
    DownTrackStats playout_start;  // at the last receiver report

    Ring<SyntheticPacket, 8> outgoing;
    Ring<StreamState, 8> events;
};

}  // namespace confab::sfu
