// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which packets of a simulcast source go on (02 FWD-05): VP8, H264, H265, and AV1 or VP9 sent as
// separate streams. The stream changes only on a key frame.
#pragma once

#include "sfu/layers/layer.h"
#include "sfu/packet/media_packet.h"

namespace confab::sfu {

// `deficient`: the subscriber's link is congested, so that a layer to be left is left at once.
Selection select_simulcast(LayerState& state, const MediaPacket& packet, bool deficient);
// Temporal layers of VP8; call for packets of the current layer, in order. Returns the highest
// temporal layer for this packet: a step up counts at once, a step down behind the packet.
std::int8_t update_vp8_temporal(LayerState& state, const MediaPacket& packet);

}  // namespace confab::sfu
