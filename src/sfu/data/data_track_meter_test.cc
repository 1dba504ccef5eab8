// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/data_track_meter.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

TEST_CASE("DataTrackMeter: packets, frames, gaps and what comes late [DT-04]") {
    DataTrackMeter meter;
    DataTrackFigures figures;
    meter.count(65'534, false, 100, figures);
    meter.count(65'535, true, 20, figures);
    meter.count(2, true, 10, figures);  // 0 and 1 are left out
    CHECK(figures.lost == 2);
    CHECK(figures.out_of_order == 0);
    meter.count(1, false, 10, figures);
    meter.count(2, true, 10, figures);  // again
    meter.count(3, false, 10, figures);
    CHECK(figures.packets == 6);
    CHECK(figures.bytes == 160);
    CHECK(figures.frames == 3);
    CHECK(figures.lost == 2);
    CHECK(figures.out_of_order == 2);
}

TEST_CASE("DataTrackMeter: the first number is no gap, whichever it is [DT-04]") {
    for (const std::uint16_t first : {std::uint16_t{0}, std::uint16_t{40'000}}) {
        DataTrackMeter meter;
        DataTrackFigures figures;
        meter.count(first, false, 1, figures);
        CHECK(figures.lost == 0);
        CHECK(figures.out_of_order == 0);
    }
}

}  // namespace
}  // namespace confab::sfu
