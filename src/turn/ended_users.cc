// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "turn/ended_users.h"

namespace confab::turn {

void EndedUsers::note(Timestamp now, std::string_view participant_sid) {
    forget_expired(now);
    const auto [entry, is_new] = ended_.try_emplace(std::string(participant_sid), now);
    if (!is_new) return;  // it ends once
    in_order_.emplace_back(now, entry->first);
    if (ended_.size() > kMax) forget_first();
}

std::optional<Timestamp> EndedUsers::ended_at(Timestamp now, std::string_view participant_sid) {
    forget_expired(now);
    const auto found = ended_.find(std::string(participant_sid));
    if (found == ended_.end()) return std::nullopt;
    return found->second;
}

void EndedUsers::forget_first() {
    ended_.erase(in_order_.front().second);
    in_order_.pop_front();
}

void EndedUsers::forget_expired(Timestamp now) {
    while (!in_order_.empty() && now - in_order_.front().first > remember_)
        forget_first();
}

}  // namespace confab::turn
