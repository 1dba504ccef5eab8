// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An immutable buffer with a reference count, so that one serialised message waits in the send
// queues of many receivers without copies (02 §6.3). The count is not atomic: all holders live in
// one worker; a message for another worker crosses as a copy.
#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.h"

namespace confab::sctp {

class SharedBytes {
  public:
    SharedBytes() = default;
    explicit SharedBytes(Bytes bytes) : block_(new Block{1, std::move(bytes)}) {}
    explicit SharedBytes(BytesView bytes) : SharedBytes(to_vector(bytes)) {}
    SharedBytes(const SharedBytes& other) : block_(other.block_) {
        if (block_ != nullptr) ++block_->holders;
    }
    SharedBytes(SharedBytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    SharedBytes& operator=(SharedBytes other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~SharedBytes() {
        if (block_ != nullptr && --block_->holders == 0) delete block_;
    }

    BytesView view() const { return block_ != nullptr ? BytesView(block_->bytes) : BytesView{}; }
    std::size_t size() const { return block_ != nullptr ? block_->bytes.size() : 0; }
    std::uint32_t holders() const { return block_ != nullptr ? block_->holders : 0; }

  private:
    struct Block {
        std::uint32_t holders;
        Bytes bytes;
    };
    Block* block_ = nullptr;
};

}  // namespace confab::sctp
