// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/quality/quality_view.h"

#include <doctest/doctest.h>

namespace confab::room {

TEST_CASE("QualityView: kMaxTracks are looked at, the next when one of them ended [IMM-15]") {
    QualityView view;
    sfu::QualitySample good;
    good.packets_expected = 100;
    for (std::uint64_t track = 0; track < QualityView::kMaxTracks; ++track)
        view.add(track, good, 10);
    sfu::QualitySample bad = good;
    bad.packets_lost = 100;
    constexpr std::uint64_t kMore = QualityView::kMaxTracks;
    view.add(kMore, bad, 10);
    CHECK(view.current().quality == livekit::EXCELLENT);
    view.add(0, bad, 10);  // known
    CHECK(view.current().quality != livekit::EXCELLENT);
    view.remove(0);
    CHECK(view.current().quality == livekit::EXCELLENT);
    view.add(kMore, bad, 10);
    CHECK(view.current().quality != livekit::EXCELLENT);
}

}  // namespace confab::room
