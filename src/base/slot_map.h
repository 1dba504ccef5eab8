// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Objects addressed by generational handles (07 TYP-07): a handle to a removed object finds
// nothing, even after its slot was used again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"

namespace confab {

template <typename Tag>
struct Handle {
    std::uint32_t index = 0;
    std::uint32_t generation = 0;  // 0: no object

    explicit operator bool() const { return generation != 0; }
    bool operator==(const Handle&) const = default;
    std::uint64_t packed() const { return (std::uint64_t{generation} << 32) | index; }
};

template <typename T, typename Tag = T>
class SlotMap {
  public:
    using HandleType = Handle<Tag>;

    template <typename... Args>
    HandleType emplace(Args&&... args) {
        if (free_.empty()) {
            free_.push_back(static_cast<std::uint32_t>(slots_.size()));
            slots_.emplace_back();
        }
        const std::uint32_t index = free_.back();
        free_.pop_back();
        Slot& slot = slots_[index];
        CONFAB_DCHECK(slot.object == nullptr);  // free_ names a slot once
        slot.object = std::make_unique<T>(std::forward<Args>(args)...);
        ++size_;
        return {index, slot.generation};
    }
    bool erase(HandleType handle) {
        if (find(handle) == nullptr) return false;
        Slot& slot = slots_[handle.index];
        slot.object.reset();
        if (++slot.generation == 0) slot.generation = 1;
        free_.push_back(handle.index);
        --size_;
        CONFAB_DCHECK(size_ + free_.size() == slots_.size());
        return true;
    }
    // Stable address until erased; null for an outdated handle.
    T* find(HandleType handle) {
        if (handle.index >= slots_.size()) return nullptr;
        Slot& slot = slots_[handle.index];
        return slot.generation == handle.generation ? slot.object.get() : nullptr;
    }
    const T* find(HandleType handle) const { return const_cast<SlotMap*>(this)->find(handle); }

    // In slot order, which depends only on the history of insertions and removals.
    template <typename F>
    void for_each(F&& f) {
        for (std::uint32_t i = 0; i < slots_.size(); ++i)
            if (slots_[i].object) f(HandleType{i, slots_[i].generation}, *slots_[i].object);
    }
    std::size_t size() const { return size_; }

  private:
    struct Slot {
        std::unique_ptr<T> object;
        std::uint32_t generation = 1;
    };
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::size_t size_ = 0;
};

}  // namespace confab

template <typename Tag>
struct std::hash<confab::Handle<Tag>> {
    std::size_t operator()(const confab::Handle<Tag>& h) const noexcept {
        return std::hash<std::uint64_t>{}(h.packed());
    }
};
