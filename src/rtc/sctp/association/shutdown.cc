// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SHUTDOWN, SHUTDOWN-ACK and SHUTDOWN-COMPLETE (RFC 9260 §9.2).
#include "rtc/sctp/association/shutdown.h"

#include "wire/sctp/sctp_chunks.h"

namespace confab::sctp {

using wire::sctp::ChunkType;
using wire::sctp::PacketWriter;

void Shutdown::request() {
    if (phase_ == Phase::kNone) phase_ = Phase::kPending;
}

void Shutdown::handle_shutdown() {
    if (phase_ == Phase::kAckSent) return;
    due_ = false;  // both sent SHUTDOWN; each answers at once
    phase_ = Phase::kReceived;
}

void Shutdown::advance(Timestamp now, Duration rto, std::uint32_t peer_tag, PacketQueue& out) {
    if (phase_ == Phase::kPending) {
        phase_ = Phase::kSent;
        due_ = true;
        t2_ = now + rto;
    } else if (phase_ == Phase::kReceived) {
        phase_ = Phase::kAckSent;
        PacketWriter packet = out.start(peer_tag);
        packet.chunk(ChunkType::kShutdownAck, 0, 0);
        out.push(packet.finish());
        t2_ = now + rto;
    }
}

bool Shutdown::handle_shutdown_ack(std::uint32_t peer_tag, PacketQueue& out) const {
    if (phase_ != Phase::kSent && phase_ != Phase::kAckSent) return false;
    PacketWriter packet = out.start(peer_tag);
    packet.chunk(ChunkType::kShutdownComplete, 0, 0);
    out.push(packet.finish());
    return true;
}

bool Shutdown::handle_timeout(Timestamp now, Path& path) {
    t2_ = Timestamp::never();
    path.back_off();
    if (!path.count_timeout()) return false;
    if (phase_ == Phase::kSent) {
        due_ = true;
        t2_ = now + path.rto();
    } else if (phase_ == Phase::kAckSent) {
        phase_ = Phase::kReceived;
    }
    return true;
}

void Shutdown::write(std::uint32_t cumulative_tsn, PacketWriter& packet) {
    if (due_ && wire::sctp::write_shutdown(packet, cumulative_tsn)) due_ = false;
}

void Shutdown::clear() {
    due_ = false;
    t2_ = Timestamp::never();
}

}  // namespace confab::sctp
