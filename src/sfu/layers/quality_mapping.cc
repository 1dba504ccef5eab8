// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 SUB-02.
#include "sfu/layers/quality_mapping.h"

#include <algorithm>
#include <array>

#include "sfu/layers/layer.h"

namespace confab::sfu {
namespace {

constexpr std::uint8_t kHighest = kMaxSpatialLayers - 1;

bool any_known(std::span<const wire::FrameSize> sizes) {
    return std::any_of(sizes.begin(), sizes.end(), [](const auto& s) { return s.known(); });
}

}  // namespace

std::uint8_t quality_for_size(std::uint32_t width, std::uint32_t height,
                              std::span<const wire::FrameSize> declared,
                              std::span<const wire::FrameSize> seen) {
    const bool use_declared = any_known(declared);
    const std::span<const wire::FrameSize> sizes = use_declared ? declared : seen;
    if (!any_known(sizes)) return kHighest;
    // A portrait source whose layers were not declared is compared by its width.
    const wire::FrameSize largest =
        *std::max_element(sizes.begin(), sizes.end(),
                          [](const auto& a, const auto& b) { return a.height < b.height; });
    const bool by_width = !use_declared && largest.width < largest.height;
    const double wanted = 0.9 * (by_width ? width : height);
    const std::size_t count = std::min<std::size_t>(sizes.size(), kMaxSpatialLayers);
    const auto extent = [&](std::size_t i) { return by_width ? sizes[i].width : sizes[i].height; };
    for (std::size_t i = 0; i < count; ++i) {
        if (!sizes[i].known() || extent(i) < wanted) continue;
        // Layers of one size are the same to the eye; the last of them is the better one.
        if (i + 1 < count && extent(i + 1) == extent(i)) continue;
        return static_cast<std::uint8_t>(i);
    }
    return static_cast<std::uint8_t>(count - 1);
}

}  // namespace confab::sfu
