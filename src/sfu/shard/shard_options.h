// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings of the configuration that hold for all rooms of a shard.
#pragma once

#include <cstddef>

#include "rtc/sctp/types.h"
#include "sfu/congestion/bandwidth.h"
#include "sfu/data/data_port.h"
#include "sfu/metrics/metrics_options.h"
#include "sfu/shard/commands.h"
#include "sfu/tracks/frame_hold.h"

namespace confab::sfu {

struct ShardOptions {
    BandwidthOptions bandwidth;                  // rtc.congestion_control.*
    std::size_t packet_buffer_size_video = 500;  // rtc.*: packets kept for retransmission
    std::size_t packet_buffer_size_audio = 200;
    bool loss_proxying = false;  // audio.enable_loss_proxying (IN-05)
    sctp::Tunables sctp;         // rtc.sctp_* (SCTP-03)
    MetricsOptions metrics;      // metric.* (SIG-124)
    DataLimits data;             // rtc.datachannel_* (SIG-122)
    bool level_lengths = true;   // confab.level_lengths
    FrameHoldLimits frame_hold;  // nothing waits for the rest of its frame
    Duration sound_hold;         // confab.sound_hold: nor for the sound of others
    StrangerLimits strangers;    // confab.limits.stun; a command changes them
    DataRates data_rates;        // confab.limits.data_*; likewise

    std::size_t packet_buffer_size(MediaKind kind) const {
        return kind == MediaKind::kVideo ? packet_buffer_size_video : packet_buffer_size_audio;
    }
};

}  // namespace confab::sfu
