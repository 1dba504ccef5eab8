// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Checks that name nobody known here (03 OPS-05). They get no answer in any case; who sends more of
// them than `rate` makes no other worker look either. Where a client's own checks lead to another
// worker, few of them come before their path is proved, and these are counted as well: the limit
// has to be above what clients behind one address send while they connect.
#pragma once

#include <cstdint>
#include <utility>

#include "base/limits/keyed_buckets.h"
#include "base/limits/sources.h"
#include "sfu/peer/stranger_limits.h"

namespace confab::sfu {

class Strangers {
  public:
    static constexpr std::size_t kSources = 4096;

    explicit Strangers(const SipKey& key) : buckets_(key, kSources) {}

    void set_limits(StrangerLimits limits) { limits_ = std::move(limits); }
    // One more from there; false: it is one too many. Nothing is allocated.
    bool take(Timestamp now, const IpAddress& from) {
        if (limits_.rate.is_off() || is_listed(limits_.trusted, from)) return true;
        const IpAddress source = source_of(from);
        if (buckets_.take(now, limits_.rate, source.bytes()) == Duration::zero()) return true;
        ++dropped_;
        return false;
    }
    std::uint64_t dropped() const { return dropped_; }

  private:
    StrangerLimits limits_;
    KeyedBuckets buckets_;
    std::uint64_t dropped_ = 0;
};

}  // namespace confab::sfu
