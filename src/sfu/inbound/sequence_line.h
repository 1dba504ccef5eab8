// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The numbers of one incoming stream on a line that only grows, also when its publisher begins to
// count anew further back (RFC 3550 appendix A.1): the line then goes on at its next position with
// the same low 16 bits.
//
// Below is SRTP without a replay window (02 SRTP-02): anybody on the way can send old packets once
// more. What could be such a copy neither restarts a stream nor moves it: a number of a range that
// was used counts only with a time that no packet had yet.
#pragma once

#include <cstdint>
#include <optional>

#include "base/sequence.h"
#include "base/state/state.h"

namespace confab::sfu {

class SequenceLine {
  public:
    // Late packets come from no further back.
    static constexpr std::int64_t kWindow = 1024;

    bool started() const { return index_.started(); }
    // Where a number stands on the line.
    std::int64_t peek(std::uint16_t sequence) const { return index_.peek(sequence) + to_line_; }
    std::int64_t highest() const { return index_.highest() + to_line_; }
    // A packet with this number was accepted.
    void take(std::uint16_t sequence) {
        const bool first = !started();
        const std::int64_t index = index_.unwrap(sequence) + to_index_;
        if (first || index < first_) first_ = index;
    }
    // Ahead of the line, but on ground that was used before a restart.
    bool is_used_ahead(std::uint16_t sequence) const {
        return before_ && is_used_ahead_of_restart(sequence);
    }
    // The packet before it may have begun a new count.
    bool expects(std::uint16_t sequence) const {
        return index_.peek(sequence) + to_index_ == expected_;
    }
    // For a packet whose number came already or is too far back; `newer`: its RTP time is later
    // than any before. True for the second of two in a row that can be no copies: the line goes on
    // with it, and peek() tells its place.
    bool restarts(std::uint16_t sequence, bool newer);

    // base/state/state.h.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    struct Range {
        std::int64_t first = 0;
        std::int64_t last = 0;
        bool contains(std::int64_t index) const { return index >= first && index <= last; }
    };
    bool is_used_ahead_of_restart(std::uint16_t sequence) const;
    void restart(std::uint16_t sequence, std::int64_t index);

    // Indices as SRTP counts them, plus to_index_: they fall at a restart.
    SeqUnwrapper index_;
    std::int64_t to_index_ = 0;
    std::int64_t to_line_ = 0;     // whole cycles
    std::int64_t first_ = 0;       // lowest taken since the last restart
    std::optional<Range> before_;  // used before the last restart
    std::int64_t expected_ = -1;   // the index that would confirm a restart
};

}  // namespace confab::sfu
