// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The only stored copy of media on a worker (02 DES-32): the packets of one stream of the last
// second or so, or as many as there is room for, by sequence number. Every subscriber's
// retransmissions are rebuilt from it.
#pragma once

#include <cstdint>
#include <vector>

#include "sfu/packet/media_packet.h"
#include "sfu/packet/packet_pool.h"

namespace confab::sfu {

struct HistoryEntry {
    std::int64_t sequence = -1;
    PacketRef packet;
    BytesView payload;   // into packet
    BytesView dd_bytes;  // into packet
    std::int64_t timestamp = 0;
    Timestamp arrival;
    std::uint64_t abs_capture_time = 0;
    bool has_abs_capture_time = false;
    Codec codec = Codec::kNone;
    bool frame_end = false;
};

class PacketHistory {
  public:
    static constexpr std::size_t kInitial = 32;  // places; twice as many when these do not do
    static constexpr std::size_t kVideoMax = 500;
    static constexpr std::size_t kAudioMax = 200;
    // As long as subscribers' numbers are known (Sequencer::kKept), and a second more for what was
    // sent that late (RecentFrames).
    static constexpr Duration kKept = Duration::seconds(2);

    // `max`: packets kept at most; 0 for the default.
    explicit PacketHistory(MediaKind kind, std::size_t max = 0);

    // Keeps `packet`, which came at its arrival and whose views point into `ref`; a small one is
    // moved to a small slot, and the views of `packet` are moved with it. While the pool is crowded
    // a large one is not kept, and the oldest goes all the same.
    void add(PacketPool& pool, MediaPacket& packet, PacketRef& ref);
    // Null when it was never there or has been overwritten.
    const HistoryEntry* find(std::int64_t sequence) const;
    void clear();
    std::size_t capacity() const { return entries_.size(); }
    // Nobody can ask any more for what is there: nothing came for so long.
    bool is_stale(Timestamp now) const { return now - newest_ >= kKept; }

  private:
    void drop_old(Timestamp now, std::int64_t newest);
    // The place of a packet; it may hold another.
    HistoryEntry& place_for(std::int64_t sequence);
    void grow();

    std::vector<HistoryEntry> entries_;
    std::size_t max_;
    std::int64_t oldest_ = -1;  // nothing before it is kept
    Timestamp newest_;          // when the last one came
};

}  // namespace confab::sfu
