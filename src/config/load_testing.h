// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of loading: texts in, values or error texts out.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "config/load.h"

namespace confab::config {

inline constexpr std::string_view kGoodSecret = "0123456789012345678901234567890123456789";

inline bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}
// Empty if the text is taken.
inline std::string error_of(std::string_view yaml, YamlOptions options = {}) {
    const auto loaded = parse_yaml(yaml, options);
    return loaded ? "" : to_text(loaded.error());
}
inline Loaded parsed(std::string_view yaml) {
    auto loaded = parse_yaml(yaml);
    if (!loaded) FAIL(to_text(loaded.error()));
    return *std::move(loaded);
}
// finish() of a text; keys are added so that only the matter of the test can fail.
inline Result<Config, std::string> finished(std::string_view yaml) {
    Loaded loaded = parsed(yaml);
    if (loaded.config.keys.empty() && !loaded.config.development)
        loaded.config.keys.emplace("APIx", SecretText(kGoodSecret));
    if (auto done = finish(loaded); !done) return tl::make_unexpected(to_text(done.error()));
    return loaded.config;
}
inline EnvLookup environment(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
        const auto found = variables.find(std::string(name));
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
}
// The value under its dotted path: "rtc.tcp_port", "1" → {rtc: {tcp_port: 1}}.
inline std::string yaml_of(std::string_view path, std::string_view value) {
    std::string text;
    std::string closing;
    for (const std::string_view part : split(path, '.')) {
        text += (text.empty() ? "" : "{") + std::string(part) + ": ";
        closing += "}";
    }
    closing.pop_back();
    return text + std::string(value) + closing + "\n";
}

}  // namespace confab::config
