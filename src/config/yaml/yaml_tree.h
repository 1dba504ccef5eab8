// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// YAML text as a plain tree with line numbers. The tree is bounded while it is built, so that
// neither nesting nor aliases of aliases ("billion laughs") can blow it up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/diagnostic.h"

namespace confab::config {

inline constexpr std::size_t kMaxYamlSize = 1024 * 1024;
inline constexpr std::size_t kMaxYamlNodes = 20'000;  // a full configuration has some 400
inline constexpr std::size_t kMaxYamlDepth = 32;
inline constexpr std::size_t kMaxYamlAliases = 200;

struct YamlNode {
    enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };
    Kind kind = Kind::kNull;
    bool quoted = false;  // a scalar in quotes is never a number
    int line = 1;
    std::string text;                // kScalar
    std::vector<std::string> names;  // kMap: the keys, in the order of the text
    std::vector<int> name_lines;     // kMap
    std::vector<YamlNode> children;  // kList, or the values of kMap
};

// The first and only document; an empty text is kNull.
Result<YamlNode, Diagnostic> load_yaml(std::string_view text);

// The tree as JSON on one line. Plain scalars that look like numbers or truth values become such.
std::string to_json(const YamlNode& node);

// The JSON with `instead`, itself JSON, for every value under a name of passwords, keys and the
// like; empty texts stay.
std::string without_secrets(std::string_view json, std::string_view instead);

}  // namespace confab::config
