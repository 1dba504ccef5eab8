// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/roster/broadcaster.h"

#include <utility>

namespace confab::room {

Broadcaster::Broadcaster(Timestamp created, Duration interval)
    : created_(created), interval_(interval), next_tick_(created + interval) {}

Timestamp Broadcaster::tick_after(Timestamp now) const {
    const std::int64_t passed = (now - created_).us() / interval_.us();
    return created_ + interval_ * (passed + 1);
}

std::vector<Broadcaster::Update> Broadcaster::push(Timestamp now, livekit::ParticipantInfo info,
                                                   bool immediate) {
    std::vector<Update> result;
    const auto waiting = waiting_.find(info.identity());
    if (waiting != waiting_.end()) {
        livekit::ParticipantInfo& old = waiting->second;
        if (old.sid() != info.sid()) {
            old.set_state(livekit::ParticipantInfo::DISCONNECTED);
            old.clear_tracks();
            // Clients let go of tracks that the new session does not have yet: it waits like any
            // other.
            immediate = immediate || !old.is_publisher();
            // Nobody hears of a hidden successor that the old session is gone.
            result.push_back({std::move(old), !info.permission().hidden()});
        } else if (old.version() > info.version()) {
            return result;
        }
        waiting_.erase(waiting);
    }
    if (immediate) {
        result.push_back({std::move(info), false});
    } else {
        // Ticks with nothing to send were not waited for.
        if (waiting_.empty()) next_tick_ = tick_after(now);
        std::string identity = info.identity();
        waiting_[std::move(identity)] = std::move(info);
    }
    return result;
}

std::vector<livekit::ParticipantInfo> Broadcaster::poll_batch(Timestamp now) {
    std::vector<livekit::ParticipantInfo> result;
    if (now < next_tick_) return result;
    next_tick_ = tick_after(now);
    for (auto& [identity, info] : waiting_)
        result.push_back(std::move(info));
    waiting_.clear();
    return result;
}

Timestamp Broadcaster::next_deadline() const {
    return waiting_.empty() ? Timestamp::never() : next_tick_;
}

}  // namespace confab::room
