// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/quality/quality_view.h"

#include <algorithm>

namespace confab::room {
namespace {

constexpr double kFloor = 30;
constexpr double kPausedScore = 30;
constexpr double kSilentOverdue = 20;
constexpr double kSilent = 40;

double window_score(const sfu::QualitySample& sample, double weight) {
    if (sample.packets_expected == 0) return sample.rtcp_overdue ? kSilentOverdue : kSilent;
    const double loss = 100.0 * static_cast<double>(sample.packets_lost) /
                        static_cast<double>(sample.packets_expected);
    const double packets = 100.0 - loss * weight;
    const double layers = 100.0 - 35.0 * sample.distance_to_desired;
    return std::max(kFloor, std::min(packets, layers));
}

}  // namespace

QualityScore to_quality(double score) {
    QualityScore result;
    result.quality = score > 80   ? livekit::EXCELLENT
                     : score > 40 ? livekit::GOOD
                     : score > 20 ? livekit::POOR
                                  : livekit::LOST;
    const double mos = 1 + 0.035 * score + 7e-6 * score * (score - 60) * (100 - score);
    result.mos = static_cast<float>(std::clamp(mos, 1.0, 4.5));
    return result;
}

double loss_weight(sfu::Codec codec) {
    if (codec == sfu::Codec::kRed) return 4;
    return sfu::kind_of(codec) == sfu::MediaKind::kAudio ? 8 : 10;
}

void TrackScore::add(const sfu::QualitySample& sample, double weight) {
    if (sample.muted) {
        if (score_ > kSilentOverdue) score_ = 100;
        return;
    }
    if (sample.paused) {
        score_ = kPausedScore;
        return;
    }
    const double next = window_score(sample, weight);
    const double factor = next > score_ ? 0.4 : 0.8;
    score_ += factor * (next - score_);
}

void QualityView::add(std::uint64_t track, const sfu::QualitySample& sample, double weight) {
    if (tracks_.size() >= kMaxTracks && !tracks_.contains(track)) return;
    tracks_[track].add(sample, weight);
}

QualityScore QualityView::current() const {
    double lowest = 100;
    for (const auto& [track, score] : tracks_)
        lowest = std::min(lowest, score.score());
    return to_quality(lowest);
}

}  // namespace confab::room
