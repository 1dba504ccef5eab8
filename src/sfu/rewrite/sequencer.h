// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What was sent under which number, so that a NACK can be answered from the track's history (02
// FWD-11, DES-32): 24 bytes for each packet of the last second, or as many as there is room for.
// Copies go out on the RTX stream, or are the same again: one (SSRC, number) must never carry
// different bytes (02 TRAP-14).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/prefetch.h"
#include "base/time.h"
#include "sfu/forward/forwarded_packet.h"

namespace confab::sfu {

class Sequencer {
  public:
    static constexpr std::size_t kVideoEntries = 512;
    static constexpr std::size_t kAudioEntries = 256;
    static constexpr std::size_t kMaxEntries = 4096;
    static constexpr std::size_t kFirstEntries = 32;  // from the first packet on
    // A place is not taken from a packet sent or asked for that short a time ago while there may be
    // more places.
    static constexpr Duration kKept = Duration::seconds(1);
    static constexpr std::uint8_t kMaxResends = 3;
    static constexpr Duration kMaxGap = Duration::millis(100);
    // Asked for that long after the last copy, or two round trips: all copies were lost.
    static constexpr Duration kLostAfter = Duration::millis(300);

    // A sent packet as it is to be sent again.
    struct Found {
        ForwardedPacket packet;  // without ssrc, sequence and original number
        std::int64_t source_sequence = 0;
        std::uint8_t stream = 0;   // of the source: spatial layer, 0 for SVC
        std::uint8_t resends = 0;  // this one included
        std::uint8_t spatial = 0;
    };
    // What is known of a number that was asked for.
    struct Asked {
        std::int8_t spatial = -1;  // -1: never sent, padding, or too long ago
        bool repeated = false;     // asked for before
    };
    enum class Answer : std::uint8_t {
        kResend,
        kUnknown,  // never sent, padding, or too long ago
        kTooSoon,  // may still be on its way
        kTooOften,
        kLost,  // too often, and the last copy is not on its way any more
    };

    // `most`: places at most, a power of two.
    explicit Sequencer(std::size_t most);

    void push(Timestamp now, const ForwardedPacket& packet, std::int64_t source_sequence,
              std::uint8_t stream, std::uint8_t spatial);
    // Looks a number up and, for kResend, counts the resend. `rtt` sets the least gap.
    Answer request(Timestamp now, std::uint16_t sequence, Duration rtt, Found& out);
    // Notes that a NACK named the number, whether it is answered or not.
    Asked asked(std::uint16_t sequence);
    // A sent packet without counting a resend, for probes; false if unknown.
    bool find(std::uint16_t sequence, Found& out) const;
    void clear();
    // Fetches the places of a burst that begins with this number.
    void prefetch(std::uint16_t sequence) const {
        if (entries_) prefetch_for_write(&entries_[sequence & mask_], 8 * sizeof(Entry));
    }
    std::size_t places() const { return entries_ ? mask_ + 1 : 0; }

  private:
    struct Entry {
        std::uint32_t source_sequence = 0;  // low half
        std::uint32_t timestamp = 0;
        std::uint32_t sent_ms = 0;
        // VP8: descriptor; dependency descriptor: mask and frame number; RED: slice.
        std::array<std::uint8_t, 6> detail{};
        std::uint16_t sequence = 0;
        bool used : 1 = false;
        bool marker : 1 = false;
        bool capture : 1 = false;
        bool slice : 1 = false;
        std::uint8_t dd_mode : 2 = 0;
        std::uint8_t resends : 2 = 0;
        std::uint8_t stream : 2 = 0;
        std::uint8_t spatial : 2 = 0;
        std::uint8_t prefix_size : 3 = 0;
        bool asked : 1 = false;
        std::uint8_t skip = 0;             // source payload bytes replaced
        std::uint8_t type_or_targets = 0;  // payload type; decode targets with a descriptor
    };
    static_assert(sizeof(Entry) <= 24);

    Entry& slot(std::uint16_t sequence) { return entries_[sequence & mask_]; }
    // Null: not sent, or too long ago.
    Entry* find_entry(std::uint16_t sequence) const;
    // The place for a packet sent now.
    Entry& place_for(std::uint16_t sequence, std::uint32_t now_ms);
    void resize(std::size_t places);
    void restore(const Entry& entry, Found& out) const;

    std::size_t most_;
    std::size_t mask_ = 0;
    std::int64_t newest_source_ = 0;
    std::unique_ptr<Entry[]> entries_;
};

}  // namespace confab::sfu
