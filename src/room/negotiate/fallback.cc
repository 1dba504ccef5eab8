// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/fallback.h"

#include <utility>

namespace confab::room {

bool FailureCount::failed(Timestamp now, Duration lived) {
    const std::optional<Timestamp> before = std::exchange(last_, now);
    const bool enough = lived < kShortLife || (before && now - *before <= kWindow);
    if (enough) last_.reset();
    return enough;
}

void ChosenTransports::keep(const std::string& identity, IcePreference preference, Timestamp now) {
    if (preference == IcePreference::kAny) {
        chosen_.erase(identity);
        return;
    }
    if (chosen_.size() >= kMax)
        std::erase_if(chosen_, [&](const auto& one) { return now - one.second.at > kLife; });
    if (chosen_.size() < kMax || chosen_.contains(identity)) chosen_[identity] = {preference, now};
}

IcePreference ChosenTransports::find(const std::string& identity, Timestamp now) const {
    const auto found = chosen_.find(identity);
    if (found == chosen_.end() || now - found->second.at > kLife) return IcePreference::kAny;
    return found->second.preference;
}

}  // namespace confab::room
