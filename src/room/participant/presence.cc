// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/presence.h"

#include <utility>

namespace confab::room {

Timestamp Presence::resumed(Timestamp now) {
    resume_deadline_ = media_lost_at_.is_never()
                           ? Timestamp::never()
                           : earlier(now + kRecoverWindow, media_lost_at_ + kMaxWithoutMedia);
    return std::exchange(last_heard_, now);
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
