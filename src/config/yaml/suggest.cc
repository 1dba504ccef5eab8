// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Distance of Levenshtein with exchanged neighbours as one step ("optimal string alignment").
#include "config/yaml/suggest.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace confab::config {
namespace {

using Row = std::array<std::size_t, kMaxSuggestLength + 1>;

std::size_t edit_distance(std::string_view a, std::string_view b) {
    Row before{};
    Row last{};
    Row row{};
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
    }
    return last[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view input,
                                        std::span<const std::string_view> names) {
    if (input.empty() || input.size() > kMaxSuggestLength) return std::nullopt;
    std::optional<std::string_view> best;
    std::size_t best_distance = 0;
    for (const std::string_view name : names) {
        if (name.size() > kMaxSuggestLength) continue;
        const std::size_t distance = edit_distance(input, name);
        if (distance > std::max<std::size_t>(1, std::max(name.size(), input.size()) / 3)) continue;
        if (best && distance >= best_distance) continue;
        best = name;
        best_distance = distance;
    }
    return best;
}

}  // namespace confab::config
