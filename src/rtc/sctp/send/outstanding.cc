// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SACK processing and loss marking (RFC 9260 §6.2.1, §7.2.4) and abandonment (RFC 3758 §3.5).
#include "rtc/sctp/send/outstanding.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/check.h"
#include "base/sequence.h"
#include "rtc/sctp/limits.h"

namespace confab::sctp {
namespace {

constexpr std::uint8_t kMissesForLoss = 3;

}  // namespace

Outstanding::Outstanding(std::uint32_t initial_tsn)
    : base_((std::int64_t{1} << 32) + initial_tsn), rtt_from_(base_) {}

std::uint32_t Outstanding::add(Fragment fragment, Timestamp now) {
    flight_ += fragment.size;
    Chunk chunk;
    chunk.fragment = std::move(fragment);
    chunk.sent_at = now;
    chunks_.push_back(std::move(chunk));
    return last_assigned();
}

void Outstanding::set_state(Chunk& chunk, State state) {
    if (chunk.state == State::kInFlight) flight_ -= chunk.fragment.size;
    if (chunk.state == State::kLost) --lost_;
    if (state == State::kInFlight) flight_ += chunk.fragment.size;
    if (state == State::kLost) ++lost_;
    chunk.state = state;
}

bool Outstanding::sums_agree() const {
    std::size_t flight = 0;
    std::size_t lost = 0;
    for (const Chunk& chunk : chunks_) {
        if (chunk.state == State::kInFlight) flight += chunk.fragment.size;
        if (chunk.state == State::kLost) ++lost;
    }
    return flight == flight_ && lost == lost_;
}

// Only TSNs that were sent, gap blocks ascending: the walk stays linear.
bool Outstanding::plausible(const wire::sctp::SackView& sack, std::int64_t cumulative) const {
    if (cumulative < base_ - 1 || cumulative > highest()) return false;
    std::uint32_t previous_end = 0;
    for (std::size_t i = 0; i < sack.gap_count(); ++i) {
        const auto gap = sack.gap(i);
        if (gap.start <= previous_end || gap.end < gap.start) return false;
        previous_end = gap.end;
    }
    return cumulative + previous_end <= highest();
}

Outstanding::SackResult Outstanding::handle_sack(const wire::sctp::SackView& sack, Timestamp now,
                                                 bool in_fast_recovery, SendQueue& queue) {
    SackResult result;
    const std::int64_t cumulative =
        base_ - 1 + sequence_distance(static_cast<std::uint32_t>(base_ - 1), sack.cumulative_tsn);
    if (!plausible(sack, cumulative)) return result;
    result.valid = true;
    result.advanced = cumulative >= base_;
    highest_newly_ = 0;
    take_cumulative(cumulative, now, result, queue);
    const std::int64_t highest_reported = take_gaps(sack, now, result);
    // §7.2.4: within fast recovery an advancing SACK counts for everything reported missing.
    const bool all = in_fast_recovery && result.advanced;
    count_misses(all ? highest_reported : highest_newly_, result, now, queue);
    CONFAB_DCHECK(sums_agree());
    return result;
}

void Outstanding::take_cumulative(std::int64_t cumulative, Timestamp now, SackResult& result,
                                  SendQueue& queue) {
    while (base_ <= cumulative) {
        Chunk& chunk = chunks_.front();
        const bool abandoned = chunk.state == State::kAbandoned;
        ack_chunk(0, now, result);
        if (!abandoned) queue.release(chunk.fragment);
        chunks_.pop_front();
        ++base_;
    }
}

void Outstanding::ack_chunk(std::size_t index, Timestamp now, SackResult& result) {
    Chunk& chunk = chunks_[index];
    if (chunk.state == State::kAcked || chunk.state == State::kAbandoned) return;
    const std::int64_t tsn = base_ + static_cast<std::int64_t>(index);
    // §6.3.1 C4, C5: one sample per round trip, never of a chunk that was sent twice.
    if (chunk.sends == 1 && tsn >= rtt_from_) {
        result.rtt = now - chunk.sent_at;
        rtt_from_ = highest() + 1;
    }
    result.newly_acked += chunk.fragment.size;
    highest_newly_ = std::max(highest_newly_, tsn);
    set_state(chunk, State::kAcked);
}

// Gives the highest TSN that the gap blocks name, 0 when there are none.
std::int64_t Outstanding::take_gaps(const wire::sctp::SackView& sack, Timestamp now,
                                    SackResult& result) {
    const std::int64_t cumulative = base_ - 1;
    std::int64_t next = base_;
    for (std::size_t i = 0; i < sack.gap_count(); ++i) {
        const auto gap = sack.gap(i);
        for (; next < cumulative + gap.start; ++next)
            renege(static_cast<std::size_t>(next - base_));
        for (; next <= cumulative + gap.end; ++next)
            ack_chunk(static_cast<std::size_t>(next - base_), now, result);
    }
    const std::int64_t reported = sack.gap_count() > 0 ? next - 1 : 0;
    for (; next <= highest_gap_; ++next)
        renege(static_cast<std::size_t>(next - base_));
    highest_gap_ = reported;
    return reported;
}

// The peer dropped a chunk that it had acknowledged by a gap block (§6.2.1 D iii).
void Outstanding::renege(std::size_t index) {
    Chunk& chunk = chunks_[index];
    if (chunk.state != State::kAcked) return;
    chunk.misses = 0;
    set_state(chunk, State::kInFlight);
}

std::size_t Outstanding::gap_acked(std::uint16_t stream) const {
    std::size_t result = 0;
    for (std::int64_t tsn = base_; tsn <= highest_gap_; ++tsn) {
        const Chunk& chunk = chunks_[static_cast<std::size_t>(tsn - base_)];
        if (chunk.state == State::kAcked && chunk.fragment.stream == stream)
            result += chunk.fragment.size;
    }
    return result;
}

void Outstanding::count_misses(std::int64_t below, SackResult& result, Timestamp now,
                               SendQueue& queue) {
    // abandon_message() may append, so the bound is a TSN and not the size.
    for (std::int64_t tsn = base_; tsn < below; ++tsn) {
        const auto index = static_cast<std::size_t>(tsn - base_);
        Chunk& chunk = chunks_[index];
        if (chunk.state != State::kInFlight || chunk.miss_barrier >= highest_newly_) continue;
        if (++chunk.misses < kMissesForLoss) continue;
        result.loss = true;
        lose(index, now, queue);
    }
}

void Outstanding::lose(std::size_t index, Timestamp now, SendQueue& queue) {
    Chunk& chunk = chunks_[index];
    set_state(chunk, State::kLost);
    if (should_abandon(chunk, now)) abandon_message(index, queue);
}

bool Outstanding::should_abandon(const Chunk& chunk, Timestamp now) const {
    if (!partial_) return false;
    const Fragment& fragment = chunk.fragment;
    return now >= fragment.expires ||
           (fragment.max_retransmits && chunk.sends > *fragment.max_retransmits);
}

// All fragments of the message, sent and unsent (RFC 3758 §3.5 A3). If its last one was never
// sent, a TSN without data stands for it, so that the peer does not wait for an end.
void Outstanding::abandon_message(std::size_t index, SendQueue& queue) {
    ++abandoned_;
    std::size_t first = index;
    while (first > 0 && !chunks_[first].fragment.begin)
        --first;
    std::size_t i = first;
    for (; i < chunks_.size(); ++i) {
        abandon_chunk(chunks_[i], queue);
        if (chunks_[i].fragment.end) return;
    }
    Chunk placeholder;
    placeholder.fragment = chunks_.back().fragment;
    placeholder.fragment.message = {};
    placeholder.fragment.offset = 0;
    placeholder.fragment.size = 0;
    placeholder.fragment.begin = false;
    placeholder.fragment.end = true;
    placeholder.state = State::kAbandoned;
    queue.abandon_current();
    chunks_.push_back(std::move(placeholder));
}

void Outstanding::abandon_chunk(Chunk& chunk, SendQueue& queue) {
    if (chunk.state == State::kAbandoned) return;
    set_state(chunk, State::kAbandoned);
    queue.release(chunk.fragment);
    chunk.fragment.message = {};
    chunk.fragment.offset = 0;
    chunk.fragment.size = 0;
}

void Outstanding::handle_timeout(Timestamp now, SendQueue& queue) {
    const std::int64_t end = highest();
    for (std::int64_t tsn = base_; tsn <= end; ++tsn) {
        const auto index = static_cast<std::size_t>(tsn - base_);
        Chunk& chunk = chunks_[index];
        if (chunk.state == State::kInFlight) lose(index, now, queue);
    }
    CONFAB_DCHECK(flight_ == 0 && sums_agree());
}

std::optional<Outstanding::Lost> Outstanding::next_lost(Timestamp now, SendQueue& queue) {
    if (lost_ == 0) return std::nullopt;
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
        if (chunks_[i].state != State::kLost) continue;
        if (!partial_ || now < chunks_[i].fragment.expires)
            return Lost{static_cast<std::uint32_t>(base_ + static_cast<std::int64_t>(i)),
                        &chunks_[i].fragment};
        abandon_message(i, queue);
    }
    CONFAB_DCHECK(lost_ == 0);
    return std::nullopt;
}

