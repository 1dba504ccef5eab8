// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/presence.h"

#include <algorithm>
#include <utility>

namespace confab::room {
namespace {

// Times of pings that are none of any clock: nothing follows from them.
constexpr std::int64_t kMaxClientMs = std::int64_t{1} << 53;

}  // namespace

void Presence::heard(Timestamp now) {
    alive_at_ = now;
    if (!clock_offset_ms_) heard_at_ = now;
}

void Presence::pinged(Timestamp now, std::int64_t client_ms) {
    if (client_ms <= 0 || client_ms > kMaxClientMs) return;
    const std::int64_t offset = now.ms() - client_ms;
    clock_offset_ms_ = std::min(clock_offset_ms_.value_or(offset), offset);
    heard_at_ = std::max(heard_at_, Timestamp::micros((client_ms + *clock_offset_ms_) * 1000));
}

Timestamp Presence::resumed(Timestamp now) {
    resume_deadline_ = media_lost_at_.is_never()
                           ? Timestamp::never()
                           : earlier(now + kRecoverWindow, media_lost_at_ + kMaxWithoutMedia);
    alive_at_ = now;
    return heard_at_;
}

void Presence::link_failed(Timestamp now, bool media_lost) {
    if (media_lost) media_lost_at_ = earlier(media_lost_at_, now);
    resume_deadline_ = now + kResumeWindow;
    if (!media_lost_at_.is_never())
        resume_deadline_ = earlier(resume_deadline_, media_lost_at_ + kMaxWithoutMedia);
}

void Presence::media_returned(bool signalled) {
    if (media_lost_at_.is_never()) return;
    media_lost_at_ = Timestamp::never();
    if (signalled) resume_deadline_ = Timestamp::never();
}

Presence::End Presence::due(Timestamp now) const {
    if (join_deadline_ <= now) return End::kNeverActive;
    return resume_deadline_ <= now ? End::kNotBack : End::kNone;
}

void SimulatedDrops::arm(Timestamp now, When when) {
    armed_[when] = true;
    until_ = now + kWindow;
}

bool SimulatedDrops::take(Timestamp now, When when) {
    return now < until_ && std::exchange(armed_[when], false);
}

}  // namespace confab::room
