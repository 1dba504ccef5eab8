// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/limits/keyed_buckets.h"

#include <algorithm>
#include <bit>
#include <span>

namespace confab {

KeyedBuckets::KeyedBuckets(const SipKey& key, std::size_t places)
    : key_(key), places_(std::bit_ceil(std::max(places, kWays))) {}

std::size_t KeyedBuckets::first_of(std::uint64_t hash) const {
    return (hash & (places_.size() - 1)) & ~(kWays - 1);
}

Bucket& KeyedBuckets::bucket_of(BytesView key) {
    const std::uint64_t hash = siphash(key_, key);
    const std::span<Place> ways = std::span(places_).subspan(first_of(hash), kWays);
    Place* least = &ways.front();
    for (Place& place : ways) {
        if (place.key == hash) return place.bucket;
        if (place.bucket < least->bucket) least = &place;
    }
    least->key = hash;
    return least->bucket;
}

Duration KeyedBuckets::take(Timestamp now, const Rate& rate, BytesView key, std::int64_t count) {
    return rate.is_off() ? Duration::zero() : bucket_of(key).take(now, rate, count);
}

Duration KeyedBuckets::owe(Timestamp now, const Rate& rate, BytesView key, Duration longest) {
    return rate.is_off() ? Duration::zero() : bucket_of(key).owe(now, rate, 1, longest);
}

// Who has no place would get that of the one who owes least.
Duration KeyedBuckets::wait(Timestamp now, const Rate& rate, BytesView key) const {
    if (rate.is_off()) return Duration::zero();
    const std::uint64_t hash = siphash(key_, key);
    const std::span<const Place> ways = std::span(places_).subspan(first_of(hash), kWays);
    const auto mine = std::find_if(ways.begin(), ways.end(),
                                   [&](const Place& place) { return place.key == hash; });
    if (mine != ways.end()) return mine->bucket.wait(now, rate);
    const auto least =
        std::min_element(ways.begin(), ways.end(),
                         [](const Place& a, const Place& b) { return a.bucket < b.bucket; });
    return least->bucket.wait(now, rate);
}

}  // namespace confab
