// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Connection quality of tracks and participants from the samples of the media shards
// (02 CQ-01…04; 01 SIG-135).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "livekit_models.pb.h"
#include "sfu/shard/commands.h"

namespace confab::room {

struct QualityScore {
    livekit::ConnectionQuality quality = livekit::EXCELLENT;
    float mos = 4.5F;
    bool operator==(const QualityScore&) const = default;
};

// score 0…100 → quality and mean opinion score 1…4.5 (CQ-03).
QualityScore to_quality(double score);

// How many packets a window of a track usually has. Where an encoder leaves out silence or what
// does not change, a lost packet is less of a loss (CQ-01).
class UsualRate {
  public:
    static constexpr std::uint64_t kStep = 10;      // packets that make no difference
    static constexpr std::uint32_t kMinVotes = 10;  // windows until it is known
    static constexpr std::uint32_t kMaxVotes = 24;  // and until another is

    // The share of the usual number that this window has, at most 1; it counts from now on.
    double share(std::uint64_t packets);

  private:
    std::uint32_t usual_ = 0;  // in steps
    std::uint32_t votes_ = 0;
};

// The smoothed score of one track or down-track.
class TrackScore {
  public:
    void add(const sfu::QualitySample& sample);
    double score() const { return score_; }

  private:
    double score_ = 100;
    UsualRate rate_;
};

// How much one percent of loss costs (CQ-01).
double loss_weight(sfu::Codec codec);

// What came of one stream of a published track in its last window (5 s).
struct StreamWindow {
    std::uint64_t bytes = 0;
    std::uint64_t expected = 0;  // packets
    std::uint64_t lost = 0;
    std::uint32_t frames = 0;
};
inline constexpr std::size_t kStreamWindows = 3;  // spatial layers
using StreamWindows = std::array<StreamWindow, kStreamWindows>;

// Scores of one participant: the smallest of its published and subscribed tracks.
class QualityView {
  public:
    static constexpr std::size_t kMaxTracks = 4'096;

    void add(std::uint64_t track, const sfu::QualitySample& sample);
    void add(std::uint64_t track, const sfu::StreamSample& sample);
    void remove(std::uint64_t track) {
        tracks_.erase(track);
        windows_.erase(track);
    }
    QualityScore current() const;
    // Of a published track, by its spatial layers; null: nothing is known yet.
    const StreamWindows* windows(std::uint64_t track) const {
        const auto found = windows_.find(track);
        return found == windows_.end() ? nullptr : &found->second;
    }
    bool empty() const { return tracks_.empty(); }

  private:
    std::map<std::uint64_t, TrackScore> tracks_;
    std::map<std::uint64_t, StreamWindows> windows_;  // of those published
};

}  // namespace confab::room
