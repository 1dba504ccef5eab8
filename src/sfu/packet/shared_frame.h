// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Packets of one picture that each subscriber gets alike or not at all, but for their numbers (02
// DES-44): it is decided once for all of them, and waits as one at each subscriber.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "sfu/packet/arrived_packet.h"

namespace confab::sfu {

class FramePool;

// In the order of their numbers, which follow one another.
struct SharedFrame {
    static constexpr std::size_t kMost = 32;
    struct Packet {
        PacketRef ref;
        BytesView payload;  // of the source, in `ref`
    };

    FramePool* pool = nullptr;
    SharedFrame* next_free = nullptr;
    std::uint32_t references = 0;
    std::uint32_t count = 0;
    std::uint32_t octets = 0;  // of all payloads
    // At least that many octets has each payload, and its slot before and behind it.
    std::uint32_t shortest = 0;
    std::uint32_t before = 0;
    std::uint32_t behind = 0;
    bool marker = false;  // of the last one; no other has it
    // What VP8 descriptors begin with, that of the first packet and all others: else they are
    // equal.
    std::uint8_t first_octet = 0;
    std::uint8_t later_octet = 0;
    std::array<Packet, kMost> packets;

    bool is_marked(std::size_t i) const { return marker && i + 1 == count; }
    std::uint8_t octet(std::size_t i) const { return i == 0 ? first_octet : later_octet; }
    std::span<const Packet> all() const { return std::span(packets).first(count); }
    // Octets that go on where so many of each payload, which has them, are left out.
    std::size_t octets_without(std::size_t skip) const { return octets - count * skip; }
};

// How many of these packets, from the first one on, can be decided together: one and more. Not with
// anything that is decided by packet: key frames, which may switch layers, descriptors of SVC,
// packets that came late.
std::size_t frame_length(std::span<const ArrivedPacket> packets);

// Shared ownership of a frame inside one worker.
class FrameRef {
  public:
    FrameRef() = default;
    explicit FrameRef(SharedFrame* frame) : frame_(frame) {}  // takes over one reference
    FrameRef(const FrameRef& other) : frame_(other.frame_) {
        if (frame_ != nullptr) ++frame_->references;
    }
    FrameRef(FrameRef&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    FrameRef& operator=(FrameRef other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~FrameRef() { reset(); }

    void reset();
    explicit operator bool() const { return frame_ != nullptr; }
    const SharedFrame* operator->() const { return frame_; }
    const SharedFrame& operator*() const { return *frame_; }
    std::size_t size() const { return frame_ == nullptr ? 0 : frame_->count; }

  private:
    SharedFrame* frame_ = nullptr;
};

// No heap call once there are as many as wait at the same time. Each holds two slots of the
// PacketPool and more, which bounds them.
class FramePool {
  public:
    FramePool() = default;
    FramePool(const FramePool&) = delete;
    FramePool& operator=(const FramePool&) = delete;

    // Two packets at least, at most SharedFrame::kMost, of one frame_length(), with payloads that
    // lie in their slots.
    FrameRef share(std::span<const ArrivedPacket> packets);
    std::size_t in_use() const { return in_use_; }
    std::size_t bytes_held() const { return all_.size() * sizeof(SharedFrame); }

  private:
    friend class FrameRef;
    void release(SharedFrame* frame);

    std::vector<std::unique_ptr<SharedFrame>> all_;
    SharedFrame* free_ = nullptr;
    std::size_t in_use_ = 0;
};

inline void FrameRef::reset() {
    if (frame_ != nullptr && --frame_->references == 0) frame_->pool->release(frame_);
    frame_ = nullptr;
}

}  // namespace confab::sfu
