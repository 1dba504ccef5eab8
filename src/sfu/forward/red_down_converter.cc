// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 2198 §3, 02 IN-32.
#include "sfu/forward/red_down_converter.h"

#include "wire/rtp/red.h"

namespace confab::sfu {

RedSlices split_red(BytesView payload, std::int64_t sequence, std::int64_t timestamp) {
    RedSlices out;
    const auto red = wire::parse_red(payload);
    if (!red) return out;
    const auto redundant = red->redundant();
    const std::size_t used = redundant.size() < 2 ? redundant.size() : 2;
    const auto add = [&](const wire::RedBlock& block, std::int64_t back) {
        if (block.data.empty()) return;
        out.slices[out.count++] = {sequence - back, timestamp - block.timestamp_offset,
                                   static_cast<std::uint16_t>(block.data.data() - payload.data()),
                                   static_cast<std::uint16_t>(block.data.size())};
    };
    for (std::size_t back = used; back > 0; --back)
        add(redundant[redundant.size() - back], static_cast<std::int64_t>(back));
    add(red->primary(), 0);
    return out;
}

}  // namespace confab::sfu
