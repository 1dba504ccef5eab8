// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The only stored copy of media on a worker (02 DES-32): the last packets of one stream, by
// sequence number, from which every subscriber's retransmissions are rebuilt.
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
    std::uint64_t abs_capture_time = 0;
    bool has_abs_capture_time = false;
    Codec codec = Codec::kNone;
};

class PacketHistory {
  public:
    // 02 §3.1: grown by the first size when a second's packets no longer fit.
    static constexpr std::size_t kVideoInitial = 300;
    static constexpr std::size_t kVideoMax = 500;
    static constexpr std::size_t kAudioInitial = 70;
    static constexpr std::size_t kAudioMax = 200;

    // `max`: packets kept at most; 0 for the default.
    explicit PacketHistory(MediaKind kind, std::size_t max = 0);

    // Keeps `packet`, whose views point into `ref`; a small one is moved to a small slot, and the
    // views of `packet` are moved with it. While the pool is crowded a large one is not kept, and
    // the oldest goes all the same.
    void add(PacketPool& pool, MediaPacket& packet, PacketRef& ref);
    // Null when it was never there or has been overwritten.
    const HistoryEntry* find(std::int64_t sequence) const;
    void clear();
    std::size_t capacity() const { return entries_.size(); }

  private:
    void grow_if_needed(Timestamp now);

    std::vector<HistoryEntry> entries_;
    std::size_t step_;
    std::size_t max_;
    Timestamp window_start_;
    std::size_t window_packets_ = 0;
};

}  // namespace confab::sfu
