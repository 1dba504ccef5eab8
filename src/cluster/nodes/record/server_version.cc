// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/record/server_version.h"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/text.h"

namespace confab::cluster::nodes {
namespace {

struct Version {
    std::vector<std::uint32_t> numbers;    // three
    std::vector<std::string_view> before;  // what stands behind "-"
};

std::optional<Version> parse(std::string_view text) {
    constexpr std::size_t kMaxText = 256;
    if (text.size() > kMaxText) return std::nullopt;
    if (text.starts_with('v')) text.remove_prefix(1);
    text = text.substr(0, text.find('+'));
    const std::string_view core = next_token(text, '-');
    Version version;
    for (const std::string_view part : split(core, '.')) {
        const auto number = parse_decimal<std::uint32_t>(part);
        if (!number) return std::nullopt;
        version.numbers.push_back(*number);
    }
    if (version.numbers.size() != 3) return std::nullopt;
    if (!text.empty()) version.before = split(text, '.');
    return version;
}

// Numbers by value and before words.
std::strong_ordering compare_part(std::string_view a, std::string_view b) {
    const auto left = parse_decimal<std::uint64_t>(a);
    const auto right = parse_decimal<std::uint64_t>(b);
    if (left && right) return *left <=> *right;
    if (left || right) return right ? std::strong_ordering::greater : std::strong_ordering::less;
    return a <=> b;
}

std::strong_ordering compare(const Version& a, const Version& b) {
    if (const auto order = a.numbers <=> b.numbers; order != 0) return order;
    if (a.before.empty() || b.before.empty()) return a.before.empty() <=> b.before.empty();
    for (std::size_t i = 0; i < std::min(a.before.size(), b.before.size()); ++i)
        if (const auto order = compare_part(a.before[i], b.before[i]); order != 0) return order;
    return a.before.size() <=> b.before.size();
}

}  // namespace

std::optional<bool> is_newer(std::string_view own, std::string_view stored) {
    const auto left = parse(own);
    const auto right = parse(stored);
    if (!left || !right) return std::nullopt;
    return compare(*left, *right) > 0;
}

}  // namespace confab::cluster::nodes
