// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/fallback.h"

#include <algorithm>
#include <utility>

namespace confab::room {

std::optional<Duration> tcp_ice_limit(std::optional<Duration> signal_rtt) {
    if (!signal_rtt || *signal_rtt >= kMaxSupervisedRtt) return std::nullopt;
    return std::clamp(*signal_rtt * 8, kMinTcpIceTime, kMaxTcpIceTime);
}

bool is_unstable(const sfu::PathQuality& path, std::optional<Duration> signal_rtt,
                 Duration threshold) {
    if (path.bad_reports < kUnstableReports) return false;
    if (!path.rtt || !signal_rtt || *signal_rtt >= threshold) return false;
    return *signal_rtt * 10 < *path.rtt * 13;
}

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
