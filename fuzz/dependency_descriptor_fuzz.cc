// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Dependency descriptors. The first byte is the length of a first value, which may bring the
// structure for the second. What was read is rewritten and written anew with the same meaning.
// [IMM-7]
// fuzz: modules base wire
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/rtp/dependency_descriptor.h"

namespace {

using namespace confab;
using namespace confab::wire;

using Buffer = std::array<std::uint8_t, kMaxDependencyDescriptorSize>;

void check_same(const DependencyInfo& a, const DependencyInfo& b) {
    CONFAB_CHECK(a.spatial_id == b.spatial_id && a.temporal_id == b.temporal_id);
    CONFAB_CHECK(a.dtis == b.dtis && a.chain_diffs == b.chain_diffs);
    CONFAB_CHECK(a.frame_diff_count == b.frame_diff_count && a.frame_diffs == b.frame_diffs);
    CONFAB_CHECK(a.first_packet_in_frame == b.first_packet_in_frame);
    CONFAB_CHECK(a.last_packet_in_frame == b.last_packet_in_frame);
}

void check_rewritten(BytesView value, const DependencyInfo& info, const DependencyStructure& s) {
    Buffer buffer{};
    const auto size = rewrite_dependency_descriptor(value, s, 0x1234, 0x0F, buffer);
    if (!size) {
        CONFAB_CHECK(size.error() == ParseError::kLimit);
        return;
    }
    const auto again = parse_dependency_descriptor(BytesView(buffer).first(*size), &s);
    CONFAB_CHECK(again.has_value() && again->frame_number == 0x1234);
    check_same(info, *again);
    if (info.structure_attached)
        CONFAB_CHECK(again->active_targets == info.active_targets && *size == value.size());
    else
        CONFAB_CHECK(again->active_targets == (0x0F & s.all_targets()));
}

void check_written(const DependencyInfo& info, const DependencyStructure& s) {
    Buffer buffer{};
    const auto size = write_dependency_descriptor(info, s, buffer);
    if (!size) {
        CONFAB_CHECK(size.error() == ParseError::kLimit);
        return;
    }
    DependencyStructure attached;
    const auto again = parse_dependency_descriptor(BytesView(buffer).first(*size), &s, &attached);
    CONFAB_CHECK(again.has_value());
    check_same(info, *again);
    CONFAB_CHECK(again->active_targets == info.active_targets);
    CONFAB_CHECK(again->frame_number == info.frame_number);
    if (info.structure_attached) CONFAB_CHECK(attached == s);
}

void check_value(BytesView value, DependencyStructure& structure) {
    const auto info = parse_dependency_descriptor(value, &structure, &structure);
    if (!info) return;
    CONFAB_CHECK(info->structure_attached == dependency_descriptor_has_structure(value));
    CONFAB_CHECK(structure.valid() && info->template_index < structure.template_count);
    (void)structure.targets_up_to(1, 1);
    (void)structure.find_target(0, 0);
    check_rewritten(value, *info, structure);
    check_written(*info, structure);
}

void run(BytesView input) {
    if (input.empty()) return;
    const std::size_t first = std::min<std::size_t>(input[0], input.size() - 1);
    DependencyStructure structure;
    check_value(input.subspan(1, first), structure);
    const BytesView second = input.subspan(1 + first);
    check_value(second.first(std::min(second.size(), kMaxDependencyDescriptorSize)), structure);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}
