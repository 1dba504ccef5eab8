// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rules of RFC 3758 §3.5.
#include "rtc/sctp/send/forward_tsn.h"

#include <algorithm>

namespace confab::sctp {

void ForwardTsn::update(const Outstanding& outstanding) {
    if (due_ || !outstanding.has_skip()) return;
    const auto skip = outstanding.skip();
    due_ = skip && skip->tsn != sent_tsn_;
}

void ForwardTsn::handle_sack(const Outstanding& outstanding, Timestamp now, Duration srtt) {
    update(outstanding);
    if (due_ || !outstanding.has_skip()) return;
    due_ = now - sent_at_ >= std::max(srtt, Duration::millis(1));
}

bool ForwardTsn::write(const Outstanding& outstanding, Timestamp now,
                       wire::sctp::PacketWriter& packet) {
    if (!due_) return false;
    const auto skip = outstanding.skip();
    if (!skip) {
        due_ = false;
        return false;
    }
    if (!wire::sctp::write_forward_tsn(packet, skip->tsn, skip->streams)) return false;
    due_ = false;
    sent_tsn_ = skip->tsn;
    sent_at_ = now;
    return true;
}

}  // namespace confab::sctp
