// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Decided packets of one subscriber that wait to be encrypted and sent, in order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/prefetch.h"
#include "sfu/forward/forwarded_packet.h"
#include "sfu/packet/packet_pool.h"

namespace confab::sfu {

// A decided packet on its way into a send slot. The views point into `source` or, for packets of
// our own, into the down-track.
struct PendingPacket {
    ForwardedPacket packet;
    PacketRef source;
    BytesView payload;
    BytesView dd_bytes;
    const SendExtensions* extensions = nullptr;
    std::uint8_t probe = 0;    // cluster that it belongs to; set by enqueue()
    std::uint8_t padding = 0;  // octets behind its body (02 DES-12)
    bool sound = false;        // set by enqueue()
};

class SendQueue {
  public:
    // Those that were taken are still there until release().
    std::size_t size() const { return packets_.size() - taken_; }
    bool empty() const { return size() == 0; }
    std::size_t bytes() const { return bytes_; }  // of the bodies that wait

    void push(PendingPacket&& packet) {
        bytes_ += packet.packet.body(packet.payload).size();
        packets_.push_back(std::move(packet));
    }
    // The next one, which must exist; stays where it is until release().
    PendingPacket& take() {
        PendingPacket& packet = packets_[taken_++];
        bytes_ -= packet.packet.body(packet.payload).size();
        return packet;
    }
    void take_all() {
        taken_ = packets_.size();
        bytes_ = 0;
    }
    // Those that wait.
    PendingPacket* begin() { return packets_.data() + taken_; }
    PendingPacket* end() { return packets_.data() + packets_.size(); }
    // Lets go of those that were taken.
    void release() {
        if (empty())
            packets_.clear();
        else
            packets_.erase(packets_.begin(),
                           packets_.begin() + static_cast<std::ptrdiff_t>(taken_));
        taken_ = 0;
    }
    // Those of a down-track that goes.
    void remove(const SendExtensions& extensions) {
        release();
        std::erase_if(packets_,
                      [&](const PendingPacket& p) { return p.extensions == &extensions; });
        bytes_ = 0;
        for (const PendingPacket& p : packets_)
            bytes_ += p.packet.body(p.payload).size();
    }

    bool contains(const SendExtensions& extensions) const {
        return std::any_of(packets_.begin() + static_cast<std::ptrdiff_t>(taken_), packets_.end(),
                           [&](const PendingPacket& p) { return p.extensions == &extensions; });
    }

    void prefetch() const { prefetch_for_write(packets_.data(), 4 * sizeof(PendingPacket)); }
    void prefetch_end() const { prefetch_for_write(packets_.data() + packets_.size()); }

  private:
    std::vector<PendingPacket> packets_;
    std::size_t taken_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace confab::sfu
