// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Nonces that need no memory (02 TURN-11): the minute they were made in and a MAC over it and the
// client's address, so that what one client was given is of no use to another (RFC 8489 §9.2). 16
// letters: with a longer one the refusal of a stranger would be a larger amplifier (08 IMM-3).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/time.h"

namespace confab::turn {

inline constexpr Duration kNonceLifetime = Duration::seconds(3600);
inline constexpr std::size_t kNonceSize = 16;

class Nonces {
  public:
    using Key = std::array<std::uint8_t, 32>;
    // `key` is random and of this process alone.
    explicit Nonces(const Key& key) : key_(key) {}

    // For a client at this address; the text has kNonceSize letters.
    std::array<char, kNonceSize> make(Timestamp now, const IpAddress& client) const;
    // Made by us for this address, kNonceLifetime ago at most.
    bool is_valid(std::string_view nonce, Timestamp now, const IpAddress& client) const;

  private:
    std::array<char, kNonceSize> of_minute(std::uint32_t minute, const IpAddress& client) const;

    Key key_;
};

}  // namespace confab::turn
