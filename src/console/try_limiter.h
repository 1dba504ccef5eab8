// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How often wrong secrets may be tried: a few at once, then a few a minute, from one address.
// Right ones do not count.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/net_address.h"
#include "base/time.h"

namespace confab::console {

class TryLimiter {
  public:
    static constexpr double kTries = 5;
    // Of a socket's address: behind a proxy there may be many, and what clients say of their own
    // addresses may be made up.
    static constexpr double kTriesOfSocket = 30;
    static constexpr Duration kRefill = Duration::seconds(60);  // from none to all
    // Of more, those that tried longest ago are forgotten.
    static constexpr std::size_t kMaxAddresses = 4096;
    static constexpr std::size_t kMaxText = 64;

    // `said`: the client's address as a proxy tells it (01 CON-08). How long to wait; nothing: it
    // may try.
    std::optional<Duration> wait(const IpAddress& socket, const std::string& said, Timestamp now);
    void failed(const IpAddress& socket, const std::string& said, Timestamp now);
    std::size_t size() const { return buckets_.size(); }

  private:
    struct Bucket {
        double used = 0;
        Timestamp at;
    };
    struct Place {
        std::string key;
        double tries = kTries;
    };
    static std::vector<Place> places(const IpAddress& socket, const std::string& said);
    double used(const Place& place, Timestamp now) const;
    void make_room();

    std::map<std::string, Bucket> buckets_;
};

}  // namespace confab::console
