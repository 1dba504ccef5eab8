// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The packets of a video track since its last key frame, for as long as it is young: who comes now
// begins with them and not with a key frame of its own. Where many come one after the other, each
// would otherwise wait until the publisher may be asked again (02 IN-08, FWD-13).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "base/time.h"
#include "sfu/layers/layer.h"
#include "sfu/packet/arrived_packet.h"

namespace confab::sfu {

class RecentFrames {
  public:
    static constexpr Duration kYoung = Duration::seconds(1);
    // A line that ends longer ago may have gone on unseen: nobody wanted it, or it was muted.
    static constexpr Duration kFlowing = Duration::millis(300);
    // More is not sent to somebody at once.
    static constexpr std::size_t kMaxPackets = 256;
    static constexpr std::size_t kMaxBytes = 150'000;

    // In order of arrival; `stream` of the source.
    void add(std::size_t stream, const ArrivedPacket& packet);
    // From a key frame to the newest packet, in order and without a hole; empty if there is no such
    // line, or its key frame is not young any more.
    std::span<const ArrivedPacket> since_key_frame(Timestamp now, std::size_t stream);
    void clear();
    void clear(std::size_t stream) { lines_[stream].clear(); }

  private:
    struct Line {
        std::vector<ArrivedPacket> packets;  // by number, a key frame first; or empty
        std::size_t bytes = 0;
        void clear();
    };
    std::array<Line, kMaxSpatialLayers> lines_;
};

}  // namespace confab::sfu
