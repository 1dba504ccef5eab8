// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The time line of one outgoing stream: where it continues when its source starts, switches or
// resumes (02 FWD-01, FWD-02, FWD-03). The first stream that was forwarded is the reference; others
// are brought onto its clock by the publisher's sender reports. Without a common clock, after
// another receiver took over, the stream goes on by the time that passed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/state/state.h"
#include "base/time.h"
#include "sfu/forward/source_state.h"

namespace confab::sfu {

constexpr std::int64_t to_clock(Duration d, std::uint32_t clock_rate) {
    return d.us() * static_cast<std::int64_t>(clock_rate) / 1'000'000;
}

class StreamClock {
  public:
    static constexpr Duration kResumeBehind = Duration::millis(200);  // after a publisher mute
    static constexpr Duration kResumeBehindHigh = Duration::seconds(2);
    static constexpr Duration kSwitchBehind = Duration::millis(50);

    struct Position {
        std::int64_t timestamp = 0;  // of a packet of the source
        std::size_t stream = 0;      // of the source that it belongs to
    };

    // The first packet; `offset`: its time minus the outgoing one.
    void start(Position first, std::int64_t offset, Timestamp now);
    // A packet of our own comes first, with this outgoing time; the source follows by the clock.
    void start_own(std::int64_t timestamp, Timestamp now);
    // The outgoing time of a packet where the stream switches or, if `resuming`, goes on after a
    // pause: later than `last`. nullopt while it can not be told, and for what comes too late.
    std::optional<std::int64_t> next(const SourceState& source, Position packet, std::int64_t last,
                                     bool resuming, Timestamp now);
    // The next packet comes from another receiver of the same track (02 DYN-05).
    void switch_source();
    // The publisher muted: its clock may stand still.
    void note_publisher_mute() { after_publisher_mute_ = true; }

    std::int64_t expected(Timestamp now, std::uint32_t clock_rate) const {
        return first_timestamp_ + to_clock(now - first_time_, clock_rate);
    }
    // The next packet has no clock in common with what was sent.
    bool is_foreign() const { return foreign_source_; }
    std::size_t reference_stream() const { return reference_stream_; }

    // 02 FWD-18.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    std::optional<std::int64_t> place(const SourceState& source, Position packet, std::int64_t last,
                                      bool resuming, Timestamp now);
    std::optional<std::int64_t> reference_time(const SourceState& source, Position packet,
                                               std::int64_t last) const;
    std::int64_t resume_time(std::int64_t reference, std::uint32_t clock_rate, Timestamp now);

    std::size_t reference_stream_ = 0;   // the first one forwarded (02 FWD-02)
    std::int64_t reference_offset_ = 0;  // outgoing time minus the reference stream's
    std::int64_t first_timestamp_ = 0;
    Timestamp first_time_;
    bool after_publisher_mute_ = false;
    bool foreign_source_ = false;  // the next packet comes from another receiver
};

}  // namespace confab::sfu
