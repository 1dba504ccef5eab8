// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Slab memory for packets (02 DES-30, DES-31): two slot sizes, plain reference counts that only the
// owning worker touches, no heap call after the slabs have grown to the load.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"

namespace confab::sfu {

class PacketPool;

// Head of a slot; the bytes follow it in memory.
struct PacketSlot {
    PacketPool* pool = nullptr;
    PacketSlot* next_free = nullptr;
    std::uint32_t references = 0;
    std::uint16_t capacity = 0;
    std::uint16_t size = 0;

    std::uint8_t* bytes();
};

// Shared ownership of one slot inside one worker; as small as a pointer.
class PacketRef {
  public:
    PacketRef() = default;
    explicit PacketRef(PacketSlot* slot) : slot_(slot) {}  // takes over one reference
    PacketRef(const PacketRef& other) : slot_(other.slot_) {
        if (slot_ != nullptr) ++slot_->references;
    }
    PacketRef(PacketRef&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
    PacketRef& operator=(PacketRef other) noexcept {
        std::swap(slot_, other.slot_);
        return *this;
    }
    ~PacketRef() { reset(); }

    void reset();
    explicit operator bool() const { return slot_ != nullptr; }
    // The whole room of the slot, to receive into.
    BytesSpan buffer() const { return {slot_->bytes(), slot_->capacity}; }
    // The bytes received.
    BytesSpan data() const { return {slot_->bytes(), slot_->size}; }
    void set_size(std::size_t size) {
        CONFAB_DCHECK(size <= slot_->capacity);
        slot_->size = static_cast<std::uint16_t>(size);
    }
    const PacketSlot* slot() const { return slot_; }

  private:
    PacketSlot* slot_ = nullptr;
};

struct PacketPoolLimits {
    std::size_t large_slots_max = 1U << 18;  // 400 MB: a bound, not a plan
    std::size_t small_slots_max = 1U << 19;
};

class PacketPool {
  public:
    // A datagram of the largest size we take (NET-01) and room for the tag of a GCM packet.
    static constexpr std::uint16_t kLargeCapacity = 1536;
    // Audio, RTCP and STUN; a packet that is kept and fits is moved to a small slot.
    static constexpr std::uint16_t kSmallCapacity = 288;

    explicit PacketPool(PacketPoolLimits limits = {});
    ~PacketPool();
    PacketPool(const PacketPool&) = delete;
    PacketPool& operator=(const PacketPool&) = delete;

    // A slot of kLargeCapacity; empty when the limit is reached (the caller drops the packet).
    PacketRef acquire_large() { return acquire(large_); }
    PacketRef acquire_small() { return acquire(small_); }
    // The packet to keep for `packet`: itself, or a copy in a small slot if that saves memory.
    PacketRef compact(const PacketRef& packet);

    // What is left is for packets on their way; nothing more is kept (02 DES-33).
    bool crowded() const { return large_.in_use > large_.slots_max / 5 * 4; }

    std::size_t large_in_use() const { return large_.in_use; }
    std::size_t small_in_use() const { return small_.in_use; }
    std::size_t bytes_held() const;

  private:
    friend class PacketRef;
    struct SizeClass {
        std::uint16_t capacity = 0;
        std::size_t slots_max = 0;
        std::size_t in_use = 0;
        std::size_t total = 0;
        PacketSlot* free = nullptr;
        std::vector<std::unique_ptr<std::uint8_t[]>> slabs;
    };
    PacketRef acquire(SizeClass& size_class);
    void grow(SizeClass& size_class);
    void release(PacketSlot* slot);

    SizeClass large_;
    SizeClass small_;
};

inline std::uint8_t* PacketSlot::bytes() {
    return reinterpret_cast<std::uint8_t*>(this + 1);
}

inline void PacketRef::reset() {
    if (slot_ == nullptr) return;
    CONFAB_DCHECK(slot_->references > 0);
    if (--slot_->references == 0) slot_->pool->release(slot_);
    slot_ = nullptr;
}

}  // namespace confab::sfu
