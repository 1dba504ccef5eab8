// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Intervals 100, 200, 400 … ms up to two seconds. libssl makes the connection fail at the
// thirteenth repetition of a flight, so there are twelve, within 17 s; then the peer's own
// repetitions are waited for.
#include "rtc/dtls/retransmit_clock.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <algorithm>

#include "rtc/dtls/dtls_types.h"

namespace confab::dtls {
namespace {

constexpr unsigned kNever = 3'600'000'000;  // µs, one hour: far beyond any handshake
constexpr Duration kAskAgain = Duration::millis(5);

// Asked of the library that is loaded, not of the one compiled against: both are libssl.so.3.
bool expiry_is_shared() {
    static const bool kShared = OpenSSL_version_num() < 0x3020'0000UL;
    return kShared;
}

unsigned library_interval(SSL*, unsigned previous) {
    if (expiry_is_shared()) return kNever;
    if (previous == 0) return static_cast<unsigned>(kFirstRetransmit.us());
    return std::min(previous * 2, static_cast<unsigned>(kMaxRetransmit.us()));
}

}  // namespace

void RetransmitClock::attach(ssl_st* ssl) {
    DTLS_set_timer_cb(ssl, &library_interval);
}

void RetransmitClock::observe(const DatagramPort& port, Timestamp now) {
    if (port.timer_changes == seen_changes_) return;
    seen_changes_ = port.timer_changes;
    repetitions_ = 0;
    interval_ = kFirstRetransmit;  // an answer came and a new flight went out
    deadline_ = port.timer_running ? now + interval_ : Timestamp::never();
}

RetransmitClock::Outcome RetransmitClock::expired(ssl_st* ssl, DatagramPort& port, Timestamp now) {
    if (!port.timer_running || repetitions_ >= kMaxRetransmissions) {
        deadline_ = Timestamp::never();
        return Outcome::kNothing;
    }
    if (expiry_is_shared() && port.library_expiry != nullptr) *port.library_expiry = {1, 0};
    const long result = DTLSv1_handle_timeout(ssl);
    if (result < 0) return Outcome::kGaveUp;
    if (result == 0) {
        deadline_ = now + kAskAgain;
        return Outcome::kNothing;
    }
    seen_changes_ = port.timer_changes;
    ++repetitions_;
    interval_ = std::min(interval_ * 2, kMaxRetransmit);
    deadline_ = now + interval_;
    return Outcome::kRetransmitted;
}

}  // namespace confab::dtls
