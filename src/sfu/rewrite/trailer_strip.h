// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Packet trailers, for a subscriber that does not know them (02 IN-42).
#pragma once

#include "sfu/forward/forwarded_packet.h"
#include "sfu/packet/media_packet.h"

namespace confab::sfu {

// Whether strip_trailer() might leave something out.
bool has_trailer(const MediaPacket& source);
// Leaves out the trailer that the source's payload ends in, if it does. One that ends an aggregate
// of NAL units stays: the unit's length stands before it, and a cut packet could not be read.
// Decoders skip what follows a slice.
void strip_trailer(ForwardedPacket& packet, const MediaPacket& source);

}  // namespace confab::sfu
