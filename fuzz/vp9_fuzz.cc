// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// VP9 payload descriptors with and without scalability structure. [IMM-7]
// fuzz: modules base wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/video/vp9.h"

namespace {

using namespace confab;
using namespace confab::wire;

void run(BytesView input) {
    Vp9ScalabilityStructure structure;
    const auto parsed = parse_vp9(input, &structure);
    if (!parsed) return;
    CONFAB_CHECK(parsed->size <= input.size());
    CONFAB_CHECK(parsed->reference_diff_count <= kMaxVp9ReferenceDiffs);
    CONFAB_CHECK(structure.spatial_layers <= kMaxVp9SpatialLayers);
    CONFAB_CHECK((structure.spatial_layers > 0) == parsed->has_scalability_structure);
    CONFAB_CHECK(!parsed->key_frame || parsed->frame_start);
    const auto without = parse_vp9(input);
    CONFAB_CHECK(without.has_value() && *without == *parsed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}
