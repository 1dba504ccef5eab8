// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Values that several machines of the SFU have in their state (base/state/state.h), with what they
// are held to when they are read.
#pragma once

#include <cstdint>

#include "base/state/bounds.h"
#include "sfu/layers/layer.h"

namespace confab::sfu {

// RTP indices of SRTP have 48 bits (RFC 3711 §3.3.1); room is left to skip some.
inline constexpr std::int64_t kMaxRtpIndex = (std::int64_t{1} << 48) - 0x1'0000;

template <typename Io, typename T>
void layer_field(Io& io, std::uint8_t tag, T& layer) {
    io.record(tag, [&layer](auto& inner) {
        bounded_field(inner, 1, layer.spatial, -1, kMaxSpatialLayers - 1);
        bounded_field(inner, 2, layer.temporal, -1, kMaxTemporalLayers - 1);
    });
}

}  // namespace confab::sfu
