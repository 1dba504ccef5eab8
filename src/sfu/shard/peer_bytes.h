// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A connection with its tracks as bytes (docs/design/migration.md). Who has them can read and forge
// all that it carries: each copy is wiped, and none is made but where a command is copied.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace confab::sfu {

class PeerBytes {
  public:
    PeerBytes() = default;  // none
    explicit PeerBytes(BytesView bytes) : secret_(bytes) {}
    PeerBytes(const PeerBytes& other) : secret_(other.secret_.clone()) {}
    PeerBytes(PeerBytes&& other) noexcept = default;
    PeerBytes& operator=(const PeerBytes& other) {
        if (this != &other) secret_ = other.secret_.clone();
        return *this;
    }
    PeerBytes& operator=(PeerBytes&& other) noexcept = default;
    ~PeerBytes() = default;

    explicit operator bool() const { return !secret_.empty(); }
    BytesView view() const { return secret_.view(); }
    std::size_t size() const { return secret_.size(); }

  private:
    crypto::Secret secret_;
};

}  // namespace confab::sfu
