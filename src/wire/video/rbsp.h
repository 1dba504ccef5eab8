// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Raw byte sequence payload of H.264 and H.265 (ITU-T H.264 §7.3.1): the bytes of a NAL unit
// without the emulation prevention bytes, in a buffer of fixed size.
#pragma once

#include <array>

#include "base/bytes.h"

namespace confab::wire {

// Everything that leads to the picture size lies within; what follows is cut off.
inline constexpr std::size_t kMaxRbspSize = 1024;

class Rbsp {
  public:
    // `nal` starts behind the NAL header.
    explicit Rbsp(BytesView nal) {
        unsigned zeros = 0;
        for (const std::uint8_t byte : nal) {
            if (size_ == kMaxRbspSize) return;
            if (zeros >= 2 && byte == 3) {
                zeros = 0;
                continue;
            }
            zeros = byte == 0 ? zeros + 1 : 0;
            bytes_[size_++] = byte;
        }
    }
    BytesView view() const { return BytesView(bytes_).first(size_); }

  private:
    std::array<std::uint8_t, kMaxRbspSize> bytes_;
    std::size_t size_ = 0;
};

}  // namespace confab::wire
