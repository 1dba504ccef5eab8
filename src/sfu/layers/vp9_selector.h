// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which packets of a VP9 SVC source without dependency descriptor go on (RFC 9628 §4.2, 02
// FWD-07).
#pragma once

#include "sfu/layers/layer.h"
#include "sfu/packet/media_packet.h"

namespace confab::sfu {

Selection select_vp9(LayerState& state, const MediaPacket& packet);

}  // namespace confab::sfu
