// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The ends of an association: ABORT, ERROR and the SHUTDOWN sequence (RFC 9260 §9).
#include <utility>

#include "rtc/sctp/association/association.h"
#include "rtc/sctp/limits.h"

namespace confab::sctp {

using wire::sctp::Cause;
using wire::sctp::ChunkType;
using wire::sctp::ChunkView;
using wire::sctp::PacketWriter;

PacketWriter Association::start_packet(std::uint32_t tag) const {
    return PacketWriter({config_.local_port, config_.remote_port, tag}, config_.mtu);
}

PacketWriter Association::start_packet() const {
    return start_packet(peer_tag_);
}

void Association::queue_packet(Bytes packet) {
    if (packets_.size() < kMaxQueuedPackets) packets_.push_back(std::move(packet));
}

void Association::close(Event event) {
    state_ = State::kClosed;
    t1_ = t2_ = t3_ = Timestamp::never();
    queue_.clear();
    outstanding_.clear();
    resets_.clear();
    reassembly_ = Reassembly(config_.max_message_size);
    cookie_ = {};
    heartbeat_ = {};
    unknown_chunk_ = {};
    pending_.reset();
    events_.push(std::move(event));
}

void Association::fail_with(AbortReason reason, Cause cause) {
    if (state_ == State::kClosed) return;
    if (peer_tag_ != 0) {
        PacketWriter packet = start_packet();
        if (wire::sctp::write_with_cause(packet, ChunkType::kAbort, 0, cause, {}))
            queue_packet(packet.finish());
    }
    close(Aborted{reason, cause});
}

void Association::abort(Timestamp now) {
    now_ = now;
    fail_with(AbortReason::kLocalAbort, Cause::kUserInitiatedAbort);
}

void Association::handle_abort(const ChunkView& chunk) {
    close(Aborted{AbortReason::kPeerAbort, wire::sctp::first_cause(chunk)});
}

void Association::handle_error(const ChunkView& chunk) {
    // §5.2.6: the cookie was too old; start again, within the same number of tries.
    if (state_ != State::kCookieEchoed || wire::sctp::first_cause(chunk) != Cause::kStaleCookie)
        return;
    if (++handshake_tries_ > config_.max_init_retransmits)
        return fail_with(AbortReason::kHandshakeTimeout, Cause::kStaleCookie);
    state_ = State::kCookieWait;
    cookie_ = {};
    send_init();
}

void Association::shutdown(Timestamp now) {
    now_ = now;
    if (state_ == State::kEstablished) {
        state_ = State::kShutdownPending;
        after_input();
    } else if (state_ < State::kEstablished) {
        fail_with(AbortReason::kLocalAbort, Cause::kUserInitiatedAbort);
    }
}

void Association::handle_shutdown(const ChunkView& chunk) {
    const auto tsn = wire::sctp::parse_shutdown(chunk);
    if (!tsn) return;
    if (sending()) {
        // Its cumulative TSN acknowledges like a SACK without gaps and with the old window.
        wire::sctp::SackView sack;
        sack.cumulative_tsn = *tsn;
        outstanding_.handle_sack(sack, now_, congestion_.in_fast_recovery(), queue_);
        if (outstanding_.empty()) t3_ = Timestamp::never();
    }
    if (state_ == State::kEstablished || state_ == State::kShutdownPending) {
        state_ = State::kShutdownReceived;
    } else if (state_ == State::kShutdownSent) {
        // §9.2: both sent SHUTDOWN; each answers at once.
        shutdown_due_ = false;
        state_ = State::kShutdownReceived;
    }
}

void Association::advance_shutdown() {
    if (!queue_.empty() || !outstanding_.empty()) return;
    if (state_ == State::kShutdownPending) {
        state_ = State::kShutdownSent;
        shutdown_due_ = true;
        t2_ = now_ + rto_.rto();
    } else if (state_ == State::kShutdownReceived) {
        state_ = State::kShutdownAckSent;
        PacketWriter packet = start_packet();
        packet.chunk(ChunkType::kShutdownAck, 0, 0);
        queue_packet(packet.finish());
        t2_ = now_ + rto_.rto();
    }
}

void Association::handle_shutdown_timeout() {
    t2_ = Timestamp::never();
    rto_.back_off();
    count_error();
    if (state_ == State::kShutdownSent) {
        shutdown_due_ = true;
        t2_ = now_ + rto_.rto();
    } else if (state_ == State::kShutdownAckSent) {
        state_ = State::kShutdownReceived;  // advance_shutdown() sends it again
    }
}

void Association::handle_shutdown_ack() {
    if (state_ != State::kShutdownSent && state_ != State::kShutdownAckSent) return;
    PacketWriter packet = start_packet();
    packet.chunk(ChunkType::kShutdownComplete, 0, 0);
    queue_packet(packet.finish());
    close(Closed{});
}

}  // namespace confab::sctp
