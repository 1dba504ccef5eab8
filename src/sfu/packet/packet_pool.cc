// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/packet/packet_pool.h"

#include <cstring>
#include <new>

#ifdef CONFAB_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace confab::sfu {
namespace {
constexpr std::size_t kSlotsPerSlab = 256;

std::size_t slot_stride(std::uint16_t capacity) {
    constexpr std::size_t kAlign = alignof(PacketSlot);
    return (sizeof(PacketSlot) + capacity + kAlign - 1) / kAlign * kAlign;
}

// Freed slots are poisoned, so that a view that outlived its packet is found (07 SIO-08).
void poison([[maybe_unused]] PacketSlot* slot) {
#ifdef CONFAB_ASAN
    ASAN_POISON_MEMORY_REGION(slot->bytes(), slot->capacity);
#endif
}
void unpoison([[maybe_unused]] PacketSlot* slot) {
#ifdef CONFAB_ASAN
    ASAN_UNPOISON_MEMORY_REGION(slot->bytes(), slot->capacity);
#endif
}
}  // namespace

PacketPool::PacketPool(PacketPoolLimits limits) {
    large_.capacity = kLargeCapacity;
    large_.slots_max = limits.large_slots_max;
    small_.capacity = kSmallCapacity;
    small_.slots_max = limits.small_slots_max;
}

PacketPool::~PacketPool() {
    // Every holder must be gone before the pool; anything else would dangle.
    CONFAB_CHECK(large_.in_use == 0 && small_.in_use == 0);
#ifdef CONFAB_ASAN
    for (SizeClass* c : {&large_, &small_})
        for (PacketSlot* slot = c->free; slot != nullptr; slot = slot->next_free)
            unpoison(slot);
#endif
}

void PacketPool::grow(SizeClass& c) {
    const std::size_t stride = slot_stride(c.capacity);
    c.slabs.push_back(std::make_unique<std::uint8_t[]>(stride * kSlotsPerSlab));
    std::uint8_t* memory = c.slabs.back().get();
    for (std::size_t i = kSlotsPerSlab; i-- > 0;) {
        auto* slot = new (memory + i * stride) PacketSlot;
        slot->pool = this;
        slot->capacity = c.capacity;
        slot->next_free = c.free;
        c.free = slot;
        poison(slot);
    }
    c.total += kSlotsPerSlab;
}

PacketRef PacketPool::acquire(SizeClass& c) {
    if (c.free == nullptr) {
        if (c.total >= c.slots_max) return {};
        grow(c);
    }
    PacketSlot* slot = c.free;
    CONFAB_DCHECK(slot->references == 0 && slot->pool == this);
    c.free = slot->next_free;
    slot->references = 1;
    slot->size = 0;
    ++c.in_use;
    unpoison(slot);
    return PacketRef(slot);
}

void PacketPool::release(PacketSlot* slot) {
    SizeClass& c = slot->capacity == kLargeCapacity ? large_ : small_;
    CONFAB_DCHECK(slot->references == 0 && c.in_use > 0);
    poison(slot);
    slot->next_free = c.free;
    c.free = slot;
    --c.in_use;
}

PacketRef PacketPool::compact(const PacketRef& packet) {
    const BytesSpan data = packet.data();
    if (data.size() > kSmallCapacity || packet.buffer().size() == kSmallCapacity) return packet;
    PacketRef small = acquire_small();
    if (!small) return packet;
    std::memcpy(small.buffer().data(), data.data(), data.size());
    small.set_size(data.size());
    return small;
}

std::size_t PacketPool::bytes_held() const {
    return large_.total * slot_stride(large_.capacity) +
           small_.total * slot_stride(small_.capacity);
}

}  // namespace confab::sfu
