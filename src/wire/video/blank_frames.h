// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Payloads of injected frames: silence and the smallest pictures that a decoder accepts, which the
// SFU sends of its own accord when a track is muted or ends (02 FWD-15).
#pragma once

#include "base/bytes.h"

namespace confab::wire {

// One frame of 20 ms each.
BytesView opus_silence();  // 80 bytes: F8 FF FE and zeros
BytesView pcmu_silence();  // 160 × FF
BytesView pcma_silence();  // 160 × D5

// A VP8 key frame of 8×8 pixels, without payload descriptor.
BytesView vp8_blank_frame();
// An H.264 picture of 2×2 pixels: one STAP-A payload with SPS, PPS and IDR slice.
BytesView h264_blank_frame();

}  // namespace confab::wire
