// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/rtp/transport_cc_responder.h"

#include <algorithm>
#include <span>

namespace confab::rtp {

void TransportCcResponder::received(Timestamp now, std::uint16_t sequence, std::uint32_t media_ssrc,
                                    bool marker) {
    const std::int64_t extended = unwrapper_.unwrap(sequence);
    media_ssrc_ = media_ssrc;
    marker_ = marker_ || marker;
    if (!reported_before_ && size_ == 0) last_report_ = now;
    if (size_ == kMaxHeld) return;
    if (!held_) held_ = std::make_unique<std::array<wire::TransportArrival, kMaxHeld>>();
    auto& held = *held_;
    // Nearly always the newest; a late one is moved to its place, a repeated one left out.
    std::size_t at = size_;
    while (at > 0 && held[at - 1].sequence > extended)
        --at;
    if (at > 0 && held[at - 1].sequence == extended) return;
    std::move_backward(held.begin() + static_cast<std::ptrdiff_t>(at),
                       held.begin() + static_cast<std::ptrdiff_t>(size_),
                       held.begin() + static_cast<std::ptrdiff_t>(size_ + 1));
    held[at] = {extended, now + clock_};
    ++size_;
}

bool TransportCcResponder::due(Timestamp now) const {
    if (size_ <= kMinHeld) return false;
    const Duration since = now - last_report_;
    return since >= kInterval || size_ > kManyHeld || (marker_ && since >= kMarkerInterval);
}

bool TransportCcResponder::write(Timestamp now, ByteWriter& out) {
    std::size_t written = 0;
    while (written < size_) {
        const auto waiting = std::span(*held_).subspan(written, size_ - written);
        const std::size_t covered = wire::write_transport_feedback(out, sender_ssrc_, media_ssrc_,
                                                                   feedback_count_, waiting, next_);
        if (covered == 0) break;
        ++feedback_count_;
        written += covered;
        const std::int64_t last = waiting[covered - 1].sequence;
        next_ = std::max(next_.value_or(last + 1), last + 1);
    }
    if (written == 0) return false;
    auto& held = *held_;
    std::move(held.begin() + static_cast<std::ptrdiff_t>(written),
              held.begin() + static_cast<std::ptrdiff_t>(size_), held.begin());
    size_ -= written;
    marker_ = false;
    reported_before_ = true;
    last_report_ = now;
    return true;
}

}  // namespace confab::rtp
