// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How many answers one address gets before it has shown a password (08 IMM-3): whoever forges the
// sender of a request must not be able to point us at a victim. A token bucket for each address (of
// IPv6: for each /64) in a table of fixed size, in which a newcomer takes the place of whoever its
// hash falls on; so memory is bounded, and under a flood from everywhere the limit is only softer.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/net_address.h"
#include "base/time.h"

namespace confab::turn {

class SourceLimiter {
  public:
    static constexpr std::int64_t kPerSecond = 50;
    static constexpr std::int64_t kBurst = 200;  // a NAT with many clients that start together
    static constexpr std::size_t kSources = 4096;

    // `seed`: random, so that nobody can choose addresses that share a place.
    explicit SourceLimiter(std::uint64_t seed) : seed_(seed), sources_(kSources) {}

    // Takes one answer; false if the address has had its share.
    bool take(Timestamp now, const IpAddress& address) {
        const IpAddress source = network(address);
        const std::size_t hash =
            (std::hash<IpAddress>{}(source) ^ seed_) * 0x9E37'79B9'7F4A'7C15ULL;
        Source& place = sources_[(hash >> 32) % kSources];
        if (place.address != source) place = {source, kBurst * kUnit, now};
        const std::int64_t earned = (now - place.at).us() * kPerSecond;
        place.credit = std::min(kBurst * kUnit, place.credit + std::max<std::int64_t>(0, earned));
        place.at = now;
        if (place.credit < kUnit) return false;
        place.credit -= kUnit;
        return true;
    }

  private:
    static constexpr std::int64_t kUnit = 1'000'000;  // of credit: one answer
    struct Source {
        IpAddress address;
        std::int64_t credit = 0;
        Timestamp at;
    };
    static IpAddress network(const IpAddress& address) {
        if (!address.is_v6()) return address;
        std::array<std::uint8_t, 16> bytes{};
        std::copy_n(address.bytes().begin(), 8, bytes.begin());
        return IpAddress::v6_bytes(bytes);
    }

    std::uint64_t seed_;
    std::vector<Source> sources_;
};

}  // namespace confab::turn