// §7.2.4 lets a chunk be fast retransmitted once, since older SACKs can not tell whether the
// second copy came. SACKs of chunks first sent after that copy can, so only those count.
void Outstanding::resent(std::uint32_t tsn, Timestamp now) {
    const auto index =
        static_cast<std::size_t>(sequence_distance(static_cast<std::uint32_t>(base_), tsn));
    if (index >= chunks_.size()) return;
    Chunk& chunk = chunks_[index];
    CONFAB_DCHECK(chunk.state == State::kLost);  // what next_lost() gave
    set_state(chunk, State::kInFlight);
    chunk.misses = 0;
    chunk.miss_barrier = highest();
    chunk.sent_at = now;
    if (chunk.sends < 0xFFFF) ++chunk.sends;
    ++retransmissions_;
}

std::optional<Outstanding::Skip> Outstanding::skip() const {
    if (!has_skip()) return std::nullopt;
    Skip skip;
    std::map<std::uint16_t, std::uint16_t> streams;
    std::int64_t tsn = base_ - 1;
    for (const Chunk& chunk : chunks_) {
        if (chunk.state != State::kAbandoned) break;
        const Fragment& fragment = chunk.fragment;
        if (!fragment.unordered) {
            if (streams.size() >= kMaxForwardStreams && !streams.contains(fragment.stream)) break;
            streams[fragment.stream] = fragment.ssn;  // TSN order is SSN order
        }
        ++tsn;
    }
    skip.tsn = static_cast<std::uint32_t>(tsn);
    for (const auto& [stream, ssn] : streams)
        skip.streams.push_back({stream, ssn});
    return skip;
}

void Outstanding::clear() {
    base_ = highest() + 1;
    chunks_.clear();
    chunks_.shrink_to_fit();
    flight_ = 0;
    lost_ = 0;
    highest_gap_ = 0;
}

}  // namespace confab::sctp
