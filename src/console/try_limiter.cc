// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/try_limiter.h"

#include <algorithm>

#include "base/text.h"

namespace confab::console {
namespace {

// An IPv6 client has a whole /64 to choose from (RFC 4291 §2.5.4).
std::string group_of(const IpAddress& address) {
    constexpr std::size_t kNetwork = 8;  // octets
    if (!address.is_v6()) return address.to_string();
    // ::ffff:192.0.2.1 is an IPv4 address; all of these are in one network.
    const std::string all = to_hex(address.bytes());
    constexpr std::string_view kMapped = "00000000000000000000ffff";
    return all.starts_with(kMapped) ? all : to_hex(address.bytes().first(kNetwork));
}

}  // namespace

std::vector<TryLimiter::Place> TryLimiter::places(const IpAddress& socket,
                                                  const std::string& said) {
    const bool itself = said.empty() || said == socket.to_string();
    std::vector<Place> all{{"socket " + group_of(socket), itself ? kTries : kTriesOfSocket}};
    if (itself) return all;
    const auto address = IpAddress::parse(said);
    all.push_back({"said " + (address ? group_of(*address) : said.substr(0, kMaxText)), kTries});
    return all;
}

double TryLimiter::used(const Place& place, Timestamp now) const {
    const auto found = buckets_.find(place.key);
    if (found == buckets_.end()) return 0;
    const double back = place.tries * (now - found->second.at).to_seconds() / kRefill.to_seconds();
    return std::max(0.0, found->second.used - std::max(0.0, back));
}

std::optional<Duration> TryLimiter::wait(const IpAddress& socket, const std::string& said,
                                         Timestamp now) {
    std::optional<Duration> longest;
    for (const Place& place : places(socket, said)) {
        const double missing = used(place, now) - (place.tries - 1);
        if (missing <= 0) continue;
        const Duration time = kRefill.scaled(missing / place.tries);
        longest = std::max(longest.value_or(Duration::zero()), time);
    }
    return longest;
}

void TryLimiter::failed(const IpAddress& socket, const std::string& said, Timestamp now) {
    for (const Place& place : places(socket, said)) {
        const double before = used(place, now);
        if (!buckets_.contains(place.key)) make_room();
        buckets_[place.key] = {before + 1, now};
    }
}

void TryLimiter::make_room() {
    if (buckets_.size() < kMaxAddresses) return;
    buckets_.erase(
        std::min_element(buckets_.begin(), buckets_.end(),
                         [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
}

}  // namespace confab::console
