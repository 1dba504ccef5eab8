// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One DTLS 1.2 association as a poll machine over OpenSSL (RFC 6347): handshake, SRTP keys
// (RFC 5764), application data for SCTP (RFC 8261).
//
// There is no way to keys or application data before the peer's certificate matched a fingerprint
// of its SDP (08 IMM-6). Octets of anybody never end an association: alerts, junk and
// late plaintext are dropped and counted. close_notify is ignored (02 DTLS-05): ICE and signalling
// decide how long a peer connection lives.
//
// OpenSSL takes random octets from the system, so the octets on the wire differ from run to run
// (02 DES-53); its timer runs on our `now`.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/state/state.h"
#include "base/time.h"
#include "rtc/dtls/context.h"
#include "rtc/dtls/dtls_types.h"

namespace confab::dtls {

class Session {
  public:
    // `context` may go away before the session does.
    Session(const Context& context, Config config);
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;
    ~Session();

    // A client sends its hello; both start the clock of kHandshakeLimit. Further calls do nothing.
    void start(Timestamp now);
    // Needed when they were not in the Config, ignored otherwise; at most kMaxFingerprints are
    // used.
    void set_expected_fingerprints(Timestamp now, std::vector<Fingerprint> fingerprints);

    // One datagram whose first octet is 20…63 (RFC 7983). Before start() it is dropped.
    void handle_packet(Timestamp now, BytesView datagram);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return deadline_; }

    // Datagrams to send, handshake ones of at most kMtu octets.
    std::optional<Bytes> poll_transmit();
    std::optional<Event> poll_event();
    // Decrypted records, each a whole SCTP packet, in the order of arrival.
    std::optional<Bytes> poll_application_data();

    // False, and nothing sent, unless connected() and 1…kMaxApplicationData octets.
    bool send_application_data(BytesView data);

    // The handshake is through, its event was taken, and the suite is AEAD.
    bool is_movable() const;
    // Keys, numbers and what poll_…() would still give (base/state/state.h). Only if is_movable();
    // this session must send nothing any more.
    void save(StateWriter& out) const;
    // A session without libssl: its records are protected by own code from the first one on.
    static std::optional<Session> load(StateReader& in);
    // Leaves out record numbers that the owner before may have used beyond what it told (02
    // TRAP-14). Only for one that was loaded.
    void skip_ahead(std::uint64_t count);

    bool connected() const;
    bool failed() const;
    Role role() const;
    Counters snapshot() const;

  private:
    class Impl;
    explicit Session(std::unique_ptr<Impl> impl);
    void changed();
    template <typename Queue>
    auto take(Queue& queue);

    std::unique_ptr<Impl> impl_;
    // What it is asked for again and again while nothing happens to it, each time a way to memory
    // that no cache holds any more: told here.
    Timestamp deadline_ = Timestamp::never();
    bool has_output_ = false;
};

}  // namespace confab::dtls
