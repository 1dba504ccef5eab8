// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/notices.h"

#include <utility>

namespace confab::cluster::store {

void Notices::tell(Timestamp now, const Notice& notice) {
    ++counts_[static_cast<std::size_t>(notice.kind)];
    std::string what = std::to_string(static_cast<int>(notice.kind));
    what.append(1, '\0').append(notice.key).append(1, '\0').append(notice.field);
    if (told_.size() >= kMaxRemembered && !told_.contains(what)) told_.clear();
    const auto [it, fresh] = told_.try_emplace(std::move(what), now);
    if (!fresh && now < it->second + kAgain) return;
    it->second = now;
    if (tell_) tell_(now, notice);
}

}  // namespace confab::cluster::store
