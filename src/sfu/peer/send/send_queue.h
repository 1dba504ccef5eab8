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
#include "sfu/packet/shared_frame.h"

namespace confab::sfu {

// A decided packet on its way into a send slot, or the packets of a frame that go on together. The
// views point into `source` or, for packets of our own, into the down-track.
struct PendingPacket {
    ForwardedPacket packet;  // of a frame the next one, or what was taken last
    PacketRef source;        // of a frame none, nor views
    BytesView payload;
    BytesView dd_bytes;
    const SendExtensions* extensions = nullptr;
    FrameRef frame{};
    std::uint8_t frame_next = 0;  // of `frame`: those before it were taken
    std::uint8_t probe = 0;       // cluster that it belongs to; set by enqueue()
    bool sound = false;           // set by enqueue()

    std::size_t count() const { return frame ? frame->count - frame_next : 1; }
    std::int64_t next_sequence() const { return packet.sequence + (frame_next > 0 ? 1 : 0); }
};

// One packet as it leaves.
struct LeavingPacket {
    const ForwardedPacket* packet = nullptr;  // until the next one is taken
    BytesSpan slot;                           // of the source; empty for packets of our own
    BytesView payload;
    BytesView dd_bytes;
    const SendExtensions* extensions = nullptr;
    std::uint8_t probe = 0;
    bool sound = false;
    std::uint8_t padding = 0;  // octets behind its body (02 DES-12)
};

class SendQueue {
  public:
    // Packets that wait. Those that were taken are still there until release().
    std::size_t size() const { return waiting_; }
    bool empty() const { return waiting_ == 0; }
    std::size_t bytes() const { return bytes_; }  // of the bodies that wait

    void push(PendingPacket&& packet) {
        note(packet);
        packets_.push_back(std::move(packet));
    }
    // The next one, which must exist. Its views are valid until release().
    LeavingPacket take() {
        PendingPacket& p = packets_[taken_];
        LeavingPacket next{&p.packet, {}, p.payload, p.dd_bytes, p.extensions, p.probe, p.sound};
        if (!p.frame) {
            if (p.source) next.slot = p.source.buffer();
            ++taken_;
        } else {
            const SharedFrame::Packet& one = p.frame->packets[p.frame_next];
            next.slot = one.ref.buffer();
            next.payload = one.payload;
            p.packet.sequence = p.next_sequence();
            p.packet.marker = p.frame->is_marked(p.frame_next);
            p.packet.prefix[0] = p.frame->octet(p.frame_next);
            if (++p.frame_next == p.frame->count) ++taken_;
        }
        --waiting_;
        bytes_ -= p.packet.body(next.payload).size();
        return next;
    }
    // Where its packets wait, the frame that is next; else null.
    const PendingPacket* next_frame() const {
        return !empty() && packets_[taken_].frame ? &packets_[taken_] : nullptr;
    }
    // So many packets of it were sent, with so many octets of bodies.
    void take_of_frame(std::size_t count, std::size_t bytes) {
        if (count == 0) return;
        PendingPacket& p = packets_[taken_];
        p.packet.sequence = p.next_sequence() + static_cast<std::int64_t>(count) - 1;
        p.frame_next = static_cast<std::uint8_t>(p.frame_next + count);
        if (p.frame_next == p.frame->count) ++taken_;
        waiting_ -= count;
        bytes_ -= bytes;
    }
    void take_all() {
        taken_ = packets_.size();
        waiting_ = bytes_ = 0;
    }
    // Calls `visit(pending, payload)` for each of the next packets, `most` at most.
    template <typename Visit>
    void look_ahead(std::size_t most, Visit&& visit) const {
        for (std::size_t i = taken_; i < packets_.size() && most > 0; ++i) {
            const PendingPacket& p = packets_[i];
            const std::size_t count = std::min(most, p.count());
            for (std::size_t k = 0; k < count; ++k)
                visit(p, p.frame ? p.frame->packets[p.frame_next + k].payload : p.payload);
            most -= count;
        }
    }
    // Lets go of those that were taken.
    void release() {
        if (taken_ == packets_.size())
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
        waiting_ = bytes_ = 0;
        for (const PendingPacket& p : packets_)
            note(p);
    }

    bool contains(const SendExtensions& extensions) const {
        return std::any_of(packets_.begin() + static_cast<std::ptrdiff_t>(taken_), packets_.end(),
                           [&](const PendingPacket& p) { return p.extensions == &extensions; });
    }

    void prefetch() const { prefetch_for_write(packets_.data(), 2 * sizeof(PendingPacket)); }
    void prefetch_end() const {
        prefetch_for_write(packets_.data() + packets_.size(), sizeof(PendingPacket));
    }

  private:
    // It waits.
    void note(const PendingPacket& p) {
        waiting_ += p.count();
        if (!p.frame)
            bytes_ += p.packet.body(p.payload).size();
        else if (p.frame_next == 0)
            bytes_ += p.frame->octets_without(p.packet.payload_offset);
        else
            for (const SharedFrame::Packet& one : p.frame->all().subspan(p.frame_next))
                bytes_ += p.packet.body(one.payload).size();
    }

    std::vector<PendingPacket> packets_;
    std::size_t taken_ = 0;  // of packets_
    std::size_t waiting_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace confab::sfu
