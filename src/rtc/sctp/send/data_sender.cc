// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SACKs from the peer, the retransmission timer and the DATA chunks of a packet
// (RFC 9260 §6.1, §6.3, §7.2).
#include "rtc/sctp/send/data_sender.h"

#include <algorithm>
#include <utility>

#include "rtc/sctp/limits.h"

namespace confab::sctp {

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

DataSender::DataSender(const Config& config, std::uint32_t initial_tsn)
    : max_payload_((config.mtu & ~std::size_t{3}) - wire::sctp::kCommonHeaderSize -
                   wire::sctp::kDataHeaderSize),
      backoff_max_(config.backoff_max),
      fast_rtx_wnd_(config.fast_rtx_wnd),
      queue_({config.max_buffered_bytes, config.max_lossy_buffered_bytes}),
      outstanding_(initial_tsn),
      congestion_(config),
      progress_(config.no_progress) {}

void DataSender::set_peer(std::size_t a_rwnd, bool forward_tsn) {
    peer_rwnd_ = a_rwnd;
    keep_expired_ = !forward_tsn;
    outstanding_.set_partial_reliability(forward_tsn);
}

SendStatus DataSender::send(Timestamp now, std::uint16_t stream, std::uint32_t ppid,
                            SharedBytes payload, const SendOptions& options) {
    if (queue_.reliable_bytes() == 0) progress_.restart(now);
    return queue_.add(now, stream, ppid, std::move(payload), options);
}

bool DataSender::close_stream(std::uint16_t stream, bool discard) {
    const bool was_closing = queue_.closing(stream);
    queue_.close_stream(stream, discard);
    return !was_closing;
}

void DataSender::handle_sack(const wire::sctp::SackView& sack, Timestamp now, Path& path) {
    const std::size_t flight_before = outstanding_.flight();
    const auto result = outstanding_.handle_sack(sack, now, congestion_.in_fast_recovery(), queue_);
    if (!result.valid) return;
    peer_rwnd_ = sack.a_rwnd;
    sack_since_t3_ = true;
    if (result.newly_acked > 0 || result.advanced) {
        path.answered();
        progress_.restart(now);
        bytes_acked_ += result.newly_acked;
    }
    if (result.rtt) path.observe(*result.rtt);
    congestion_.on_ack({flight_before, result.newly_acked, outstanding_.first() - 1,
                        result.advanced, outstanding_.empty()});
    if (result.loss) {
        fast_packet_ = true;
        if (congestion_.on_fast_loss(outstanding_.highest())) ++fast_losses_;
    }
    if (outstanding_.empty()) {
        t3_ = Timestamp::never();  // §6.3.2 R2
    } else if (result.advanced) {
        t3_ = now + path.rto();  // R3
    }
    forward_tsn_.handle_sack(outstanding_, now, path.srtt());
}

void DataSender::handle_shutdown(std::uint32_t cumulative_tsn, Timestamp now) {
    wire::sctp::SackView sack;
    sack.cumulative_tsn = cumulative_tsn;
    outstanding_.handle_sack(sack, now, congestion_.in_fast_recovery(), queue_);
    if (outstanding_.empty()) t3_ = Timestamp::never();
}

bool DataSender::handle_timeout(Timestamp now, Path& path) {
    t3_ = Timestamp::never();
    if (outstanding_.empty()) return true;
    ++timeouts_;
    // §6.1 A: a closed window that is answered is no failure of the path.
    const bool probing = peer_rwnd_ < max_payload_ && sack_since_t3_;
    sack_since_t3_ = false;
    if (!probing) {
        congestion_.on_timeout();
        if (!path.count_data_timeout()) return false;
    }
    path.back_off(backoff_max_);
    outstanding_.handle_timeout(now, queue_);
    forward_tsn_.handle_timeout(outstanding_);
    arm_t3(now, path.rto());
    return true;
}

void DataSender::retry(Timestamp now, const Path& path) {
    if (t3_.is_never() || outstanding_.empty() || !path.failing()) return;
    outstanding_.handle_timeout(now, queue_);
    forward_tsn_.handle_timeout(outstanding_);
    t3_ = now + path.rto();
}

bool DataSender::take_stall(Timestamp now) {
    return queue_.reliable_bytes() > 0 && progress_.take_stall(now);
}

Timestamp DataSender::stall_deadline() const {
    return queue_.reliable_bytes() > 0 ? progress_.deadline() : Timestamp::never();
}

void DataSender::arm_t3(Timestamp now, Duration rto) {
    if (t3_.is_never()) t3_ = now + rto;
}

bool DataSender::data_ready() const {
    return (!queue_.empty() || outstanding_.has_lost()) &&
           outstanding_.flight() < congestion_.window();
}

void DataSender::write_forward_tsn(Timestamp now, Duration rto, PacketWriter& packet) {
    if (forward_tsn_.write(outstanding_, now, packet)) arm_t3(now, rto);
}

void DataSender::write_data(Timestamp now, Duration rto, PacketWriter& packet) {
    const bool full = write_lost(now, rto, packet);
    if (!full && !outstanding_.has_lost()) write_new(now, rto, packet);
    fast_packet_ = false;  // §7.2.4: one packet may exceed the window
}

// True when the packet is full or lost chunks have to wait for the window.
bool DataSender::write_lost(Timestamp now, Duration rto, PacketWriter& packet) {
    const std::size_t limit = std::max(congestion_.window(), fast_rtx_wnd_);
    while (const auto lost = outstanding_.next_lost(now, queue_)) {
        const std::size_t flight = outstanding_.flight();
        if (!fast_packet_ && flight > 0 && flight + lost->fragment->size > limit) return true;
        if (!wire::sctp::write_data(packet, to_chunk(*lost->fragment, lost->tsn))) return true;
        if (lost->tsn == static_cast<std::uint32_t>(outstanding_.first()))
            t3_ = now + rto;  // §7.2.4 4
        outstanding_.resent(lost->tsn, now);
        arm_t3(now, rto);
    }
    return false;
}

void DataSender::write_new(Timestamp now, Duration rto, PacketWriter& packet) {
    while (outstanding_.size() < kMaxOutstandingChunks) {
        const std::size_t size = std::min(queue_.prepare(now, keep_expired_), max_payload_);
        const std::size_t flight = outstanding_.flight();
        if (size == 0 || flight >= congestion_.window()) return;
        // §6.1 A: with nothing in flight one chunk probes even a closed window.
        if (flight > 0 && flight + size > peer_rwnd_) return;
        if (packet.room() < kDataFixed + size) return;
        Fragment fragment = queue_.take(size);
        wire::sctp::write_data(packet, to_chunk(fragment, outstanding_.last_assigned() + 1));
        outstanding_.add(std::move(fragment), now);
        arm_t3(now, rto);
    }
}

void DataSender::clear() {
    t3_ = Timestamp::never();
    queue_.clear();
    outstanding_.clear();
    forward_tsn_.clear();
}

DataSender::Snapshot DataSender::snapshot() const {
    Snapshot s;
    s.cwnd = congestion_.window();
    s.flight = outstanding_.flight();
    s.peer_rwnd = peer_rwnd_;
    s.queued_bytes = queue_.total_bytes();
    s.retransmissions = outstanding_.retransmissions();
    s.abandoned = outstanding_.abandoned_messages() + queue_.expired_messages();
    s.bytes_acked = bytes_acked_;
    s.fast_losses = fast_losses_;
    s.timeouts = timeouts_;
    return s;
}

}  // namespace confab::sctp
