// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An immutable buffer with a reference count, so that one serialised message waits in the send
// queues of many receivers without copies (02 §6.3). All holders live in one worker; a message for
// another worker crosses as a copy.
#pragma once

#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/shared.h"

namespace confab::sctp {

class SharedBytes {
  public:
    SharedBytes() = default;
    explicit SharedBytes(Bytes bytes) : bytes_(std::move(bytes)) {}
    explicit SharedBytes(BytesView bytes) : SharedBytes(to_vector(bytes)) {}

    BytesView view() const { return bytes_ ? BytesView(*bytes_) : BytesView{}; }
    std::size_t size() const { return view().size(); }
    std::uint32_t holders() const { return bytes_.holders(); }

  private:
    Shared<Bytes> bytes_;
};

}  // namespace confab::sctp
