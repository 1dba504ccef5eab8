// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sources and subscribers for the tests of bandwidth allocation.
#pragma once

#include <cstdint>
#include <vector>

#include "sfu/congestion/bandwidth.h"
#include "sfu/congestion/layer_cost.h"
#include "sfu/forward/forward_testing.h"

namespace confab::sfu::test {

// 150 k, 500 k and 1.7 M; temporal layers 60 %, 80 % and all of it.
inline SourceState camera() {
    SourceState out = source_of(Codec::kVp8);
    const std::uint64_t full[] = {150'000, 500'000, 1'700'000};
    for (std::size_t s = 0; s < 3; ++s)
        out.bitrate[s] = {full[s] * 6 / 10, full[s] * 8 / 10, full[s], 0};
    out.max_seen = {2, 2};
    return out;
}

inline VideoDemand wish(const SourceState& source, Layer max = kTopLayer,
                        std::uint8_t priority = 1) {
    VideoDemand out;
    out.source = &source;
    out.max = max;
    out.priority = priority;
    return out;
}

// The tracks of one subscriber with their answers, as a peer keeps them.
struct Tracks {
    std::vector<VideoDemand> demands;
    std::vector<VideoShare> shares;

    std::size_t add(const VideoDemand& demand) {
        demands.push_back(demand);
        shares.emplace_back();
        return demands.size() - 1;
    }
    void remove(std::size_t index) {
        demands.erase(demands.begin() + static_cast<std::ptrdiff_t>(index));
        shares.erase(shares.begin() + static_cast<std::ptrdiff_t>(index));
    }
    TrackList list() { return {demands, shares}; }
    Layer sent(std::size_t index) const { return layer_under(demands[index], shares[index].cap); }
    std::uint64_t usage() { return usage_of(list()); }
};

}  // namespace confab::sfu::test
