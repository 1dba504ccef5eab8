// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The accepted streams that no peer uses, in the order in which they came, and how many of them one
// source has: which of them gives way to a newer one (03 OPS-05).
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/limits/sources.h"
#include "base/net_address.h"

namespace confab::worker {

class UnclaimedStreams {
  public:
    using Place = std::list<std::pair<std::uint32_t, IpAddress>>::iterator;

    Place add(std::uint32_t id, const IpAddress& remote) {
        const IpAddress source = source_of(remote);
        ++counts_[source];
        return streams_.insert(streams_.end(), {id, source});
    }
    void remove(Place place) {
        const auto count = counts_.find(place->second);
        if (--count->second == 0) counts_.erase(count);
        streams_.erase(place);
    }

    std::size_t count_of(const IpAddress& remote) const {
        const auto count = counts_.find(source_of(remote));
        return count == counts_.end() ? 0 : count->second;
    }
    std::optional<std::uint32_t> oldest() const {
        if (streams_.empty()) return std::nullopt;
        return streams_.front().first;
    }
    std::optional<std::uint32_t> oldest_of(const IpAddress& remote) const {
        const IpAddress source = source_of(remote);
        for (const auto& [id, from] : streams_)
            if (from == source) return id;
        return std::nullopt;
    }

  private:
    std::list<std::pair<std::uint32_t, IpAddress>> streams_;
    std::unordered_map<IpAddress, std::size_t> counts_;
};

}  // namespace confab::worker
