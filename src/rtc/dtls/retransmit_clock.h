// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Drives OpenSSL's handshake retransmission by our `now` (RFC 6347 §4.2.4, 02 DTLS-04).
// libssl compares the expiry of its timer with the system's clock. Up to version 3.1 it hands its
// BIO a pointer to that expiry time, so that it can be kept far in the future and set to the past
// exactly when our deadline is reached. Later versions pass a copy: there the timer gets the same
// durations as ours and is asked again shortly after if it is not yet of our opinion; then virtual
// time can not run ahead of real time during a handshake (02 DES-53). Internal to rtc/dtls.
#pragma once

#include "base/time.h"
#include "rtc/dtls/datagram_bio.h"

struct ssl_st;

namespace confab::dtls {

class RetransmitClock {
  public:
    // Installs the timer callback.
    void attach(ssl_st* ssl);
    // To be called after every call into the SSL object.
    void observe(const DatagramPort& port, Timestamp now);
    // When expired() is due.
    Timestamp deadline() const { return deadline_; }

    enum class Outcome : std::uint8_t { kNothing, kRetransmitted, kGaveUp };
    // To be called at or after the deadline; sends the last flight again.
    Outcome expired(ssl_st* ssl, DatagramPort& port, Timestamp now);

  private:
    Duration interval_ = Duration::zero();
    int repetitions_ = 0;
    Timestamp deadline_ = Timestamp::never();
    std::uint64_t seen_changes_ = 0;
};

}  // namespace confab::dtls
