// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Track matching in passes, from the certain to the likely.
#include "rtc/sdp/answer/track_matcher.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace confab::sdp {
namespace {

class Matcher {
  public:
    Matcher(const std::vector<PendingTrack>& pending, const std::vector<TrackClaim>& published)
        : pending_(pending), used_(pending.size(), false), published_(published) {}

    std::optional<TrackClaim> by_id(const OpenSection& section) {
        if (section.track_id.empty()) return std::nullopt;
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            const PendingTrack& track = pending_[i];
            if (track.kind != section.kind) continue;
            const auto codec = codec_of(track, section.track_id);
            if (!codec && track.cid != section.track_id) continue;
            TrackClaim claim{track, codec.value_or(0), false};
            if (is_taken(claim) || (used_[i] && !codec)) continue;
            used_[i] = true;
            return claim;
        }
        return by_codec_id_of_published(section);
    }

    std::optional<TrackClaim> oldest_of_kind(const OpenSection& section) {
        for (std::size_t i = 0; i < pending_.size(); ++i) {
            if (used_[i] || pending_[i].kind != section.kind) continue;
            used_[i] = true;
            return TrackClaim{pending_[i], 0, false};
        }
        return std::nullopt;
    }

    std::optional<TrackClaim> awaited_backup(const OpenSection& section) const {
        for (const TrackClaim& claim : published_) {
            if (claim.track.kind != section.kind) continue;
            for (std::size_t i = 1; i < claim.track.codec_mimes.size(); ++i) {
                TrackClaim backup{claim.track, i, true};
                if (equals_ignore_case(claim.track.codec_mimes[i], section.first_mime) &&
                    !is_taken(backup))
                    return backup;
            }
        }
        return std::nullopt;
    }

    void take(const TrackClaim& claim) { published_.push_back(claim); }

  private:
    static std::optional<std::size_t> codec_of(const PendingTrack& track, const std::string& id) {
        const auto it = std::ranges::find(track.codec_cids, id);
        if (it == track.codec_cids.end()) return std::nullopt;
        return static_cast<std::size_t>(it - track.codec_cids.begin());
    }

    std::optional<TrackClaim> by_codec_id_of_published(const OpenSection& section) const {
        for (const TrackClaim& claim : published_) {
            if (claim.track.kind != section.kind) continue;
            const auto codec = codec_of(claim.track, section.track_id);
            if (!codec) continue;
            TrackClaim backup{claim.track, *codec, false};
            if (!is_taken(backup)) return backup;
        }
        return std::nullopt;
    }

    bool is_taken(const TrackClaim& claim) const {
        return std::ranges::any_of(published_, [&](const TrackClaim& other) {
            return other.track.cid == claim.track.cid && other.codec_index == claim.codec_index;
        });
    }

    const std::vector<PendingTrack>& pending_;
    std::vector<bool> used_;
    std::vector<TrackClaim> published_;
};

}  // namespace

std::vector<TrackMatch> match_tracks(const std::vector<OpenSection>& sections,
                                     const std::vector<PendingTrack>& pending,
                                     const std::vector<TrackClaim>& published) {
    Matcher matcher(pending, published);
    std::vector<TrackMatch> out;
    std::vector<const OpenSection*> rest;
    for (const OpenSection& section : sections) {
        if (auto claim = matcher.by_id(section)) {
            matcher.take(*claim);
            out.push_back({section.index, std::move(*claim)});
        } else if (!section.only_by_id) {
            rest.push_back(&section);
        }
    }
    for (const OpenSection* section : rest) {
        auto claim = matcher.oldest_of_kind(*section);
        if (!claim) claim = matcher.awaited_backup(*section);
        if (!claim) continue;
        matcher.take(*claim);
        out.push_back({section->index, std::move(*claim)});
    }
    return out;
}

}  // namespace confab::sdp
