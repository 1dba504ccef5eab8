// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The transport under one SSL object: a BIO that keeps datagram borders, reads one datagram that it
// is lent and collects those to send, without the two buffers of memory BIOs (02 DES-34). It also
// tells when OpenSSL starts and stops its retransmission timer. Internal to rtc/dtls.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/ring.h"
#include "rtc/dtls/record_layer.h"

struct bio_st;
struct timeval;

namespace confab::dtls {

inline constexpr std::size_t kTransmitQueue = 64;  // datagrams; a flight has five at most
inline constexpr std::size_t kMaxFlight = 8;

struct DatagramPort {
    BytesView incoming;  // lent for the duration of one call; empty when read
    Ring<Bytes, kTransmitQueue> outgoing;
    std::uint64_t dropped = 0;  // datagrams that found the queue full
    SendNumbers sent;           // of all that was written

    // OpenSSL's timer: running or not, and how often it was started or stopped.
    bool timer_running = false;
    std::uint64_t timer_changes = 0;
    // What was written while it ran: the flight that waits for its answer.
    std::vector<Bytes> flight;
    // OpenSSL's own expiry time, where this library version shows it (retransmit_clock.h).
    timeval* library_expiry = nullptr;
};

// The caller owns the result until an SSL object takes it; `port` must outlive it.
bio_st* make_datagram_bio(DatagramPort& port);

}  // namespace confab::dtls
