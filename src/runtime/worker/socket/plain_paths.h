// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Destinations that take no segmented sends for a while (02 DES-13): their path has a smaller MTU
// than a segment, for example. One slot per hash, the latest takes it: whoever loses its slot costs
// one refused system call and is noted again.
#pragma once

#include <array>
#include <cstddef>
#include <functional>

#include "base/net_address.h"
#include "base/time.h"

namespace confab::worker {

class PlainPaths {
  public:
    static constexpr std::size_t kMaxPaths = 1024;
    // Then segmentation is tried again: the path may have changed.
    static constexpr Duration kFor = Duration::seconds(60);

    void add(Timestamp now, const SocketAddress& remote) {
        slot(remote) = {remote, now + kFor};
        latest_ = now + kFor;
    }
    bool contains(Timestamp now, const SocketAddress& remote) const {
        if (now >= latest_) return false;  // almost always
        const Entry& entry = slots_[index(remote)];
        return entry.remote == remote && now < entry.until;
    }

  private:
    struct Entry {
        SocketAddress remote;
        Timestamp until;
    };
    static std::size_t index(const SocketAddress& remote) {
        return std::hash<SocketAddress>{}(remote) % kMaxPaths;
    }
    Entry& slot(const SocketAddress& remote) { return slots_[index(remote)]; }

    std::array<Entry, kMaxPaths> slots_{};
    Timestamp latest_;  // when the last entry ends
};

}  // namespace confab::worker
