// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 IN-06, IN-22, FWD-08.
#include "sfu/forward/source_state.h"

#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"

namespace confab::sfu {

using test::at_ms;

TEST_CASE("SourceState: available layers and reports in order [IN-22] [IN-06]") {
    SourceState source;
    CHECK(source.highest_available(2) == -1);
    CHECK(source.lowest_available() == -1);
    source.available = 0b101;
    CHECK(source.highest_available(2) == 2);
    CHECK(source.highest_available(1) == 0);
    CHECK(source.lowest_available() == 0);
    CHECK(source.add_report(0, {NtpTime(100), 50, at_ms(0)}));
    CHECK_FALSE(source.add_report(0, {NtpTime(100), 60, at_ms(1)}));
    CHECK_FALSE(source.add_report(0, {NtpTime(101), 49, at_ms(1)}));
    CHECK_FALSE(source.add_report(3, {NtpTime(101), 60, at_ms(1)}));
    CHECK(source.add_report(0, {NtpTime(101), 60, at_ms(1)}));
}

TEST_CASE("SourceState: layers within a limit, of three [IN-22]") {
    struct Row {
        std::uint8_t available;
        std::int8_t limit;
        std::int8_t highest;
        std::int8_t lowest;
    };
    for (const Row& row :
         {Row{0b111, 3, 2, 0}, Row{0b111, 1, 1, 0}, Row{0b110, 0, -1, 1}, Row{0b100, 2, 2, 2},
          Row{0b100, 1, -1, 2}, Row{0b111, -1, -1, 0}, Row{0b1000, 3, -1, -1}}) {
        CAPTURE(row.available);
        CAPTURE(row.limit);
        SourceState source;
        source.available = row.available;
        CHECK(source.highest_available(row.limit) == row.highest);
        CHECK(source.lowest_available() == row.lowest);
    }
}

TEST_CASE("SourceState: one line of reports by stream, one in all for SVC [IN-06] [FWD-02]") {
    SourceState source;
    for (std::int8_t spatial = 0; spatial < 3; ++spatial)
        CHECK(source.stream_of(spatial) == static_cast<std::size_t>(spatial));
    CHECK(source.stream_of(-1) == 0);
    CHECK(source.stream_of(3) < kMaxSpatialLayers);
    source.mode = LayerMode::kMultipleSpatialLayersPerStream;
    CHECK(source.stream_of(2) == 0);
    // A report may tell the same time once more, of a camera that stands still.
    CHECK(source.add_report(0, {NtpTime(100), 50, at_ms(0)}));
    CHECK(source.add_report(0, {NtpTime(101), 50, at_ms(1)}));
    CHECK(source.reports[0]->arrival == at_ms(1));
    CHECK_FALSE(source.reports[1]);
}

TEST_CASE("SourceState: what matters to a packet's way, and rates, which do not [IN-22]") {
    const SourceState source = test::source_of(Codec::kVp8);
    SourceState other = source;
    other.bitrate[0][0] = 1;
    other.fps[0][0] = 1;
    other.clock_rate = 1;
    CHECK(source.same_but_rates(other));
    const auto differs = [&](auto change) {
        SourceState changed = source;
        change(changed);
        return !source.same_but_rates(changed);
    };
    CHECK(differs([](SourceState& s) { s.codec = Codec::kVp9; }));
    CHECK(differs([](SourceState& s) { s.mode = LayerMode::kMultipleSpatialLayersPerStream; }));
    CHECK(differs([](SourceState& s) { s.muted = true; }));
    CHECK(differs([](SourceState& s) { s.available = 3; }));
    CHECK(differs([](SourceState& s) { s.max_seen = {0, 0}; }));
    CHECK(differs([](SourceState& s) { s.decode_targets.count = 1; }));
}

TEST_CASE("DecodeTargets: chains and layers of a structure, as far as they are ours [FWD-08]") {
    wire::DependencyStructure structure;
    structure.decode_target_count = 4;
    structure.target_spatial = {0, 1, 2, 3};
    structure.target_temporal = {0, 0, 1, 0};
    structure.target_chain = {2, 1, 0, 0};
    DecodeTargets targets = DecodeTargets::of(structure);
    CHECK(targets.chain[0] == DecodeTargets::kNoChain);  // the structure has none
    structure.chain_count = 3;
    targets = DecodeTargets::of(structure);
    CHECK(targets.chain[0] == 2);
    CHECK(targets.chain[2] == 0);
    CHECK(targets.chain[4] == DecodeTargets::kNoChain);
    CHECK(targets.layers(0b0000) == 0);
    CHECK(targets.layers(0b0101) == 0b101);
    CHECK(targets.layers(0b1111) == 0b111);  // a fourth layer has no place here
    CHECK(targets.layers(~0U << 4) == 0);
    CHECK(targets.up_to(2, 0) == 0b0011);
    CHECK(targets.up_to(3, 1) == 0b1111);
}

}  // namespace confab::sfu
