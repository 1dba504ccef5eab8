// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An immutable value with a count of its holders, for what many messages have in common. The count
// is not atomic: all holders live in one thread. Not for objects with a life of their own (TYP-07).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace confab {

template <typename T>
class Shared {
  public:
    Shared() = default;  // of nothing
    explicit Shared(T value) : block_(new Block{1, std::move(value)}) {}
    Shared(const Shared& other) : block_(other.block_) {
        if (block_ != nullptr) ++block_->holders;
    }
    Shared(Shared&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Shared& operator=(Shared other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Shared() {
        if (block_ != nullptr && --block_->holders == 0) delete block_;
    }

    explicit operator bool() const { return block_ != nullptr; }
    const T& operator*() const { return block_->value; }
    const T* operator->() const { return &block_->value; }
    std::uint32_t holders() const { return block_ != nullptr ? block_->holders : 0; }
    // The same object, whatever is in it.
    bool operator==(const Shared& other) const { return block_ == other.block_; }

    struct Hash {
        std::size_t operator()(const Shared& shared) const {
            return std::hash<const void*>()(shared.block_);
        }
    };

  private:
    struct Block {
        std::uint32_t holders;
        T value;
    };
    Block* block_ = nullptr;
};

}  // namespace confab
