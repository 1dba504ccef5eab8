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

TEST_CASE("Quality: thresholds, MOS and smoothing [CQ-01] [CQ-02] [CQ-03]") {
    CHECK(to_quality(100) == QualityScore{livekit::EXCELLENT, 4.5F});
    CHECK(to_quality(80).quality == livekit::GOOD);
    CHECK(to_quality(40).quality == livekit::POOR);
    CHECK(to_quality(20).quality == livekit::LOST);
    CHECK(to_quality(0).mos == doctest::Approx(1.0));
    TrackScore score;
    sfu::QualitySample sample;
    sample.packets_expected = 100;
    sample.packets_lost = 5;
    score.add(sample, 10);
    CHECK(score.score() == doctest::Approx(60));  // 100 + 0.8·(50 − 100)
    sample.packets_lost = 0;
    score.add(sample, 10);
    CHECK(score.score() == doctest::Approx(76));  // 60 + 0.4·40
    sample.paused = true;
    score.add(sample, 10);
    CHECK(score.score() == doctest::Approx(30));
    QualityView view;
    CHECK(view.current().quality == livekit::EXCELLENT);
    view.add(1, sample, 10);
    CHECK(view.current().quality == livekit::POOR);
    view.remove(1);
    CHECK(view.current().quality == livekit::EXCELLENT);
}

}  // namespace confab::room
