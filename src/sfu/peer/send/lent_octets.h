// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The octets before a body in its own slot, lent to what stands there in one subscriber's packet,
// so that both are encrypted from one place (02 DES-22). Only where it is encrypted on its way out
// at once: not later, when they are another's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace confab::sfu {

class LentOctets {
  public:
    static constexpr std::size_t kRoom = 8;  // before `end`, whatever the size

    // The first `size` octets of the prefix, 1 to 8, as load_be64() tells it. One load and one
    // store: how many there are differs from packet to packet.
    LentOctets(std::uint8_t* end, std::uint64_t prefix, std::size_t size)
        : at_(end - kRoom), kept_(load_be64(at_)) {
        const std::size_t rest = 64 - 8 * size;
        const std::uint64_t lent = ~std::uint64_t{0} >> rest;
        store_be64(at_, (kept_ & ~lent) | (prefix >> rest));
    }
    ~LentOctets() { store_be64(at_, kept_); }
    LentOctets(const LentOctets&) = delete;
    LentOctets& operator=(const LentOctets&) = delete;

  private:
    std::uint8_t* at_;
    std::uint64_t kept_;
};

}  // namespace confab::sfu
