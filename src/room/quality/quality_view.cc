// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/quality/quality_view.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace confab::room {
namespace {

constexpr double kFloor = 30;
constexpr double kPausedScore = 30;
constexpr double kSilentOverdue = 20;
constexpr double kSilent = 40;
constexpr double kMostly = 0.5;

// Of reports, which come when they come; a usual rate is of 5 s.
std::uint64_t in_five_seconds(const sfu::QualitySample& sample) {
    if (sample.span <= Duration::zero()) return sample.packets_expected;
    return static_cast<std::uint64_t>(static_cast<double>(sample.packets_expected) * 5 /
                                      sample.span.to_seconds());
}

double window_score(const sfu::QualitySample& sample, double weight) {
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
    // Opus is answered with in-band FEC, which hides a third of what it loses.
    if (codec == sfu::Codec::kRed) return 4 * 2.0 / 3;
    if (codec == sfu::Codec::kOpus) return 8 * 2.0 / 3;
    return sfu::kind_of(codec) == sfu::MediaKind::kAudio ? 8 : 10;
}

double UsualRate::share(std::uint64_t packets) {
    // Rounded, as 250 a little more or less is what comes most.
    const auto step = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        (packets + kStep / 2) / kStep + 1, std::numeric_limits<std::uint32_t>::max()));
    // The value that outvotes all others together.
    if (votes_ == 0) usual_ = step;
    votes_ = usual_ == step ? std::min(votes_ + 1, kMaxVotes) : votes_ - 1;
    if (votes_ < kMinVotes || step >= usual_) return 1;
    return static_cast<double>(step) / usual_;
}

void TrackScore::add(const sfu::QualitySample& sample) {
    if (sample.unwanted) {
        score_ = 100;
        return;
    }
    if (sample.muted) {
        if (score_ > kSilentOverdue) score_ = 100;
        return;
    }
    if (sample.paused) {
        score_ = kPausedScore;
        return;
    }
    // Of a window that was muted for the most part nothing can be said.
    if (sample.unmuted < kMostly) return;
    // Neither what there is nothing of to send nor what is not reported yet says anything.
    if (sample.unjudged && !sample.rtcp_overdue) return;
    if (sample.packets_expected == 0) {
        score_ = sample.rtcp_overdue ? kSilentOverdue : kSilent;
        return;
    }
    const double weight =
        loss_weight(sample.codec) * std::sqrt(rate_.share(in_five_seconds(sample)));
    const double next = window_score(sample, weight);
    const double factor = next > score_ ? 0.4 : 0.8;
    score_ += factor * (next - score_);
}

void QualityView::add(std::uint64_t track, const sfu::QualitySample& sample) {
    if (tracks_.size() >= kMaxTracks && !tracks_.contains(track)) return;
    tracks_[track].add(sample);
}

void QualityView::add(std::uint64_t track, const sfu::StreamSample& sample) {
    if (!tracks_.contains(track) || sample.spatial >= kStreamWindows) return;
    windows_[track][sample.spatial] = {sample.bytes, sample.packets_expected, sample.packets_lost,
                                       sample.frames};
}

QualityScore QualityView::current() const {
    double lowest = 100;
    for (const auto& [track, score] : tracks_)
        lowest = std::min(lowest, score.score());
    return to_quality(lowest);
}

}  // namespace confab::room
