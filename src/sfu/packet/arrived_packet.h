// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include "sfu/packet/media_packet.h"
#include "sfu/packet/packet_pool.h"

namespace confab::sfu {

// A parsed packet with its bytes; the views of `media` point into `ref`.
struct ArrivedPacket {
    MediaPacket media;
    PacketRef ref;
};

}  // namespace confab::sfu
