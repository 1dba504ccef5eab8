// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who was denied what, when, as the server was told. Something that was sent and arrived while it
// was denied all the time in between must not have passed; what was under way at a change may.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "base/time.h"

namespace confab::sim {

enum class Right : std::uint8_t {
    kSendData,
    kHear,       // canSubscribe
    kAccess,     // to what the first person publishes
    kDataTrack,  // of that number, wanted by the first person
};

class Rights {
  public:
    // A person, and what the right is about.
    using Key = std::tuple<Right, std::uint32_t, std::uint32_t>;
    // A change reaches every shard within it.
    static constexpr Duration kGrace = Duration::millis(50);

    void set(Timestamp now, const Key& key, bool allowed) {
        std::vector<Span>& spans = denied_[key];
        const bool is_denied = !spans.empty() && spans.back().until.is_never();
        if (is_denied != allowed) return;
        if (allowed)
            spans.back().until = now;
        else
            spans.push_back({now, Timestamp::never()});
    }
    bool allows(const Key& key) const {
        const auto found = denied_.find(key);
        return found == denied_.end() || found->second.empty() ||
               !found->second.back().until.is_never();
    }
    bool denied(const Key& key, Timestamp sent, Timestamp arrived) const {
        const auto found = denied_.find(key);
        return found != denied_.end() && std::ranges::any_of(found->second, [&](const Span& span) {
                   return sent >= span.from + kGrace && arrived <= span.until;
               });
    }

  private:
    struct Span {
        Timestamp from;
        Timestamp until;
    };
    std::map<Key, std::vector<Span>> denied_;
};

}  // namespace confab::sim
