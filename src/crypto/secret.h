// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Key material that is wiped when it goes out of scope. There is on purpose no formatter, no
// comparison operator and no copy: a secret is never logged and never multiplied by accident.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "base/bytes.h"

namespace confab::crypto {

// Overwrites the octets in a way that the compiler may not remove.
void wipe(BytesSpan bytes);

// Octets of a length known at run time.
class Secret {
  public:
    Secret() = default;
    explicit Secret(BytesView bytes) : bytes_(bytes.begin(), bytes.end()) {}
    explicit Secret(std::size_t size) : bytes_(size) {}
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe(bytes_);
            bytes_ = std::move(other.bytes_);
            other.bytes_.clear();
        }
        return *this;
    }
    ~Secret() { wipe(bytes_); }

    BytesView view() const { return bytes_; }
    BytesSpan writable() { return bytes_; }
    std::size_t size() const { return bytes_.size(); }
    bool empty() const { return bytes_.empty(); }
    Secret clone() const { return Secret(view()); }

  private:
    Bytes bytes_;
};

// Octets of a fixed length, without a heap block; copied like a value, each copy wiped.
template <std::size_t N>
class SecretArray {
  public:
    SecretArray() = default;
    SecretArray(const SecretArray&) = default;
    SecretArray& operator=(const SecretArray&) = default;
    ~SecretArray() { wipe(bytes_); }

    BytesView view() const { return bytes_; }
    BytesSpan writable() { return bytes_; }
    static constexpr std::size_t size() { return N; }

  private:
    std::array<std::uint8_t, N> bytes_{};
};

}  // namespace confab::crypto
