// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 BWE-01, BWE-02, as tables.
#include "sfu/layers/layer_allocation.h"

#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"

namespace confab::sfu {

TEST_CASE("allocate_layer: what is asked for by wish, link and what flows [BWE-01]") {
    struct Row {
        const char* what;
        std::uint8_t available;
        Layer seen, max, cap, current;
        bool svc;
        Layer target;
        std::int8_t request;
        double distance;
    };
    constexpr Layer kTop = kTopLayer;
    const Row rows[] = {
        {"all", 0b111, {2, 2}, kTop, kTop, kNoLayer, false, {2, 3}, 2, 0},
        {"the wish", 0b111, {2, 2}, {1, 1}, kTop, {2, 2}, false, {1, 1}, 1, 0},
        {"the link", 0b111, {2, 2}, kTop, {1, 0}, {2, 2}, false, {1, 0}, 1, 1 + 2.0 / 3},
        {"both", 0b111, {2, 2}, {2, 1}, {1, 3}, {2, 2}, false, {1, 1}, 1, 1},
        {"never seen higher", 0b111, {1, 2}, kTop, kTop, {0, 0}, false, {1, 3}, 1, 0},
        {"nothing seen yet", 0b111, kNoLayer, kTop, kTop, {0, 0}, false, {2, 3}, 2, 0},
        {"a layer missing", 0b101, {2, 2}, {1, 3}, kTop, {1, 2}, false, {0, 3}, 0, 0},
        {"only above, simulcast", 0b100, {2, 2}, {0, 3}, kTop, {0, 2}, false, {2, 3}, 2, -2},
        {"only above, SVC", 0b100, {2, 2}, {0, 3}, kTop, kNoLayer, true, {0, 3}, -1, 0},
        {"nothing, not yet shown", 0, {2, 2}, {1, 3}, kTop, kNoLayer, false, {1, 3}, -1, 0},
        {"the lowest of two above", 0b110, {2, 2}, {0, 3}, kTop, {2, 2}, false, {1, 3}, 1, -1}};
    for (const Row& row : rows) {
        CAPTURE(row.what);
        SourceState source = test::source_of(Codec::kVp8);
        source.available = row.available;
        source.max_seen = row.seen;
        if (row.svc) source.mode = LayerMode::kMultipleSpatialLayersPerStream;
        AllocationInput in;
        in.max = row.max;
        in.cap = row.cap;
        in.current = row.current;
        const Allocation out = allocate_layer(source, in);
        CHECK(out.target == row.target);
        CHECK(out.request == row.request);
        CHECK(out.pause == PauseReason::kNone);
        CHECK(out.distance == doctest::Approx(row.distance));
    }
}

TEST_CASE("allocate_layer: a feed that ran dry keeps target and request, of before [BWE-01]") {
    SourceState source = test::source_of(Codec::kVp8);
    source.available = 0;
    AllocationInput in;
    in.current = {1, 2};
    in.target = {2, 3};
    in.request = 2;
    Allocation out = allocate_layer(source, in);
    CHECK(out.target == Layer{2, 3});
    CHECK(out.request == 2);
    in.target = kNoLayer;  // it was paused when the feed ended
    in.max = {1, 1};
    CHECK(allocate_layer(source, in).target == Layer{1, 1});
    in.current = kNoLayer;
    out = allocate_layer(source, in);
    CHECK(out.request == -1);
    CHECK(out.target == Layer{1, 1});
}

TEST_CASE("allocate_layer: one reason for a pause, the subscriber's own first [BWE-01]") {
    for (int bits = 1; bits < 8; ++bits) {
        CAPTURE(bits);
        SourceState source = test::source_of(Codec::kVp8);
        AllocationInput in;
        in.current = {1, 1};
        in.muted = (bits & 1) != 0;
        source.muted = (bits & 2) != 0;
        if ((bits & 4) != 0) in.cap = kNoLayer;
        const Allocation out = allocate_layer(source, in);
        CHECK(out.pause == (in.muted       ? PauseReason::kMuted
                            : source.muted ? PauseReason::kPublisherMuted
                                           : PauseReason::kBandwidth));
        CHECK_FALSE(out.target.valid());
        CHECK(out.request == -1);
        // Only who was paused by us waits to be given more.
        CHECK((out.distance > 0) == (bits == 4));
    }
}

TEST_CASE("distance_to_desired: in spatial steps, of what could be had [BWE-02]") {
    struct Row {
        std::uint8_t available;
        Layer seen, max, target;
        double distance;
    };
    for (const Row& row :
         {Row{0b111, {2, 2}, {2, 2}, {2, 2}, 0}, Row{0b111, {2, 2}, {2, 2}, {2, 0}, 2.0 / 3},
          Row{0b111, {2, 2}, {2, 2}, {0, 2}, 2}, Row{0b111, {2, 3}, {1, 3}, {0, 1}, 1.5},
          Row{0b111, {2, 2}, {2, 2}, kNoLayer, 3 + 2.0 / 3},
          Row{0b111, {1, 0}, {2, 3}, {0, 0}, 1},  // seen less than asked
          Row{0b001, {2, 2}, {2, 2}, {0, 2}, 0},  // there is nothing above
          Row{0b001, {2, 2}, {2, 2}, kNoLayer, 1 + 2.0 / 3},
          Row{0b000, {2, 2}, {2, 2}, {2, 2}, 0},         // nothing flows
          Row{0b111, {2, 2}, {2, 1}, {2, 3}, 0},         // more than asked for
          Row{0b000, {2, 2}, kNoLayer, kNoLayer, 0}}) {  // nothing asked for
        CAPTURE(static_cast<int>(row.available));
        SourceState source = test::source_of(Codec::kVp8);
        source.available = row.available;
        source.max_seen = row.seen;
        CHECK(distance_to_desired(source, row.max, row.target) == doctest::Approx(row.distance));
    }
}

}  // namespace confab::sfu
