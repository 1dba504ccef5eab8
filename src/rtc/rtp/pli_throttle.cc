// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/rtp/pli_throttle.h"

namespace confab::rtp {

void PliThrottle::start_seeder(Timestamp now) {
    if (key_frame_seen_) return;
    seeder_next_ = now + kSeederInterval;
    seeder_end_ = now + kSeederLimit;
}

void PliThrottle::key_frame_received() {
    key_frame_seen_ = true;
    seeder_next_ = Timestamp::never();
}

bool PliThrottle::poll(Timestamp now) {
    if (now >= seeder_next_) {
        requested_ = true;
        seeder_next_ =
            now + kSeederInterval > seeder_end_ ? Timestamp::never() : now + kSeederInterval;
    }
    if (!requested_ || (sent_before_ && now - last_sent_ < interval_)) return false;
    requested_ = false;
    sent_before_ = true;
    last_sent_ = now;
    return true;
}

Timestamp PliThrottle::next_deadline() const {
    const Timestamp wanted = !requested_    ? Timestamp::never()
                             : sent_before_ ? last_sent_ + interval_
                                            : Timestamp{};
    return earlier(wanted, seeder_next_);
}

}  // namespace confab::rtp
