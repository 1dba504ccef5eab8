// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/peer/srtp_session.h"

namespace confab::peer {

void SrtpSession::start(srtp::Engine& engine, const srtp::MasterKey& local,
                        const srtp::MasterKey& remote) {
    send_.emplace(engine, local);
    receive_.emplace(engine, remote);
}

Media SrtpSession::unprotect(Timestamp now, BytesSpan datagram, Media::Kind kind) {
    if (!receive_) {
        ++counters_.before_keys;
        return {};
    }
    if (is_shed(now, datagram, kind)) {
        ++counters_.throttled;
        return {};
    }
    const auto size = kind == Media::Kind::kRtp ? receive_->unprotect_rtp(datagram)
                                                : receive_->unprotect_rtcp(datagram);
    if (!size) {
        note_failure(now);
        return {};
    }
    return {kind, datagram.first(*size)};
}

// After too many failures within a second only streams that were authentic before are tried for the
// rest of it (DES-25). Anybody can send us a hundred packets with the publisher's address in them;
// the SSRCs of its streams only somebody on the path knows, who could as well drop its packets.
bool SrtpSession::is_shed(Timestamp now, BytesView datagram, Media::Kind kind) {
    if (failures_in_window_ < kMaxFailuresPerSecond) return false;
    if (now - failure_window_ >= Duration::seconds(1)) {
        failures_in_window_ = 0;
        return false;
    }
    return kind == Media::Kind::kRtp ? !receive_->knows_rtp(datagram)
                                     : !receive_->knows_rtcp(datagram);
}

void SrtpSession::note_failure(Timestamp now) {
    ++counters_.failures;
    if (failures_in_window_ == 0 || now - failure_window_ >= Duration::seconds(1)) {
        failure_window_ = now;
        failures_in_window_ = 0;
    }
    ++failures_in_window_;
}

}  // namespace confab::peer
