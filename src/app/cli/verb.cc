// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/verb.h"

#include "base/text.h"

namespace confab::app::cli {
namespace {

// The name that begins with so many dashes, without them.
std::string_view with_dashes(std::string_view names, std::size_t dashes) {
    while (!names.empty()) {
        std::string_view name = next_token(names, ',');
        if (name.starts_with('!')) continue;  // the flag that says no
        std::size_t count = 0;
        while (name.starts_with('-')) {
            name.remove_prefix(1);
            ++count;
        }
        if (count == dashes) return name;
    }
    return {};
}

}  // namespace

std::string_view Param::long_name() const {
    return with_dashes(names, 2);
}
std::string_view Param::short_name() const {
    return with_dashes(names, 1);
}
std::string_view Param::positional() const {
    return with_dashes(names, 0);
}
std::string_view Param::key() const {
    const std::string_view name = long_name();
    return name.empty() ? positional() : name;
}

}  // namespace confab::app::cli
