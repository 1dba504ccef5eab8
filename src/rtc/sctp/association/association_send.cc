// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sending: SACKs from the peer, retransmission timer, and the making of packets
// (RFC 9260 §6.1, §6.3, §7.2; RFC 3758 §3.5).
#include <algorithm>
#include <utility>

#include "rtc/sctp/association/association.h"
#include "rtc/sctp/limits.h"

namespace confab::sctp {

using wire::sctp::ChunkType;
using wire::sctp::ChunkView;
using wire::sctp::PacketWriter;

namespace {

constexpr std::size_t kDataFixed = wire::sctp::kDataHeaderSize - wire::sctp::kChunkHeaderSize;

wire::sctp::DataChunk to_chunk(const Fragment& fragment, std::uint32_t tsn) {
    wire::sctp::DataChunk chunk;
    chunk.tsn = tsn;
    chunk.stream = fragment.stream;
    chunk.ssn = fragment.ssn;
    chunk.ppid = fragment.ppid;
    chunk.unordered = fragment.unordered;
    chunk.begin = fragment.begin;
    chunk.end = fragment.end;
    chunk.payload = fragment.payload();
    return chunk;
}

}  // namespace

bool Association::sending() const {
    return state_ == State::kEstablished || state_ == State::kShutdownPending ||
           state_ == State::kShutdownReceived;
}

SendStatus Association::send(Timestamp now, std::uint16_t stream, std::uint32_t ppid,
                             SharedBytes payload, const SendOptions& options) {
    now_ = now;
    const std::size_t size = payload.size();
    SendStatus status = SendStatus::kOk;
    if (state_ == State::kClosed || state_ >= State::kShutdownPending ||
        stream >= config_.streams) {
        status = SendStatus::kClosed;
    } else if (size == 0) {
        status = SendStatus::kEmpty;
    } else if (config_.peer_max_message_size != 0 && size > config_.peer_max_message_size) {
        status = SendStatus::kTooLarge;
    } else {
        if (queue_.reliable_bytes() == 0) {
            progress_at_ = now;
            stall_reported_ = false;
        }
        status = queue_.add(now, stream, ppid, std::move(payload), options);
    }
    ++(status == SendStatus::kOk ? counters_.messages_sent : counters_.sends_refused);
    return status;
}

bool Association::reset_stream(Timestamp now, std::uint16_t stream, bool discard) {
    now_ = now;
    if (state_ != State::kEstablished || !peer_extensions_.re_config) return false;
    const bool under_way = queue_.closing(stream);
    queue_.close_stream(stream, discard);
    if (!under_way) resets_.want(stream);
    after_input();
    return true;
}

void Association::set_buffered_amount_low_threshold(std::uint16_t stream, std::size_t bytes) {
    queue_.set_low_threshold(stream, bytes);
}

void Association::handle_sack(const ChunkView& chunk) {
    if (!sending()) return;
    const auto sack = wire::sctp::parse_sack(chunk);
    if (!sack) return;
    const std::size_t flight_before = outstanding_.flight();
    const auto result =
        outstanding_.handle_sack(*sack, now_, congestion_.in_fast_recovery(), queue_);
    if (!result.valid) return;
    peer_rwnd_ = sack->a_rwnd;
    sack_since_t3_ = true;
    if (result.newly_acked > 0 || result.advanced) {
        errors_ = 0;
        progress_at_ = now_;
        stall_reported_ = false;
        counters_.bytes_acked += result.newly_acked;
    }
    if (result.rtt) rto_.observe(*result.rtt);
    congestion_.on_ack({flight_before, result.newly_acked, outstanding_.first() - 1,
                        result.advanced, outstanding_.empty()});
    if (result.loss) {
        fast_packet_ = true;
        if (congestion_.on_fast_loss(outstanding_.highest())) ++counters_.fast_losses;
    }
    if (outstanding_.empty()) {
        t3_ = Timestamp::never();  // §6.3.2 R2
    } else if (result.advanced) {
        t3_ = now_ + rto_.rto();  // R3
    }
    check_skip(true);
}

// FORWARD-TSN goes out when there is more to skip, and `again` at most once per round trip while
// the peer still acknowledges less (RFC 3758 §3.5 C, F).
void Association::check_skip(bool again) {
    if (skip_due_ || !outstanding_.has_skip()) return;
    const auto skip = outstanding_.skip();
    const bool more = skip && skip->tsn != skip_sent_;
    skip_due_ =
        more || (again && now_ - skip_sent_at_ >= std::max(rto_.srtt(), Duration::millis(1)));
}

void Association::handle_t3_timeout() {
    t3_ = Timestamp::never();
    if (outstanding_.empty()) return;
    ++counters_.timeouts;
    // §6.1 A: a closed window that is answered is no failure of the path.
    const bool probing = peer_rwnd_ < max_payload() && sack_since_t3_;
    sack_since_t3_ = false;
    if (!probing) {
        congestion_.on_timeout();
        count_error();
        if (state_ == State::kClosed) return;
    }
    rto_.back_off();
    outstanding_.handle_timeout(now_, queue_);
    skip_due_ = outstanding_.has_skip();
    arm_t3();
}

void Association::handle_reset_timeout() {
    const Duration rto = rto_.rto();
    if (!resets_.handle_timeout(now_, rto)) return;
    rto_.back_off();
    count_error();
}

void Association::count_error() {
    if (++errors_ > config_.max_retransmits)
        fail_with(AbortReason::kTooManyRetransmissions, wire::sctp::Cause::kNone);
}

void Association::arm_t3() {
    if (t3_.is_never()) t3_ = now_ + rto_.rto();
}

std::size_t Association::max_payload() const {
    return (config_.mtu & ~std::size_t{3}) - wire::sctp::kCommonHeaderSize -
           wire::sctp::kDataHeaderSize;
}

std::optional<Bytes> Association::poll_transmit() {
    if (!packets_.empty()) {
        std::optional<Bytes> packet(std::move(packets_.front()));
        packets_.pop_front();
        ++counters_.packets_sent;
        return packet;
    }
    if (state_ < State::kEstablished || state_ == State::kClosed) return std::nullopt;
    PacketWriter packet = start_packet();
    write_control(packet);
    if (sending()) write_data(packet);
    // Giving up expired chunks may have made a FORWARD-TSN or a reset due.
    after_input();
    if (packet.empty() && skip_due_) write_control(packet);
    if (packet.empty()) return std::nullopt;
    ++counters_.packets_sent;
    return packet.finish();
}

void Association::write_control(PacketWriter& packet) {
    if (cookie_ack_due_ && packet.chunk(ChunkType::kCookieAck, 0, 0)) cookie_ack_due_ = false;
    const bool data_follows = (!queue_.empty() || outstanding_.has_lost()) &&
                              outstanding_.flight() < congestion_.window() && sending();
    if (receiving() && (tracker_.sack_due() || (tracker_.sack_waiting() && data_follows))) {
        // A window smaller than a packet only invites tiny ones (RFC 9260 §6.2).
        advertised_ = window() < config_.mtu ? 0 : window();
        tracker_.write(packet, static_cast<std::uint32_t>(advertised_));
    }
    if (shutdown_due_ &&
        wire::sctp::write_shutdown(packet, static_cast<std::uint32_t>(tracker_.cumulative())))
        shutdown_due_ = false;
    if (heartbeat_due_) {
        if (auto writer = packet.chunk(ChunkType::kHeartbeatAck, 0, heartbeat_.size())) {
            writer->bytes(heartbeat_);
            heartbeat_ = {};
            heartbeat_due_ = false;
        }
    }
    if (state_ == State::kEstablished) resets_.write(packet);
    if (skip_due_ && sending()) {
        const auto skip = outstanding_.skip();
        if (!skip) {
            skip_due_ = false;
        } else if (wire::sctp::write_forward_tsn(packet, skip->tsn, skip->streams)) {
            skip_due_ = false;
            skip_sent_ = skip->tsn;
            skip_sent_at_ = now_;
            arm_t3();
        }
    }
    if (!unknown_chunk_.empty() &&
        wire::sctp::write_with_cause(packet, ChunkType::kError, 0,
                                     wire::sctp::Cause::kUnrecognizedChunk, unknown_chunk_))
        unknown_chunk_ = {};
}

void Association::write_data(PacketWriter& packet) {
    const bool full = write_lost(packet);
    if (!full && !outstanding_.has_lost()) write_new(packet);
    fast_packet_ = false;  // §7.2.4: one packet may exceed the window
}

// True when the packet is full or lost chunks have to wait for the window.
bool Association::write_lost(PacketWriter& packet) {
    const std::size_t limit = std::max(congestion_.window(), config_.fast_rtx_wnd);
    while (const auto lost = outstanding_.next_lost(now_, queue_)) {
        const std::size_t flight = outstanding_.flight();
        if (!fast_packet_ && flight > 0 && flight + lost->fragment->size > limit) return true;
        if (!wire::sctp::write_data(packet, to_chunk(*lost->fragment, lost->tsn))) return true;
        if (lost->tsn == static_cast<std::uint32_t>(outstanding_.first()))
            t3_ = now_ + rto_.rto();  // §7.2.4 4
        outstanding_.resent(lost->tsn, now_);
        arm_t3();
    }
    return false;
}

void Association::write_new(PacketWriter& packet) {
    const bool keep_expired = !peer_extensions_.forward_tsn;
    while (outstanding_.size() < kMaxOutstandingChunks) {
        const std::size_t size = std::min(queue_.prepare(now_, keep_expired), max_payload());
        const std::size_t flight = outstanding_.flight();
        if (size == 0 || flight >= congestion_.window()) return;
        // §6.1 A: with nothing in flight one chunk probes even a closed window.
        if (flight > 0 && flight + size > peer_rwnd_) return;
        if (packet.room() < kDataFixed + size) return;
        Fragment fragment = queue_.take(size);
        const std::uint32_t tsn = outstanding_.last_assigned() + 1;
        wire::sctp::write_data(packet, to_chunk(fragment, tsn));
        outstanding_.add(std::move(fragment), now_);
        arm_t3();
    }
}

}  // namespace confab::sctp
