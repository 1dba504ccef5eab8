// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/quality/quality_view.h"

#include <doctest/doctest.h>

#include <cmath>

namespace confab::room {

TEST_CASE("QualityView: kMaxTracks are looked at, the next when one of them ended [IMM-15]") {
    QualityView view;
    sfu::QualitySample good;
    good.codec = sfu::Codec::kVp8;
    good.packets_expected = 100;
    for (std::uint64_t track = 0; track < QualityView::kMaxTracks; ++track)
        view.add(track, good);
    sfu::QualitySample bad = good;
    bad.packets_lost = 100;
    constexpr std::uint64_t kMore = QualityView::kMaxTracks;
    view.add(kMore, bad);
    CHECK(view.current().quality == livekit::EXCELLENT);
    view.add(0, bad);  // known
    CHECK(view.current().quality != livekit::EXCELLENT);
    view.remove(0);
    CHECK(view.current().quality == livekit::EXCELLENT);
    view.add(kMore, bad);
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
    sample.codec = sfu::Codec::kVp8;
    sample.packets_expected = 100;
    sample.packets_lost = 5;
    score.add(sample);
    CHECK(score.score() == doctest::Approx(60));  // 100 + 0.8·(50 − 100)
    sample.packets_lost = 0;
    score.add(sample);
    CHECK(score.score() == doctest::Approx(76));  // 60 + 0.4·40
    sample.paused = true;
    score.add(sample);
    CHECK(score.score() == doctest::Approx(30));
    QualityView view;
    CHECK(view.current().quality == livekit::EXCELLENT);
    view.add(1, sample);
    CHECK(view.current().quality == livekit::POOR);
    view.remove(1);
    CHECK(view.current().quality == livekit::EXCELLENT);
}

TEST_CASE("Quality: what sends nothing is poor at once, lost where its reports stop [CQ-02]") {
    TrackScore score;
    sfu::QualitySample sample;
    score.add(sample);
    CHECK(score.score() == 40);
    CHECK(to_quality(score.score()).quality == livekit::POOR);
    sample.rtcp_overdue = true;
    score.add(sample);
    CHECK(to_quality(score.score()).quality == livekit::LOST);
    sample.muted = true;  // does not make it any better
    score.add(sample);
    CHECK(score.score() == 20);
    sample = {};
    sample.packets_expected = 100;
    score.add(sample);
    CHECK(score.score() == doctest::Approx(52));  // 20 + 0.4·80
}

TEST_CASE("Quality: what nobody wants of a publisher is as it should be [CQ-02] [DYN-01]") {
    TrackScore score;
    sfu::QualitySample sample;
    sample.rtcp_overdue = true;
    score.add(sample);
    REQUIRE(score.score() == 20);
    sample.unwanted = true;  // even where it was lost
    score.add(sample);
    CHECK(score.score() == 100);
    score.add(sample);
    CHECK(score.score() == 100);
    // Wanted again, but not for long enough to say anything.
    sample.unwanted = false;
    sample.unmuted = 0.4;
    score.add(sample);
    CHECK(score.score() == 100);
    sample.unmuted = 0.6;
    score.add(sample);
    CHECK(score.score() == 20);
}

TEST_CASE("Quality: a subscriber is not judged by what there was nothing of to send [CQ-02]") {
    TrackScore score;
    sfu::QualitySample sample;
    sample.codec = sfu::Codec::kVp8;
    sample.down_track = sfu::DownTrackId(1);
    sample.packets_expected = 100;
    sample.packets_lost = 5;
    score.add(sample);
    REQUIRE(score.score() == doctest::Approx(60));
    sample.packets_expected = sample.packets_lost = 0;
    sample.unjudged = true;
    score.add(sample);
    CHECK(score.score() == doctest::Approx(60));
    // Something was sent, and nothing is said of it.
    sample.unjudged = false;
    sample.rtcp_overdue = true;
    score.add(sample);
    CHECK(score.score() == 20);
}

TEST_CASE("Quality: a loss counts less where fewer packets come than usual [CQ-01]") {
    UsualRate rate;
    for (std::uint32_t i = 1; i < UsualRate::kMinVotes; ++i)
        CHECK(rate.share(249) == 1);
    CHECK(rate.share(9) == 1);  // not known yet
    for (int i = 0; i < 3; ++i)
        CHECK(rate.share(249) == 1);
    CHECK(rate.share(246) == 1);  // no difference
    CHECK(rate.share(251) == 1);
    CHECK(rate.share(500) == 1);
    for (int i = 0; i < 10; ++i)
        CHECK(rate.share(249) == 1);
    CHECK(rate.share(119) == doctest::Approx(13.0 / 26));
    // Another rate is the usual one some time later.
    for (std::uint32_t i = 0; i < 2 * UsualRate::kMaxVotes; ++i)
        (void)rate.share(119);
    CHECK(rate.share(119) == 1);
    CHECK(rate.share(59) == doctest::Approx(7.0 / 13));

    TrackScore score;
    sfu::QualitySample sample;
    sample.codec = sfu::Codec::kPcmu;
    sample.packets_expected = 249;
    for (int i = 0; i < 20; ++i)
        score.add(sample);
    sample.packets_expected = 59;
    sample.packets_lost = 6;
    score.add(sample);
    const double loss = 100.0 * 6 / 59 * 8 * std::sqrt(7.0 / 26);
    CHECK(score.score() == doctest::Approx(100 - 0.8 * loss));
}

TEST_CASE("Quality: reports that come at random times do not hide what is usual [CQ-01]") {
    TrackScore score;
    sfu::QualitySample sample;
    sample.codec = sfu::Codec::kOpus;
    sample.down_track = sfu::DownTrackId(1);
    for (int i = 0; i < 40; ++i) {  // 50 a second; libwebrtc reports each 2.5 to 7.5 s
        const int ms = 2'500 + i * 1'370 % 5'000;
        sample.span = Duration::millis(ms);
        sample.packets_expected = static_cast<std::uint64_t>(ms / 20);
        score.add(sample);
    }
    sample.span = Duration::seconds(5);  // silence: each 400 ms, one of them lost
    sample.packets_expected = 12;
    sample.packets_lost = 1;
    score.add(sample);
    CHECK(to_quality(score.score()).quality == livekit::EXCELLENT);
}

TEST_CASE("Quality: what a lost packet costs, by codec [CQ-01]") {
    CHECK(loss_weight(sfu::Codec::kVp8) == 10);
    CHECK(loss_weight(sfu::Codec::kAv1) == 10);
    CHECK(loss_weight(sfu::Codec::kPcmu) == 8);
    CHECK(loss_weight(sfu::Codec::kOpus) == doctest::Approx(5.33).epsilon(0.01));
    CHECK(loss_weight(sfu::Codec::kRed) == doctest::Approx(2.67).epsilon(0.01));
}

}  // namespace confab::room
