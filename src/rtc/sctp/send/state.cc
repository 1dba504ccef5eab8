// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The sending side as bytes (base/state/state.h): what waits, what is not acknowledged, the windows
// and timers. Sums are made anew from what is there. Settings are those of the new owner.
#include "base/state/state.h"

#include <algorithm>

#include "rtc/sctp/limits.h"
#include "rtc/sctp/send/data_sender.h"

namespace confab::sctp {
namespace {

constexpr std::size_t kMaxStreams = 65536;
constexpr std::size_t kMaxMessages = std::size_t{1} << 20;
constexpr std::size_t kMaxWindow = std::size_t{1} << 30;
// Unwrapped TSNs stay positive, and far from where sums overflow.
constexpr std::int64_t kMaxTsn = std::int64_t{1} << 60;

bool is_tsn(std::int64_t tsn) {
    return tsn > 0 && tsn < kMaxTsn;
}

// Its own part of the message alone: the others may be acknowledged and gone.
template <typename Io, typename F>
void fragment_fields(Io& io, F& fragment) {
    BytesView payload;
    if constexpr (!Io::kReads) payload = fragment.payload();
    io.field(1, payload);
    if constexpr (Io::kReads) {
        fragment.message = SharedBytes(payload);
        fragment.size = static_cast<std::uint32_t>(payload.size());
    }
    io.field(2, fragment.ppid);
    io.field(3, fragment.stream);
    io.field(4, fragment.ssn);
    io.field(5, fragment.begin);
    io.field(6, fragment.end);
    io.field(7, fragment.unordered);
    io.field(8, fragment.lossy);
    io.field(9, fragment.max_retransmits);
    io.field(10, fragment.expires);
}

// With `offset` not zero a part of it is on its way.
template <typename Io, typename M>
void message_fields(Io& io, M& message) {
    BytesView payload;
    if constexpr (!Io::kReads) payload = message.payload.view();
    io.field(1, payload);
    if constexpr (Io::kReads) message.payload = SharedBytes(payload);
    io.field(2, message.offset);
    io.field(3, message.ppid);
    io.field(4, message.ssn);
    io.field(5, message.options.ordered);
    io.field(6, message.options.max_retransmits);
    io.field(7, message.options.lifetime);
    io.field(8, message.options.control);
    io.field(9, message.expires);
    if constexpr (Io::kReads) io.require(message.offset < payload.size());
}

}  // namespace

// ---------------------------------------------------------------- the path

template <typename Self, typename Io>
void RtoEstimator::fields(Self& self, Io& io) {
    io.field(1, self.rto_);
    io.field(2, self.srtt_);
    io.field(3, self.rttvar_);
    io.field(4, self.has_sample_);
    io.field(5, self.least_);
}
void RtoEstimator::save(StateWriter& out) const {
    fields(*this, out);
}
void RtoEstimator::load(StateReader& in) {
    fields(*this, in);
    in.require(rto_ > Duration::zero() && srtt_ >= Duration::zero() && rttvar_ >= Duration::zero());
    in.require(least_ >= Duration::zero());
    rto_ = std::clamp(rto_, min_, std::max(min_, max_));
}

template <typename Self, typename Io>
void Path::fields(Self& self, Io& io) {
    io.part(1, self.rto_);
    io.field(2, self.errors_);
}
void Path::save(StateWriter& out) const {
    fields(*this, out);
}
void Path::load(StateReader& in) {
    fields(*this, in);
    in.require(errors_ >= 0 && errors_ < 1'000'000);
}

template <typename Self, typename Io>
void ProgressWatch::fields(Self& self, Io& io) {
    io.field(1, self.since_);
    io.field(2, self.reported_);
}
void ProgressWatch::save(StateWriter& out) const {
    fields(*this, out);
}
void ProgressWatch::load(StateReader& in) {
    fields(*this, in);
}

template <typename Self, typename Io>
void CongestionWindow::fields(Self& self, Io& io) {
    io.field(1, self.cwnd_);
    io.field(2, self.ssthresh_);
    io.field(3, self.partial_acked_);
    io.field(4, self.recovery_exit_);
    io.field(5, self.recovering_);
}
void CongestionWindow::save(StateWriter& out) const {
    fields(*this, out);
}
void CongestionWindow::load(StateReader& in) {
    fields(*this, in);
    cwnd_ = std::clamp(cwnd_, min_cwnd_, std::max(min_cwnd_, kMaxWindow));
    ssthresh_ = std::min(ssthresh_, kMaxWindow);
    partial_acked_ = std::min(partial_acked_, kMaxWindow);
}

template <typename Self, typename Io>
void ForwardTsn::fields(Self& self, Io& io) {
    io.field(1, self.sent_at_);
    io.field(2, self.sent_tsn_);
    io.field(3, self.due_);
}
void ForwardTsn::save(StateWriter& out) const {
    fields(*this, out);
}
void ForwardTsn::load(StateReader& in) {
    fields(*this, in);
}

// ---------------------------------------------------------------- what waits

template <typename Self, typename Io>
void SendQueue::fields(Self& self, Io& io) {
    io.map(1, self.streams_, kMaxStreams, [](auto& stream_io, auto& stream) {
        stream_io.list(2, stream.messages, kMaxMessages, [](auto& message_io, auto& message) {
            message_fields(message_io, message);
        });
        stream_io.field(3, stream.low_threshold);
        stream_io.field(4, stream.next_ssn);
        stream_io.field(5, stream.closing);
    });
    io.numbers(2, self.low_, kMaxStreams);
    io.field(3, self.current_);
    io.field(4, self.last_served_);
    io.field(5, self.expired_);
}
void SendQueue::save(StateWriter& out) const {
    fields(*this, out);
}
void SendQueue::load(StateReader& in) {
    fields(*this, in);
    for (auto& [id, stream] : streams_) {
        bool first = true;
        for (const Message& message : stream.messages) {
            // Only the message in work may have been begun.
            in.require(message.offset == 0 || (first && current_ == id));
            first = false;
            const std::size_t bytes = message.payload.size() - message.offset;
            stream.buffered += bytes;
            (message.options.lossy() ? lossy_ : reliable_) += bytes + kItemOverhead;
        }
        if (!stream.messages.empty()) ready_.insert(id);
    }
    if (current_) in.require(ready_.contains(*current_));
}

void SendQueue::hold(const Fragment& fragment) {
    streams_[fragment.stream].buffered += fragment.size;
    (fragment.lossy ? lossy_ : reliable_) += fragment.size + (fragment.end ? kItemOverhead : 0);
}

bool SendQueue::has_begun() const {
    return current_ && streams_.at(*current_).messages.front().offset > 0;
}

// ---------------------------------------------------------------- what is not acknowledged

template <typename Self, typename Io>
void Outstanding::fields(Self& self, Io& io) {
    io.field(1, self.base_);
    io.list(2, self.chunks_, kMaxOutstandingChunks + 1, [](auto& chunk_io, auto& chunk) {
        chunk_io.record(1, [&chunk](auto& inner) { fragment_fields(inner, chunk.fragment); });
        chunk_io.field(2, chunk.sent_at);
        chunk_io.field(3, chunk.sends);
        chunk_io.field(4, chunk.misses);
        chunk_io.choice(5, chunk.state, State::kAbandoned);
        chunk_io.field(6, chunk.miss_barrier);
    });
    io.field(3, self.highest_gap_);
    io.field(4, self.rtt_from_);
    io.field(5, self.partial_);
    io.field(6, self.abandoned_);
    io.field(7, self.retransmissions_);
}
void Outstanding::save(StateWriter& out) const {
    fields(*this, out);
}
void Outstanding::load(StateReader& in) {
    fields(*this, in);
    in.require(is_tsn(base_) && highest_gap_ <= highest());
    const Fragment* before = nullptr;
    for (const Chunk& chunk : chunks_) {
        const Fragment& fragment = chunk.fragment;
        if (before != nullptr)  // a message is whole before the next begins
            in.require(fragment.begin == before->end &&
                       (fragment.begin || fragment.stream == before->stream));
        in.require((chunk.state == State::kAbandoned) == (fragment.size == 0));
        if (chunk.state == State::kInFlight) flight_ += fragment.size;
        if (chunk.state == State::kLost) ++lost_;
        before = &fragment;
    }
}

void Outstanding::hold_in(SendQueue& queue) const {
    for (const Chunk& chunk : chunks_)
        if (chunk.state != State::kAbandoned) queue.hold(chunk.fragment);
}

bool Outstanding::ends_whole() const {
    return chunks_.empty() || chunks_.back().fragment.end;
}

std::size_t Outstanding::largest() const {
    std::size_t largest = 0;
    for (const Chunk& chunk : chunks_)
        largest = std::max(largest, std::size_t{chunk.fragment.size});
    return largest;
}

// ---------------------------------------------------------------- all of it

template <typename Self, typename Io>
void DataSender::fields(Self& self, Io& io) {
    io.field(1, self.keep_expired_);
    io.field(2, self.peer_rwnd_);
    io.part(3, self.queue_);
    io.part(4, self.outstanding_);
    io.part(5, self.congestion_);
    io.part(6, self.forward_tsn_);
    io.part(7, self.progress_);
    io.field(8, self.t3_);
    io.field(9, self.fast_packet_);
    io.field(10, self.sack_since_t3_);
    io.field(11, self.bytes_acked_);
    io.field(12, self.fast_losses_);
    io.field(13, self.timeouts_);
}
void DataSender::save(StateWriter& out) const {
    fields(*this, out);
}
void DataSender::load(StateReader& in) {
    fields(*this, in);
    // Fragments are not cut again.
    in.require(outstanding_.largest() <= max_payload_);
    in.require(outstanding_.empty() || outstanding_.ends_whole() != queue_.has_begun());
    outstanding_.hold_in(queue_);
}

}  // namespace confab::sctp
