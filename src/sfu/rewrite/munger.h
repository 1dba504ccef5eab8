// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sequence numbers and timestamps of one outgoing stream (02 FWD-01, FWD-04): continuous whatever
// source feeds it. Everything is unwrapped; the wire takes the low bits. The outgoing sequence
// number is the SRTP index: it starts below 2^16 and is never used twice (02 TRAP-14).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/state/state.h"
#include "sfu/rewrite/range_map.h"

namespace confab::sfu {

// Which of the last numbers were sent, so that no number can go out with two contents.
class SentWindow {
  public:
    static constexpr std::int64_t kSize = 512;

    // Notes `number`; false if it was noted before or is too old to tell.
    bool mark(std::int64_t number);
    bool is_free(std::int64_t number) const;
    // The same of `count` numbers from this one on, 64 at most, none of which was noted.
    void mark_all(std::int64_t number, std::int64_t count);
    // All from this one on were never noted.
    bool all_free_from(std::int64_t number) const { return number > newest_; }
    // Makes `number` the oldest acceptable one.
    void start(std::int64_t number);

    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    friend class Munger;
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    std::int64_t newest_ = -1;
    std::int64_t oldest_ = 0;
    std::array<std::uint64_t, kSize / 64> bits_{};
};

class Munger {
  public:
    enum class Order : std::uint8_t {
        kNext,  // the successor of the newest packet
        kGap,   // newer, with packets missing in between
        kLate,  // older than the newest
    };
    struct Output {
        std::int64_t sequence = 0;
        std::int64_t timestamp = 0;
    };
    // Numbers that are left out where it starts, at most.
    static constexpr std::uint16_t kMaxFirstSkip = 0x4000;

    bool started() const { return started_; }
    Order order(std::int64_t sequence) const {
        if (sequence == newest_in_ + 1) return Order::kNext;
        return sequence > newest_in_ ? Order::kGap : Order::kLate;
    }

    // The very first packet: number and time are taken as they are.
    void start(std::int64_t sequence, std::int64_t timestamp);
    // The next packet comes from another source, or after a pause: it gets the successor of the
    // last number sent and the time `out_timestamp`, which must be greater than the last one.
    void switch_source(std::int64_t sequence, std::int64_t timestamp, std::int64_t out_timestamp);
    // Number and time of a packet to be sent; nullopt if it may not be (unknown or used number).
    std::optional<Output> map(std::int64_t sequence, std::int64_t timestamp, bool marker);
    // The same of `count` packets of one time with numbers that follow one another, none of them
    // late: number and time of the first one, the others have the next ones. nullopt if one of them
    // may not be sent; nothing has changed then.
    std::optional<Output> map_frame(std::int64_t sequence, std::int64_t timestamp,
                                    std::int64_t count, bool marker);
    // Whether the packet's number is still free: it was never sent and has a place.
    bool is_open(std::int64_t sequence) const {
        const std::optional<std::int64_t> out = ranges_.map(sequence);
        return out && sent_.is_free(*out);
    }
    // A packet of the source that is not sent on. One that came late leaves its hole.
    void drop(std::int64_t sequence);
    // Takes the next number for a packet of our own.
    std::int64_t insert(std::int64_t timestamp, bool marker);

    std::int64_t last_sequence() const { return last_sequence_; }
    std::int64_t last_timestamp() const { return last_timestamp_; }
    bool last_marker() const { return last_marker_; }
    // Source time minus outgoing time, of the present source.
    std::int64_t timestamp_offset() const { return timestamp_offset_; }

    // 02 FWD-18.
    void save(StateWriter& out) const;
    void load(StateReader& in);
    // Somebody else may have used up to `count` numbers behind the last one (TRAP-14): the next
    // one is above them, and what comes late has no place any more.
    void skip_ahead(std::int64_t count);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    bool started_ = false;
    bool last_marker_ = false;
    std::uint16_t first_skip_ = 0;  // numbers that are left out where it starts
    std::int64_t newest_in_ = 0;
    std::int64_t last_sequence_ = 0;
    std::int64_t last_timestamp_ = 0;
    std::int64_t timestamp_offset_ = 0;
    RangeMap ranges_;
    SentWindow sent_;
};

}  // namespace confab::sfu
