// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/subscribe/subscription_table.h"

#include <algorithm>

#include "room/publish/layers.h"

namespace confab::room {
namespace {

// A client that changes settings while a track ends leaves them here, and nothing else would take
// them away.
void drop_settings_alone(SubscriptionTable::Map& entries) {
    std::erase_if(entries, [](const auto& item) {
        return !item.second.wanted && item.second.wanted_since == Timestamp();
    });
}

}  // namespace

Subscription* SubscriptionTable::entry(const std::string& track_sid) {
    if (const auto it = entries_.find(track_sid); it != entries_.end()) return &it->second;
    if (track_sid.size() > kMaxSidBytes) return nullptr;
    if (entries_.size() >= kMaxEntries) drop_settings_alone(entries_);
    if (entries_.size() >= kMaxEntries) return nullptr;
    return &entries_[track_sid];
}

bool SubscriptionTable::want(Timestamp now, const std::string& track_sid) {
    Subscription* subscription = entry(track_sid);
    if (subscription == nullptr) return false;
    if (!subscription->wanted) {
        subscription->wanted = true;
        subscription->wanted_since = now;
        subscription->allowed.reset();
    }
    return true;
}

void SubscriptionTable::unwant(const std::string& track_sid) {
    const auto it = entries_.find(track_sid);
    if (it == entries_.end()) return;
    it->second.wanted = false;
    if (it->second.state == SubscriptionState::kNone && !it->second.settings) entries_.erase(it);
}

bool SubscriptionTable::set_settings(const std::string& track_sid,
                                     const livekit::UpdateTrackSettings& settings, Timestamp at) {
    Subscription* subscription = entry(track_sid);
    if (subscription == nullptr) return false;
    // Not a copy without the sids: protobuf keeps the memory of a list that is cleared, and a
    // request names up to 2000 of them (08 IMM-15).
    livekit::UpdateTrackSettings& kept = subscription->settings.emplace();
    kept.set_disabled(settings.disabled());
    kept.set_quality(settings.quality());
    kept.set_width(settings.width());
    kept.set_height(settings.height());
    kept.set_fps(settings.fps());
    kept.set_priority(settings.priority());
    subscription->apply_at = earlier(subscription->apply_at, at);
    settings_due_ = earlier(settings_due_, at);
    return true;
}

Subscription* SubscriptionTable::find(const std::string& track_sid) {
    const auto it = entries_.find(track_sid);
    return it == entries_.end() ? nullptr : &it->second;
}

std::size_t SubscriptionTable::active(bool video) const {
    return static_cast<std::size_t>(
        std::count_if(entries_.begin(), entries_.end(), [&](const auto& item) {
            return item.second.state != SubscriptionState::kNone && item.second.video == video;
        }));
}

bool waits(const Subscription& s) {
    return s.state == SubscriptionState::kWaiting ||
           (s.state == SubscriptionState::kBound && !s.sender.attached());
}

bool SubscriptionTable::has_unfulfilled() const {
    return std::any_of(entries_.begin(), entries_.end(), [](const auto& item) {
        const Subscription& s = item.second;
        return s.wanted && (s.state == SubscriptionState::kNone || (waits(s) && !s.stuck_told));
    });
}

std::vector<std::string> SubscriptionTable::take_due_settings(Timestamp now) {
    std::vector<std::string> due;
    if (settings_due_ > now) return due;
    settings_due_ = Timestamp::never();
    for (auto& [sid, subscription] : entries_) {
        if (subscription.apply_at > now) {
            settings_due_ = earlier(settings_due_, subscription.apply_at);
        } else {
            subscription.apply_at = Timestamp::never();
            due.push_back(sid);
        }
    }
    return due;
}

sfu::DownTrackSettings shard_settings(const livekit::TrackInfo& track,
                                      const std::optional<livekit::UpdateTrackSettings>& settings,
                                      bool adaptive) {
    sfu::DownTrackSettings result;
    const bool screen = track.source() == livekit::SCREEN_SHARE;
    result.priority = screen ? std::uint8_t{255} : std::uint8_t{1};
    livekit::VideoQuality quality = adaptive ? livekit::LOW : livekit::HIGH;
    if (settings) {
        result.enabled = !settings->disabled() && settings->quality() != livekit::OFF;
        quality = settings->width() > 0
                      ? quality_for_size(track, settings->width(), settings->height())
                      : settings->quality();
        result.max_fps = settings->fps();  // the shard knows the rates of the layers (SUB-03)
        // 1 is the highest, 0 means unset (SUB-06); the shard takes larger first.
        if (!screen && settings->priority() > 0)
            result.priority = static_cast<std::uint8_t>(
                1 + std::max<std::uint32_t>(0, 100 - std::min(settings->priority(), 100U)));
    }
    result.max_spatial = spatial_for_quality(track.layers(), quality);
    return result;
}

}  // namespace confab::room
