// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Buckets by a key that strangers choose (an address, a room, an identity), in a table of fixed
// size. A newcomer that finds no place takes that of the one who owes least, and his debt with it
// (as the counters of "Space-Saving", Metwally et al. 2005): whoever was pushed out and comes back
// finds at least what he left behind, so that no flood of other keys empties the account of one.
// Keys are kept as hashes of a random key, by which nobody knows who shares places with whom.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/limits/bucket.h"
#include "base/limits/siphash.h"

namespace confab {

class KeyedBuckets {
  public:
    static constexpr std::size_t kWays = 8;  // places that a key may have

    // `places` is rounded up to a power of two, kWays at least. `key`: random.
    KeyedBuckets(const SipKey& key, std::size_t places);

    // As Bucket::take, owe and wait. Nothing is allocated.
    Duration take(Timestamp now, const Rate& rate, BytesView key, std::int64_t count = 1);
    Duration owe(Timestamp now, const Rate& rate, BytesView key, Duration longest);
    Duration wait(Timestamp now, const Rate& rate, BytesView key) const;

    std::size_t places() const { return places_.size(); }

  private:
    struct Place {
        std::uint64_t key = 0;
        Bucket bucket;
    };
    std::size_t first_of(std::uint64_t hash) const;
    Bucket& bucket_of(BytesView key);

    SipKey key_;
    std::vector<Place> places_;
};

}  // namespace confab
