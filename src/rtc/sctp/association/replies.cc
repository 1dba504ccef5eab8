// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// HEARTBEAT-ACK and ERROR (RFC 9260 §3.2, §8.3).
#include "rtc/sctp/association/replies.h"

#include "rtc/sctp/limits.h"
#include "wire/sctp/sctp_chunks.h"

namespace confab::sctp {

using wire::sctp::ChunkType;
using wire::sctp::ChunkView;
using wire::sctp::PacketWriter;

void Replies::handle_heartbeat(const ChunkView& chunk) {
    if (chunk.value.size() > kMaxHeartbeatInfo) return;
    heartbeat_ = to_vector(chunk.value);
    heartbeat_due_ = true;
}

bool Replies::handle_unknown(const ChunkView& chunk) {
    const auto rule = wire::sctp::unknown_chunk_rule(chunk.type);
    if (rule.report && chunk.raw.size() <= kMaxReportedChunk) unknown_chunk_ = to_vector(chunk.raw);
    return rule.skip;
}

void Replies::write_heartbeat_ack(PacketWriter& packet) {
    if (!heartbeat_due_) return;
    auto writer = packet.chunk(ChunkType::kHeartbeatAck, 0, heartbeat_.size());
    if (!writer) return;
    writer->bytes(heartbeat_);
    heartbeat_ = {};
    heartbeat_due_ = false;
}

void Replies::write_error(PacketWriter& packet) {
    if (unknown_chunk_.empty()) return;
    if (wire::sctp::write_with_cause(packet, ChunkType::kError, 0,
                                     wire::sctp::Cause::kUnrecognizedChunk, unknown_chunk_))
        unknown_chunk_ = {};
}

void Replies::clear() {
    heartbeat_ = {};
    heartbeat_due_ = false;
    unknown_chunk_ = {};
}

}  // namespace confab::sctp
