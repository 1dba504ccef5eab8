// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which TSNs arrived, and when a SACK is due (RFC 9260 §6.2; RFC 3758 §3.6).
// TSNs are mapped to a 64-bit line around the cumulative one.
#pragma once

#include <cstdint>
#include <vector>

#include "base/state/state.h"
#include "base/time.h"
#include "wire/sctp/sctp_chunks.h"

namespace confab::sctp {

class RxTracker {
  public:
    explicit RxTracker(std::uint32_t initial_tsn);

    enum class Verdict : std::uint8_t { kNew, kDuplicate, kRefused };
    // Would this TSN be new? Refused: too far ahead or too many holes.
    Verdict classify(std::int64_t tsn) const;
    void accept(std::int64_t tsn);          // after kNew
    void note_duplicate(std::int64_t tsn);  // after kDuplicate
    // FORWARD-TSN: everything up to `tsn` counts as received. False when it is no news.
    bool forward(std::int64_t tsn);

    std::int64_t unwrap(std::uint32_t tsn) const;
    std::int64_t cumulative() const { return cumulative_; }
    bool has_gaps() const { return !ranges_.empty(); }

    // Once per packet with DATA or FORWARD-TSN: every second packet, or at once when something is
    // missing or `immediate`, else after `delay`.
    void packet_done(Timestamp now, Duration delay, bool immediate);
    void request_sack() { due_ = true; }
    bool sack_due() const { return due_; }
    bool sack_waiting() const { return due_ || !deadline_.is_never(); }
    void handle_timeout(Timestamp now) {
        if (now >= deadline_) due_ = true;
    }
    Timestamp deadline() const { return due_ ? Timestamp::never() : deadline_; }
    // Writes the SACK and starts a new delay period; false when it does not fit.
    bool write(wire::sctp::PacketWriter& packet, std::uint32_t a_rwnd);

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    struct Range {
        std::int64_t first;
        std::int64_t last;
    };
    void absorb();

    std::int64_t cumulative_;
    std::vector<Range> ranges_;  // above cumulative_ + 1, ascending, not touching
    std::vector<std::uint32_t> duplicates_;
    Timestamp deadline_ = Timestamp::never();
    int packets_ = 0;
    bool due_ = false;
};

}  // namespace confab::sctp
