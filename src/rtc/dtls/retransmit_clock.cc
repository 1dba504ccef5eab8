// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Intervals 100, 200, 400 … ms up to two seconds. libssl makes the connection fail at the
// thirteenth repetition of a flight, so there are twelve, within 17 s. The last of them is sent
// again by us, octet by octet, as long as the handshake may take: a path that carries DTLS may be
// found late (02 ICE-17), and who has got no hello repeats nothing. Where the peer has got it, and
// its answer was lost, it drops the copy as a replay and repeats its own flight.
#include "rtc/dtls/retransmit_clock.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

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

// What was not polled yet is new enough.
void send_again(DatagramPort& port) {
    if (!port.outgoing.empty()) return;
    for (const Bytes& datagram : port.flight)
        (void)port.outgoing.push(datagram);
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
    if (!port.timer_running) {
        deadline_ = Timestamp::never();
        return Outcome::kNothing;
    }
    if (repetitions_ >= kMaxRetransmissions) {
        send_again(port);
        deadline_ = now + interval_;
        return Outcome::kRetransmitted;
    }
    const std::vector<Bytes> before = std::exchange(port.flight, {});
    if (expiry_is_shared() && port.library_expiry != nullptr) *port.library_expiry = {1, 0};
    const long result = DTLSv1_handle_timeout(ssl);
    if (result < 0) return Outcome::kGaveUp;
    if (result == 0) {
        port.flight = before;
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
