// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Datagrams that are under way, by the time of their arrival; equal times in the order of push().
// Their bytes lie in slots that are used again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace confab::netem {

inline constexpr std::size_t kMaxDatagram = 2048;

class PacketQueue {
  public:
    struct Packet {
        std::uint64_t tag = 0;  // the caller's
        std::uint32_t slot = 0;
        std::uint16_t size = 0;
    };

    // More than `max_packets` are refused.
    explicit PacketQueue(std::size_t max_packets) : max_packets_(max_packets) {}

    // Copies `bytes`, kMaxDatagram at most. False: no room.
    bool push(Timestamp at, std::uint64_t tag, BytesView bytes);
    // The next one that is due; its slot belongs to the caller until release().
    std::optional<Packet> pop(Timestamp now);
    BytesView bytes(const Packet& packet) const;
    void release(const Packet& packet) { free_.push_back(packet.slot); }

    Timestamp next_deadline() const { return heap_.empty() ? Timestamp::never() : heap_[0].at; }
    std::size_t size() const { return heap_.size(); }

  private:
    static constexpr std::size_t kSlotsPerBlock = 64;
    using Block = std::array<std::array<std::uint8_t, kMaxDatagram>, kSlotsPerBlock>;
    struct Entry {
        Timestamp at;
        std::uint64_t number = 0;
        Packet packet;
    };
    static bool later(const Entry& a, const Entry& b) {
        return a.at != b.at ? a.at > b.at : a.number > b.number;
    }
    void add_block();

    std::size_t max_packets_;
    std::vector<Entry> heap_;  // the earliest first
    std::vector<std::unique_ptr<Block>> blocks_;
    std::vector<std::uint32_t> free_;
    std::uint64_t next_number_ = 0;
};

}  // namespace confab::netem
