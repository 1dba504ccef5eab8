// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/changes.h"

#include <utility>

#include "config/options.h"
#include "config/yaml/value.h"

namespace confab::config {
namespace {

bool counts(const Option& option) {
    return option.slot != nullptr && option.status == Status::kUsed;
}

void assign(const Slot& to, const Slot& from) {
    std::visit(
        [&from](auto target) {
            using T = decltype(target);
            if constexpr (!std::is_same_v<T, std::monostate>) *target = *std::get<T>(from);
        },
        to);
}

}  // namespace

Changes changes(const Config& before, const Config& after) {
    Config old = before;  // slots are writable
    Config now = after;
    Changes found;
    for (const Option& option : options()) {
        if (!counts(option)) continue;
        if (format_value(option.slot(old), Secrets::kShown) !=
            format_value(option.slot(now), Secrets::kShown))
            (option.live ? found.live : found.restart).push_back(option.path);
    }
    return found;
}

Config with_live(Config running, Config wanted) {
    for (const Option& option : options())
        if (counts(option) && option.live) assign(option.slot(running), option.slot(wanted));
    return running;
}

}  // namespace confab::config
