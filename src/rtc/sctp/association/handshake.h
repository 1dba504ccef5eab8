// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The four-way handshake of one side, its collisions, tags, cookies and the T1 timer
// (RFC 9260 §5.1, §5.2, §8.5). Tag and initial TSN are chosen once, so every INIT and INIT-ACK of
// ours says the same and a simultaneous open ends in one association (DC-01).
//
//   kIdle → connect(): kCookieWait, INIT sent → INIT-ACK: kCookieEchoed → COOKIE-ACK: kDone
//   the peer's COOKIE-ECHO leads to kDone from each of them
#pragma once

#include <cstdint>
#include <optional>

#include "base/rng.h"
#include "base/state/state.h"
#include "rtc/sctp/association/packet_queue.h"
#include "rtc/sctp/send/path.h"
#include "wire/sctp/sctp_init.h"

namespace confab::sctp {

class Handshake {
  public:
    enum class Phase : std::uint8_t { kIdle, kCookieWait, kCookieEchoed, kDone };
    // What INIT or INIT-ACK says of its sender.
    struct Peer {
        std::uint32_t tag = 0;  // 0: not known yet
        std::uint32_t initial_tsn = 0;
        std::uint32_t a_rwnd = 0;
        wire::sctp::Extensions extensions;
    };
    // What an input came to, in the order in which the owner follows it.
    struct Step {
        bool peer_known = false;  // peer() is new; its numbers start here
        std::optional<Aborted> failure;
        bool established = false;
    };

    Handshake(const Config& config, Rng rng);

    // Sends INIT; nothing when not idle.
    void connect(Timestamp now, Duration rto, PacketQueue& out);
    // Answered in every phase, changes none. `window`: what the peer may send at once.
    void handle_init(const wire::sctp::ChunkView& chunk, std::uint32_t window, PacketQueue& out);
    Step handle_init_ack(const wire::sctp::ChunkView& chunk, Timestamp now, Duration rto,
                         PacketQueue& out);
    Step handle_cookie_echo(const wire::sctp::ChunkView& chunk);
    Step handle_cookie_ack();
    // ERROR with a stale cookie starts again, within the same number of tries.
    Step handle_error(const wire::sctp::ChunkView& chunk, Timestamp now, Duration rto,
                      PacketQueue& out);
    Step handle_timeout(Timestamp now, Path& path, PacketQueue& out);
    // Sends again what a timeout was not answered for; it counts as no try.
    Step retry(Timestamp now, Duration rto, PacketQueue& out);
    Timestamp deadline() const { return t1_; }
    // COOKIE-ACK, when one is due; it travels with other chunks.
    void write_cookie_ack(wire::sctp::PacketWriter& packet);
    void clear();

    // Whether a packet that begins with this chunk may carry that tag (RFC 9260 §8.5, §8.5.1).
    bool tag_is_valid(std::uint32_t tag, const wire::sctp::ChunkView& first) const;
    Phase phase() const { return phase_; }
    const Peer& peer() const { return peer_; }
    std::uint32_t initial_tsn() const { return initial_tsn_; }
    std::uint64_t timeouts() const { return timeouts_; }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    // The last INIT of the peer, kept for its COOKIE-ECHO. The cookie itself is only a random
    // number: DTLS has authenticated the peer, and there is one of these (RFC 9260 §5.1.3).
    struct PendingInit {
        std::uint64_t nonce = 0;
        Peer peer;
    };

    wire::sctp::InitView own_init(std::uint32_t window) const;
    void send_init(Timestamp now, Duration rto, PacketQueue& out);
    std::optional<Aborted> send_cookie_echo(Timestamp now, Duration rto, PacketQueue& out);
    std::optional<Aborted> send_again(Timestamp now, Duration rto, PacketQueue& out);
    void finish();

    std::uint32_t a_rwnd_;
    std::uint16_t streams_;
    int max_retransmits_;
    Duration backoff_max_;
    Rng rng_;
    std::uint32_t tag_;
    std::uint32_t initial_tsn_;
    Phase phase_ = Phase::kIdle;
    Peer peer_;
    std::optional<PendingInit> pending_;
    std::uint64_t accepted_nonce_ = 0;
    Bytes cookie_;                       // the peer's, until COOKIE-ACK
    Timestamp t1_ = Timestamp::never();  // INIT, COOKIE-ECHO
    int tries_ = 0;
    std::uint64_t timeouts_ = 0;
    bool cookie_ack_due_ = false;
};

}  // namespace confab::sctp
