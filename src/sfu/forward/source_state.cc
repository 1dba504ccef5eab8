// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 §10.6, IN-06, IN-22.
#include "sfu/forward/source_state.h"

#include <algorithm>

namespace confab::sfu {

DecodeTargets DecodeTargets::of(const wire::DependencyStructure& structure) {
    DecodeTargets out;
    out.count = structure.decode_target_count;
    out.chain_count = structure.chain_count;
    out.spatial = structure.target_spatial;
    out.temporal = structure.target_temporal;
    out.chain.fill(kNoChain);
    if (structure.chain_count > 0)
        std::copy_n(structure.target_chain.begin(), out.count, out.chain.begin());
    return out;
}

std::uint32_t DecodeTargets::up_to(std::uint8_t max_spatial, std::uint8_t max_temporal) const {
    std::uint32_t mask = 0;
    for (std::uint8_t t = 0; t < count; ++t)
        if (spatial[t] <= max_spatial && temporal[t] <= max_temporal) mask |= std::uint32_t{1} << t;
    return mask;
}

std::uint8_t DecodeTargets::layers(std::uint32_t mask) const {
    unsigned out = 0;
    for (std::uint8_t t = 0; t < count; ++t)
        if ((mask >> t & 1) != 0 && spatial[t] < kMaxSpatialLayers) out |= 1U << spatial[t];
    return static_cast<std::uint8_t>(out);
}

bool SourceState::add_report(std::size_t stream, const SourceReport& report) {
    if (stream >= reports.size()) return false;
    std::optional<SourceReport>& slot = reports[stream];
    if (slot && (report.ntp <= slot->ntp || report.timestamp < slot->timestamp)) return false;
    slot = report;
    return true;
}

std::int8_t SourceState::highest_available(std::int8_t limit) const {
    for (std::int8_t s = lower_of(limit, std::int8_t{kMaxSpatialLayers - 1}); s >= 0; --s)
        if ((available >> s & 1) != 0) return s;
    return -1;
}

std::int8_t SourceState::lowest_available() const {
    for (std::int8_t s = 0; s < static_cast<std::int8_t>(kMaxSpatialLayers); ++s)
        if ((available >> s & 1) != 0) return s;
    return -1;
}

}  // namespace confab::sfu
