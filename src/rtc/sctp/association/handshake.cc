// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// INIT, INIT-ACK, COOKIE-ECHO and COOKIE-ACK (RFC 9260 §5.1, §5.2).
#include "rtc/sctp/association/handshake.h"

#include <array>

#include "rtc/sctp/limits.h"
#include "wire/sctp/sctp_chunks.h"

namespace confab::sctp {

using wire::sctp::Cause;
using wire::sctp::ChunkType;
using wire::sctp::ChunkView;
using wire::sctp::PacketWriter;

namespace {

std::uint32_t nonzero(Rng& rng) {
    const std::uint32_t value = rng.u32();
    return value != 0 ? value : 1;
}

Handshake::Peer peer_of(const wire::sctp::InitView& init) {
    return {init.initiate_tag, init.initial_tsn, init.a_rwnd, init.extensions};
}

}  // namespace

Handshake::Handshake(const Config& config, Rng rng)
    : a_rwnd_(config.a_rwnd),
      streams_(config.streams),
      max_retransmits_(config.max_init_retransmits),
      backoff_max_(config.init_backoff_max),
      rng_(rng),
      tag_(nonzero(rng_)),
      initial_tsn_(rng_.u32()) {}

bool Handshake::tag_is_valid(std::uint32_t tag, const ChunkView& first) const {
    switch (first.type) {
        case ChunkType::kInit:
            return tag == 0;
        case ChunkType::kAbort:
        case ChunkType::kShutdownComplete:
            if ((first.flags & wire::sctp::kFlagTagReflected) != 0)
                return peer_.tag != 0 && tag == peer_.tag;
            return tag == tag_;
        default:
            return tag == tag_;
    }
}

void Handshake::connect(Timestamp now, Duration rto, PacketQueue& out) {
    if (phase_ != Phase::kIdle) return;
    phase_ = Phase::kCookieWait;
    send_init(now, rto, out);
}

wire::sctp::InitView Handshake::own_init(std::uint32_t window) const {
    wire::sctp::InitView init;
    init.initiate_tag = tag_;
    init.a_rwnd = window;
    init.outbound_streams = streams_;
    init.inbound_streams = streams_;
    init.initial_tsn = initial_tsn_;
    return init;
}

void Handshake::send_init(Timestamp now, Duration rto, PacketQueue& out) {
    PacketWriter packet = out.start(0);
    if (wire::sctp::write_init(packet, ChunkType::kInit, own_init(a_rwnd_)))
        out.push(packet.finish());
    t1_ = now + rto;
}

std::optional<Aborted> Handshake::send_cookie_echo(Timestamp now, Duration rto, PacketQueue& out) {
    PacketWriter packet = out.start(peer_.tag);
    auto writer = packet.chunk(ChunkType::kCookieEcho, 0, cookie_.size());
    if (!writer) return Aborted{AbortReason::kProtocolViolation, Cause::kOutOfResource};
    writer->bytes(cookie_);
    out.push(packet.finish());
    t1_ = now + rto;
    return std::nullopt;
}

Handshake::Step Handshake::handle_timeout(Timestamp now, Path& path, PacketQueue& out) {
    t1_ = Timestamp::never();
    Step step;
    if (++tries_ > max_retransmits_) {
        step.failure = Aborted{AbortReason::kHandshakeTimeout, Cause::kNone};
        return step;
    }
    ++timeouts_;
    path.back_off(backoff_max_);
    step.failure = send_again(now, path.rto(), out);
    return step;
}

Handshake::Step Handshake::retry(Timestamp now, Duration rto, PacketQueue& out) {
    Step step;
    if (tries_ > 0) step.failure = send_again(now, rto, out);
    return step;
}

std::optional<Aborted> Handshake::send_again(Timestamp now, Duration rto, PacketQueue& out) {
    if (phase_ == Phase::kCookieEchoed) return send_cookie_echo(now, rto, out);
    if (phase_ == Phase::kCookieWait) send_init(now, rto, out);
    return std::nullopt;
}

// §5.1, §5.2.1, §5.2.2. An INIT that comes again gets the same cookie.
void Handshake::handle_init(const ChunkView& chunk, std::uint32_t window, PacketQueue& out) {
    const auto init = wire::sctp::parse_init(chunk);
    if (!init) return;
    const bool repeated = pending_ && pending_->peer.tag == init->initiate_tag &&
                          pending_->peer.initial_tsn == init->initial_tsn;
    pending_ = PendingInit{repeated ? pending_->nonce : rng_.u64(), peer_of(*init)};

    std::array<std::uint8_t, 8> cookie{};
    store_be64(cookie.data(), pending_->nonce);
    wire::sctp::InitView answer = own_init(window);
    answer.cookie = cookie;
    answer.unrecognized = init->unrecognized;
    answer.unrecognized_count = init->unrecognized_count;
    PacketWriter packet = out.start(init->initiate_tag);
    if (wire::sctp::write_init(packet, ChunkType::kInitAck, answer)) out.push(packet.finish());
}

Handshake::Step Handshake::handle_init_ack(const ChunkView& chunk, Timestamp now, Duration rto,
                                           PacketQueue& out) {
    Step step;
    if (phase_ != Phase::kCookieWait) return step;  // §5.2.3
    const auto init = wire::sctp::parse_init(chunk);
    if (!init || init->cookie.empty() || init->cookie.size() > kMaxCookie) {
        step.failure = Aborted{AbortReason::kProtocolViolation, Cause::kMissingParameter};
        return step;
    }
    peer_ = peer_of(*init);
    cookie_ = to_vector(init->cookie);
    phase_ = Phase::kCookieEchoed;
    tries_ = 0;
    step.peer_known = true;
    step.failure = send_cookie_echo(now, rto, out);
    return step;
}

// The table of §5.2.4. Actions B and D establish; A, a restart of the peer, can not happen on a
// DTLS connection that goes on and ends the association; C is a cookie we no longer know.
Handshake::Step Handshake::handle_cookie_echo(const ChunkView& chunk) {
    Step step;
    if (chunk.value.size() != 8) return step;
    const std::uint64_t nonce = load_be64(chunk.value.data());
    const bool is_pending = pending_ && pending_->nonce == nonce;
    if (phase_ != Phase::kDone) {
        if (!is_pending) return step;
        peer_ = pending_->peer;
        accepted_nonce_ = nonce;
        cookie_ack_due_ = true;
        finish();
        step.peer_known = true;
        step.established = true;
    } else if (nonce == accepted_nonce_ || (is_pending && pending_->peer.tag == peer_.tag)) {
        cookie_ack_due_ = true;  // our COOKIE-ACK was lost
    } else if (is_pending) {
        peer_.tag = pending_->peer.tag;  // the ABORT goes to the one that started anew
        step.failure = Aborted{AbortReason::kPeerRestarted, Cause::kNone};
    }
    return step;
}

Handshake::Step Handshake::handle_cookie_ack() {
    Step step;
    if (phase_ != Phase::kCookieEchoed) return step;
    finish();
    step.established = true;
    return step;
}

// §5.2.6: the cookie was too old.
Handshake::Step Handshake::handle_error(const ChunkView& chunk, Timestamp now, Duration rto,
                                        PacketQueue& out) {
    Step step;
    if (phase_ != Phase::kCookieEchoed || wire::sctp::first_cause(chunk) != Cause::kStaleCookie)
        return step;
    if (++tries_ > max_retransmits_) {
        step.failure = Aborted{AbortReason::kHandshakeTimeout, Cause::kStaleCookie};
        return step;
    }
    phase_ = Phase::kCookieWait;
    cookie_ = {};
    send_init(now, rto, out);
    return step;
}

void Handshake::write_cookie_ack(PacketWriter& packet) {
    if (cookie_ack_due_ && packet.chunk(ChunkType::kCookieAck, 0, 0)) cookie_ack_due_ = false;
}

void Handshake::finish() {
    phase_ = Phase::kDone;
    t1_ = Timestamp::never();
    cookie_ = {};
    tries_ = 0;
}

void Handshake::clear() {
    t1_ = Timestamp::never();
    cookie_ = {};
    pending_.reset();
}

}  // namespace confab::sctp
