// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The four-way handshake and its collisions (RFC 9260 §5.1, §5.2). Tag and initial TSN are chosen
// once, so every INIT and INIT-ACK of ours says the same and a simultaneous open ends in one
// association (DC-01).
#include <algorithm>

#include "rtc/sctp/association/association.h"
#include "rtc/sctp/limits.h"

namespace confab::sctp {

using wire::sctp::ChunkType;
using wire::sctp::ChunkView;

void Association::connect(Timestamp now) {
    now_ = now;
    if (state_ != State::kIdle) return;
    state_ = State::kCookieWait;
    handshake_tries_ = 0;
    send_init();
}

void Association::send_init() {
    wire::sctp::InitView init;
    init.initiate_tag = my_tag_;
    init.a_rwnd = config_.a_rwnd;
    init.outbound_streams = config_.streams;
    init.inbound_streams = config_.streams;
    init.initial_tsn = my_initial_tsn_;
    auto packet = start_packet(0);
    if (wire::sctp::write_init(packet, ChunkType::kInit, init)) queue_packet(packet.finish());
    t1_ = now_ + rto_.rto();
}

void Association::send_cookie_echo() {
    auto packet = start_packet();
    auto writer = packet.chunk(ChunkType::kCookieEcho, 0, cookie_.size());
    if (!writer)
        return fail_with(AbortReason::kProtocolViolation, wire::sctp::Cause::kOutOfResource);
    writer->bytes(cookie_);
    queue_packet(packet.finish());
    t1_ = now_ + rto_.rto();
}

void Association::handle_handshake_timeout() {
    t1_ = Timestamp::never();
    if (++handshake_tries_ > config_.max_init_retransmits)
        return fail_with(AbortReason::kHandshakeTimeout, wire::sctp::Cause::kNone);
    ++counters_.timeouts;
    rto_.back_off();
    if (state_ == State::kCookieWait) send_init();
    if (state_ == State::kCookieEchoed) send_cookie_echo();
}

// §5.1, §5.2.1, §5.2.2: always answered, never changes the state.
void Association::handle_init(const ChunkView& chunk) {
    const auto init = wire::sctp::parse_init(chunk);
    if (!init || state_ == State::kShutdownAckSent) return;
    const bool repeated = pending_ && pending_->tag == init->initiate_tag &&
                          pending_->initial_tsn == init->initial_tsn;
    PendingInit pending;
    pending.nonce = repeated ? pending_->nonce : rng_.u64();
    pending.tag = init->initiate_tag;
    pending.initial_tsn = init->initial_tsn;
    pending.a_rwnd = init->a_rwnd;
    pending.extensions = init->extensions;
    pending_ = pending;

    std::array<std::uint8_t, 8> cookie{};
    store_be64(cookie.data(), pending.nonce);
    wire::sctp::InitView answer;
    answer.initiate_tag = my_tag_;
    answer.a_rwnd = window();
    answer.outbound_streams = config_.streams;
    answer.inbound_streams = config_.streams;
    answer.initial_tsn = my_initial_tsn_;
    answer.cookie = cookie;
    answer.unrecognized = init->unrecognized;
    answer.unrecognized_count = init->unrecognized_count;
    auto packet = start_packet(init->initiate_tag);
    if (wire::sctp::write_init(packet, ChunkType::kInitAck, answer)) queue_packet(packet.finish());
}

void Association::handle_init_ack(const ChunkView& chunk) {
    if (state_ != State::kCookieWait) return;  // §5.2.3
    const auto init = wire::sctp::parse_init(chunk);
    if (!init || init->cookie.empty() || init->cookie.size() > kMaxCookie)
        return fail_with(AbortReason::kProtocolViolation, wire::sctp::Cause::kMissingParameter);
    PendingInit peer;
    peer.tag = init->initiate_tag;
    peer.initial_tsn = init->initial_tsn;
    peer.a_rwnd = init->a_rwnd;
    peer.extensions = init->extensions;
    adopt_peer(peer);
    cookie_ = to_vector(init->cookie);
    state_ = State::kCookieEchoed;
    handshake_tries_ = 0;
    send_cookie_echo();
}

void Association::adopt_peer(const PendingInit& peer) {
    peer_tag_ = peer.tag;
    peer_rwnd_ = peer.a_rwnd;
    peer_extensions_ = peer.extensions;
    tracker_ = RxTracker(peer.initial_tsn);
    resets_.set_peer_initial_tsn(peer.initial_tsn);
    outstanding_.set_partial_reliability(peer.extensions.forward_tsn);
}

// The table of §5.2.4. Actions B and D establish; A, a restart of the peer, can not happen on a
// DTLS connection that goes on and ends the association; C is a cookie we no longer know.
void Association::handle_cookie_echo(const ChunkView& chunk) {
    if (chunk.value.size() != 8) return;
    const std::uint64_t nonce = load_be64(chunk.value.data());
    const bool is_pending = pending_ && pending_->nonce == nonce;
    const bool opening =
        state_ == State::kIdle || state_ == State::kCookieWait || state_ == State::kCookieEchoed;
    if (opening) {
        if (!is_pending) return;
        adopt_peer(*pending_);
        accepted_nonce_ = nonce;
        cookie_ack_due_ = true;
        establish();
        return;
    }
    if (state_ == State::kShutdownAckSent) return;
    if (nonce == accepted_nonce_ || (is_pending && pending_->tag == peer_tag_)) {
        cookie_ack_due_ = true;  // our COOKIE-ACK was lost
    } else if (is_pending) {
        peer_tag_ = pending_->tag;
        fail_with(AbortReason::kPeerRestarted, wire::sctp::Cause::kNone);
    }
}

void Association::handle_cookie_ack() {
    if (state_ == State::kCookieEchoed) establish();
}

void Association::establish() {
    state_ = State::kEstablished;
    t1_ = Timestamp::never();
    cookie_ = {};
    handshake_tries_ = 0;
    progress_at_ = now_;
    events_.push(Connected{});
}

}  // namespace confab::sctp
