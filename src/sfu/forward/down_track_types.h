// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a down-track says of itself, and the part of its state that no packet touches.
#pragma once

#include <cstdint>
#include <string>

#include "sfu/forward/own_packets.h"
#include "sfu/forward/sender_reports.h"
#include "sfu/forward/subscriber_reports.h"
#include "sfu/layers/layer_allocator.h"
#include "sfu/quality/quality_window.h"
#include "sfu/rewrite/retransmitter.h"
#include "sfu/shard/commands.h"
#include "wire/rtcp/rtcp.h"

namespace confab::sfu {

// What does not change.
struct DownTrackInfo {
    explicit DownTrackInfo(const AddDownTrack& config)
        : id(config.down_track),
          kind(config.kind),
          source(config.source),
          screen_share(config.screen_share),
          ssrc(config.ssrc.value()),
          rtx_ssrc(config.rtx_ssrc.value()),
          cname(config.cname),
          mid(config.mid),
          repairs(Retransmitter::needed(config)) {}
    bool video() const { return kind == MediaKind::kVideo; }
    wire::SdesChunk sdes_chunk() const { return {ssrc, cname, mid}; }

    DownTrackId id;
    MediaKind kind;
    MediaSource source;
    bool screen_share;
    std::uint32_t ssrc;
    std::uint32_t rtx_ssrc;  // 0: none
    std::string cname;
    std::string mid;
    bool repairs;  // what is lost is sent again
};

// The layers of a video down-track.
struct DownTrackLayers {
    Layer current;  // being forwarded
    Layer target;   // to be reached; none: paused
    PauseReason pause = PauseReason::kNone;
    double distance = 0;  // to what was asked for, 0 at the optimum
};

// Read per control action, not per packet.
struct DownTrackCold {
    DownTrackCold(const AddDownTrack& config, Rng& rng)
        : info(config), settings(config.settings), own(config, rng) {}

    DownTrackInfo info;
    DownTrackSettings settings;
    LayerAllocator allocator;
    KeyFrameRequests key_frames;
    OwnPackets own;
    SenderReports sender_reports;
    SubscriberReports reports;
    QualityWindow quality;
};

}  // namespace confab::sfu
