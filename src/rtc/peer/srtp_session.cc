// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/peer/srtp_session.h"

#include <algorithm>
#include <array>

namespace confab::peer {
namespace {

constexpr std::size_t kMaxTried = 1500;  // a datagram of media (02 NET-01)

}  // namespace

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

bool SrtpSession::may_be_from_peer(BytesView datagram, Media::Kind kind) {
    if (!receive_) return false;
    return kind == Media::Kind::kRtp ? receive_->may_follow_rtp(datagram)
                                     : receive_->may_follow_rtcp(datagram);
}

bool SrtpSession::is_from_peer(BytesView datagram, Media::Kind kind) {
    std::array<std::uint8_t, kMaxTried> copy;
    if (!may_be_from_peer(datagram, kind) || datagram.size() > copy.size()) return false;
    std::ranges::copy(datagram, copy.begin());
    const BytesSpan packet = BytesSpan(copy).first(datagram.size());
    return (kind == Media::Kind::kRtp ? receive_->unprotect_rtp(packet)
                                      : receive_->unprotect_rtcp(packet))
        .has_value();
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
