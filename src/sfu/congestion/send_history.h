// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The packets that left one connection last, by transport-wide number, so that feedback can be put
// to when they left, their size and their probe (draft-holmer-rmcat-transport-wide-cc-extensions-01
// §3, BWE-30). A ring that is as long as what leaves in two seconds: one store for each packet, no
// search.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/prefetch.h"
#include "sfu/congestion/bandwidth_port.h"

namespace confab::sfu {

class SendHistory {
  public:
    // 1 KB; doubled when what is written over is younger than kKept.
    static constexpr std::size_t kLeastPackets = 128;
    // Two seconds of 2 000 packets each; beyond it less than two seconds are known.
    static constexpr std::size_t kMaxPackets = 4096;
    // Feedback on older ones tells nothing.
    static constexpr Duration kKept = Duration::seconds(2);

    // Numbers follow one another, times do not go back. By value, in registers: octets written one
    // by one and read as a word behind other stores would wait for all of them.
    void push(SentPacket packet);
    // Tells the port of what was pushed since the last call.
    void tell(BandwidthPort& port);
    // What a report of this packet comes to, but for its arrival; nullopt if it is forgotten, was
    // never sent, or if that was told before. What passed for lost may still be received: a
    // receiver reports again from there on, the losses behind it too.
    std::optional<PacketResult> resolve(std::uint16_t number, bool received);
    // Not told yet.
    std::size_t untold() const { return untold_; }
    // Fetches where the next packets are noted; behind a fetch of the history itself.
    void prefetch_next() const {
        if (!entries_.empty()) prefetch_for_write(&entries_[place_of(next_)], 8 * sizeof(Entry));
    }
    // Of the ring, in packets.
    std::size_t capacity() const { return entries_.size(); }

  private:
    // The number is that of the place.
    struct Entry {
        std::uint32_t at = 0;  // the lower bits of the time, in us: over an hour
        std::uint16_t bytes = 0;
        std::uint8_t probe = 0;
        bool open : 1 = false;  // not reported as received
        bool lost : 1 = false;  // reported as that
        bool sound : 1 = false;
        bool repeat : 1 = false;
    };
    static_assert(sizeof(Entry) == 8);

    // The ring's length is a power of two.
    std::size_t place_of(std::uint16_t number) const { return number & (entries_.size() - 1); }
    Entry& entry(std::uint16_t number) { return entries_[place_of(number)]; }
    SentPacket packet_of(std::uint16_t number, const Entry& entry) const;
    void grow();

    std::vector<Entry> entries_;
    std::size_t size_ = 0;
    std::size_t untold_ = 0;
    std::uint16_t next_ = 0;
    Timestamp newest_;
};

}  // namespace confab::sfu
