// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Looks at every datagram before OpenSSL does. Plaintext records (epoch 0) carry no proof of their
// sender, so what only an attacker or a broken peer would send is dropped here, where it can not
// end a handshake (08 IMM-1, IMM-4).
// Alerts are dropped in both epochs: a plaintext one may come from anybody, and an encrypted one is
// nearly always the close_notify that 02 DTLS-05 wants ignored, after which libssl would not read
// on. A handshake that the peer gave up ends at its time limit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "rtc/dtls/dtls_types.h"

namespace confab::dtls {

class RecordFilter {
  public:
    explicit RecordFilter(Role role) : role_(role) {}

    enum class Phase : std::uint8_t {
        kHandshake,      // everything plausible passes
        kDoneRepeating,  // encrypted records only, of the handshake what may be a Finished
        kDone,           // and of these no handshake messages
    };

    // The records of the datagram that may be processed, or nothing. The result lives in this
    // object until the next call.
    //
    // Epoch 0 records are renumbered in the order of arrival: their numbers are unauthenticated,
    // and one spoofed high number would close OpenSSL's replay window for all real ones.
    BytesView filter(BytesView datagram, Phase phase, Counters& counters);
    // The last result held an encrypted handshake message.
    bool passed_encrypted_handshake() const { return passed_encrypted_handshake_; }

  private:
    bool passes(std::uint8_t type, std::uint16_t epoch, BytesView body, Phase phase,
                Counters& counters);
    bool plaintext_ok(std::uint8_t type, BytesView body) const;
    bool handshake_ok(BytesView body) const;
    bool message_expected(std::uint8_t type, std::uint16_t sequence) const;

    Role role_;
    bool passed_encrypted_handshake_ = false;
    std::uint64_t next_number_ = 0;
    std::array<std::uint8_t, kMaxDatagram> passed_;
};

}  // namespace confab::dtls
