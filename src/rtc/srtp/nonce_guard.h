// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Finds a (SSRC, index) pair that is used twice with different octets: under GCM that gives the
// authentication key away (02 TRAP-14, 08 IMM-5). Resending identical octets is harmless.
// Contexts carry one in debug, simulator and fuzz builds.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace confab::srtp {

inline constexpr std::size_t kNonceGuardEntries = 1024;  // a power of two; the most recent pairs

class NonceGuard {
  public:
    // False if the pair was seen with other octets among the remembered ones.
    bool check(std::uint32_t ssrc, std::uint64_t index, BytesView header, BytesView payload);

  private:
    struct Entry {
        std::uint64_t index = 0;
        std::uint64_t content = 0;
        std::uint32_t ssrc = 0;
        bool used = false;
    };
    std::array<Entry, kNonceGuardEntries> entries_{};
};

}  // namespace confab::srtp
