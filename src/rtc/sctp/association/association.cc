// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Construction, packet dispatch, timers and outputs of the association (RFC 9260 §6.10, §8.5).
#include "rtc/sctp/association/association.h"

#include <algorithm>
#include <utility>

#include "rtc/sctp/limits.h"

namespace confab::sctp {

using wire::sctp::ChunkType;
using wire::sctp::ChunkView;
using wire::sctp::PacketView;

namespace {

Config checked(Config config) {
    config.mtu = std::max(config.mtu, kMinMtu);
    return config;
}

std::uint32_t nonzero(Rng& rng) {
    const std::uint32_t value = rng.u32();
    return value != 0 ? value : 1;
}

}  // namespace

Association::Association(const Config& config, Rng rng)
    : config_(checked(config)),
      rng_(rng),
      my_tag_(nonzero(rng_)),
      my_initial_tsn_(rng_.u32()),
      rto_(config_.rto_initial, config_.rto_min, config_.rto_max),
      congestion_(config_),
      queue_({config_.max_buffered_bytes, config_.max_lossy_buffered_bytes}),
      outstanding_(my_initial_tsn_),
      tracker_(0),
      reassembly_(config_.max_message_size),
      resets_(my_initial_tsn_),
      advertised_(config_.a_rwnd) {}

// RFC 9260 §8.5, §8.5.1.
bool Association::tag_is_valid(const PacketView& packet, const ChunkView& first) const {
    const std::uint32_t tag = packet.header.verification_tag;
    switch (first.type) {
        case ChunkType::kInit:
            return tag == 0;
        case ChunkType::kAbort:
        case ChunkType::kShutdownComplete:
            if ((first.flags & wire::sctp::kFlagTagReflected) != 0)
                return peer_tag_ != 0 && tag == peer_tag_;
            return tag == my_tag_;
        default:
            return tag == my_tag_;
    }
}

void Association::handle_packet(Timestamp now, BytesView bytes) {
    now_ = now;
    ++counters_.packets_received;
    const auto packet = wire::sctp::parse_packet(bytes);
    if (!packet || packet->header.destination_port != config_.local_port ||
        packet->header.source_port != config_.remote_port || state_ == State::kClosed) {
        ++counters_.packets_dropped;
        return;
    }
    wire::sctp::ChunkReader chunks(packet->chunks);
    auto chunk = chunks.next();
    if (!chunk || !tag_is_valid(*packet, *chunk) ||
        (chunk->type == ChunkType::kInit && !chunks.at_end())) {
        ++counters_.packets_dropped;
        return;
    }
    packet_has_data_ = false;
    immediate_sack_ = false;
    bool proceed = true;
    for (; chunk && proceed && state_ != State::kClosed; chunk = chunks.next())
        handle_chunk(*chunk, proceed);
    if (!chunks.ok()) ++counters_.packets_dropped;
    if (packet_has_data_) tracker_.packet_done(now, config_.sack_delay, immediate_sack_);
    after_input();
}

void Association::handle_chunk(const ChunkView& chunk, bool& proceed) {
    switch (chunk.type) {
        case ChunkType::kData:
            return handle_data(chunk);
        case ChunkType::kSack:
            return handle_sack(chunk);
        case ChunkType::kForwardTsn:
            return handle_forward_tsn(chunk);
        case ChunkType::kInit:
            return handle_init(chunk);
        case ChunkType::kInitAck:
            return handle_init_ack(chunk);
        case ChunkType::kCookieEcho:
            return handle_cookie_echo(chunk);
        case ChunkType::kCookieAck:
            return handle_cookie_ack();
        case ChunkType::kHeartbeat:
            return handle_heartbeat(chunk);
        case ChunkType::kReConfig:
            return handle_re_config(chunk);
        case ChunkType::kAbort:
            return handle_abort(chunk);
        case ChunkType::kError:
            return handle_error(chunk);
        case ChunkType::kShutdown:
            return handle_shutdown(chunk);
        case ChunkType::kShutdownAck:
            return handle_shutdown_ack();
        case ChunkType::kShutdownComplete:
            if (state_ == State::kShutdownAckSent) close(Closed{});
            return;
        case ChunkType::kHeartbeatAck:
            return;
        default:
            return handle_unknown(chunk, proceed);
    }
}

void Association::handle_unknown(const ChunkView& chunk, bool& proceed) {
    const auto rule = wire::sctp::unknown_chunk_rule(chunk.type);
    proceed = rule.skip;
    if (rule.report && chunk.raw.size() <= kMaxReportedChunk) unknown_chunk_ = to_vector(chunk.raw);
}

// What may become possible after any input.
void Association::after_input() {
    if (state_ == State::kClosed) return;
    if (events_.overflowing()) {
        fail_with(AbortReason::kOutOfResource, wire::sctp::Cause::kOutOfResource);
        return;
    }
    for (const std::uint16_t stream : queue_.take_low())
        events_.push(BufferedAmountLow{stream});
    check_skip(false);
    if (state_ == State::kEstablished)
        resets_.start(outstanding_.last_assigned(), now_, rto_.rto(),
                      [this](std::uint16_t stream) { return queue_.drained(stream); });
    advance_shutdown();
}

void Association::handle_timeout(Timestamp now) {
    now_ = now;
    if (state_ == State::kClosed) return;
    if (now >= t1_) handle_handshake_timeout();
    if (now >= t2_) handle_shutdown_timeout();
    if (now >= t3_) handle_t3_timeout();
    if (now >= resets_.deadline()) handle_reset_timeout();
    tracker_.handle_timeout(now);
    if (sending() && !stall_reported_ && queue_.reliable_bytes() > 0 &&
        now >= progress_at_ + config_.no_progress) {
        stall_reported_ = true;
        events_.push(NoProgress{});
    }
    after_input();
}

Timestamp Association::next_deadline() const {
    const Timestamp at = next_timeout();
    const bool open = state_ != State::kClosed && state_ != State::kIdle;
    // poll_event() opened the window.
    return open && receiving() && tracker_.sack_due() ? earlier(at, now_) : at;
}

Timestamp Association::next_timeout() const {
    if (state_ == State::kClosed || state_ == State::kIdle) return Timestamp::never();
    Timestamp at = earlier(earlier(t1_, t2_), earlier(t3_, resets_.deadline()));
    if (receiving()) at = earlier(at, tracker_.deadline());
    if (sending() && !stall_reported_ && queue_.reliable_bytes() > 0)
        at = earlier(at, progress_at_ + config_.no_progress);
    return at;
}

std::optional<Event> Association::poll_event() {
    auto event = events_.pop();
    if (!event) return event;
    if (const auto* message = std::get_if<MessageReceived>(&*event)) {
        ++counters_.messages_received;
        counters_.bytes_received += message->payload.size();
        // A window update once it is worth a packet (RFC 9260 §6.2, RFC 1122 §4.2.3.3).
        if (receiving() && advertised_ < config_.a_rwnd / 4 && window() >= config_.a_rwnd / 2)
            tracker_.request_sack();
    }
    return event;
}

Association::Snapshot Association::snapshot() const {
    Snapshot s;
    s.state = state_;
    s.cwnd = congestion_.window();
    s.flight = outstanding_.flight();
    s.peer_rwnd = peer_rwnd_;
    s.send_bytes = queue_.total_bytes();
    s.receive_bytes = receive_bytes();
    s.srtt = rto_.srtt();
    s.rto = rto_.rto();
    s.retransmissions = outstanding_.retransmissions();
    s.abandoned = outstanding_.abandoned_messages() + queue_.expired_messages();
    s.counters = counters_;
    return s;
}

}  // namespace confab::sctp
