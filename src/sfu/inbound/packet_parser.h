// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What of a payload the SFU looks at: key frames, layers, frame borders, picture sizes (02 §3.2,
// IN-20, IN-25). Works on the clear first bytes of end-to-end encrypted payloads too, and where
// there are none, of VP9, on the descriptor in front of them (IN-43).
#pragma once

#include <array>

#include "sfu/packet/media_packet.h"

namespace confab::sfu {

// The dependency-descriptor state of one stream.
struct DependencyState {
    wire::DependencyStructure structure;
    std::int64_t structure_sequence = -1;  // of the packet that brought it
    // Packets whose descriptor could not be read for want of a structure.
    std::uint64_t without_structure = 0;
    // Temporal layers of the last frames, by frame number.
    struct Frame {
        std::uint16_t number = 0;
        std::uint8_t temporal = 0;
        bool known = false;
    };
    std::array<Frame, 64> recent{};
};

struct ParseOptions {
    LayerMode mode = LayerMode::kOneSpatialLayerPerStream;
    std::uint8_t stream_spatial = 0;  // layer of a simulcast stream
    bool encrypted = false;
};

// Reads packet.payload (and packet.dd_bytes, if any) into the other fields; `size_out` gets the
// picture size when the packet tells it. False: the payload does not parse, drop the packet.
bool parse_payload(const ParseOptions& options, DependencyState& dependency, MediaPacket& packet,
                   wire::FrameSize& size_out);

}  // namespace confab::sfu
