// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One media packet as the home worker parsed it, once, for all its subscribers on all workers
// (02 DES-40, DES-44). Plain data: it crosses worker rings by copy.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/time.h"
#include "sfu/shard/commands.h"
#include "wire/rtp/dependency_descriptor.h"
#include "wire/video/vp8.h"
#include "wire/video/vp9.h"

namespace confab::sfu {

struct MediaPacket {
    Codec codec = Codec::kNone;
    bool marker = false;
    bool key_frame = false;    // a packet from which decoding can start (02 §3.2)
    bool frame_start = false;  // first packet of a (layer) frame
    bool frame_end = false;    // last packet of a (layer) frame
    bool late = false;         // arrived out of order (a repaired or reordered packet)
    bool padding_only = false;
    bool has_dd = false;
    bool has_abs_capture_time = false;
    bool needs_lower_only = false;  // VP8: every reference is of a lower temporal layer
    std::uint8_t spatial = 0;       // simulcast: the stream's layer; SVC: the packet's SID
    std::uint8_t temporal = 0;
    // VP8: with this frame decoded, all that follow up to this temporal layer can be; -1 if it is
    // no such point.
    std::int8_t sync_temporal = -1;
    std::uint8_t audio_level = 127;  // RFC 6464, 0 loudest
    // Position in the stream after padding-only packets were taken out (IN-02), and its RTP time;
    // both extended to 64 bit, so that order is plain comparison.
    std::int64_t sequence = 0;
    std::int64_t timestamp = 0;
    Timestamp arrival;
    std::uint64_t abs_capture_time = 0;  // 64-bit NTP
    wire::Vp8Descriptor vp8;             // valid for Codec::kVp8
    wire::Vp9Descriptor vp9;             // valid for Codec::kVp9
    wire::DependencyInfo dd;             // valid if has_dd
    BytesView dd_bytes;                  // the extension as received; lives as long as payload
    BytesView payload;                   // behind header, extensions and without RTP padding
};

}  // namespace confab::sfu
