// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// "Did you mean": the nearest of some names by edit distance.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace confab::config {

inline constexpr std::size_t kMaxSuggestLength = 80;  // longer input gets no suggestion

// The closest name, if it is close enough to be a slip of the pen: at most a third of its length
// differs. The first of equals. The result views `names`.
std::optional<std::string_view> nearest(std::string_view input,
                                        std::span<const std::string_view> names);

}  // namespace confab::config
