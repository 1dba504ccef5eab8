// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Chunks sent and not yet acknowledged: what a SACK takes away, what is lost and must go out again,
// what partial reliability gives up and FORWARD-TSN then skips
// (RFC 9260 §6.2.1, §6.3.3, §7.2.4; RFC 3758 §3.5).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/state/state.h"
#include "rtc/sctp/send/send_queue.h"
#include "wire/sctp/sctp_chunks.h"

namespace confab::sctp {

class Outstanding {
  public:
    explicit Outstanding(std::uint32_t initial_tsn);

    // FORWARD-TSN is understood by the peer; without it nothing is ever given up.
    void set_partial_reliability(bool on) { partial_ = on; }

    // Assigns the next TSN to a fragment that is being sent now.
    std::uint32_t add(Fragment fragment, Timestamp now);

    struct SackResult {
        bool valid = false;     // false: old or impossible, nothing changed
        bool advanced = false;  // the cumulative TSN moved
        bool loss = false;      // a chunk was missing for the third time
        std::size_t newly_acked = 0;
        std::optional<Duration> rtt;
    };
    SackResult handle_sack(const wire::sctp::SackView& sack, Timestamp now, bool in_fast_recovery,
                           SendQueue& queue);
    // Everything in flight is lost (T3-rtx).
    void handle_timeout(Timestamp now, SendQueue& queue);

    struct Lost {
        std::uint32_t tsn = 0;
        const Fragment* fragment = nullptr;  // valid until the next change
    };
    // The earliest chunk to be sent again; expired ones are given up on the way.
    std::optional<Lost> next_lost(Timestamp now, SendQueue& queue);
    void resent(std::uint32_t tsn, Timestamp now);

    // Where FORWARD-TSN has to move the peer to; nullopt when there is nothing to skip.
    struct Skip {
        std::uint32_t tsn = 0;
        std::vector<wire::sctp::SkippedStream> streams;
    };
    std::optional<Skip> skip() const;
    bool has_skip() const { return !chunks_.empty() && chunks_.front().state == State::kAbandoned; }

    // Octets of the stream that the peer has, before what it still waits for.
    std::size_t gap_acked(std::uint16_t stream) const;

    std::size_t flight() const { return flight_; }
    std::size_t size() const { return chunks_.size(); }
    bool empty() const { return chunks_.empty(); }
    bool has_lost() const { return lost_ > 0; }
    std::int64_t first() const { return base_; }
    std::int64_t highest() const { return base_ + static_cast<std::int64_t>(chunks_.size()) - 1; }
    std::uint32_t last_assigned() const { return static_cast<std::uint32_t>(highest()); }
    std::uint64_t abandoned_messages() const { return abandoned_; }
    std::uint64_t retransmissions() const { return retransmissions_; }
    void clear();

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);
    void hold_in(SendQueue& queue) const;
    // The last chunk ends its message.
    bool ends_whole() const;
    std::size_t largest() const;

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    enum class State : std::uint8_t { kInFlight, kAcked, kLost, kAbandoned };
    struct Chunk {
        Fragment fragment;
        Timestamp sent_at;
        std::uint16_t sends = 1;
        std::uint8_t misses = 0;
        State state = State::kInFlight;
        std::int64_t miss_barrier = 0;  // misses count from SACKs of newer TSNs than this
    };

    bool plausible(const wire::sctp::SackView& sack, std::int64_t cumulative) const;
    void take_cumulative(std::int64_t cumulative, Timestamp now, SackResult& result,
                         SendQueue& queue);
    std::int64_t take_gaps(const wire::sctp::SackView& sack, Timestamp now, SackResult& result);
    void ack_chunk(std::size_t index, Timestamp now, SackResult& result);
    void renege(std::size_t index);
    void count_misses(std::int64_t below, SackResult& result, Timestamp now, SendQueue& queue);
    void lose(std::size_t index, Timestamp now, SendQueue& queue);
    bool should_abandon(const Chunk& chunk, Timestamp now) const;
    void abandon_message(std::size_t index, SendQueue& queue);
    void abandon_chunk(Chunk& chunk, SendQueue& queue);
    void set_state(Chunk& chunk, State state);
    // The sums are those of the chunks; walks them, for CONFAB_DCHECK.
    bool sums_agree() const;

    std::int64_t base_;  // TSN of chunks_.front()
    std::deque<Chunk> chunks_;
    std::size_t flight_ = 0;
    std::size_t lost_ = 0;
    std::int64_t highest_gap_ = 0;    // highest TSN ever acknowledged by a gap block
    std::int64_t highest_newly_ = 0;  // of the SACK in work
    std::int64_t rtt_from_ = 0;       // a sample counts from this TSN on: one per round trip
    bool partial_ = false;
    std::uint64_t abandoned_ = 0;
    std::uint64_t retransmissions_ = 0;
};

}  // namespace confab::sctp
