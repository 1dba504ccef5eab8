// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The input is a configuration file, the text of a key list, a single value, and an override: the
// name of an option on one line, its value behind it.
// fuzz: modules config
#include <cstdlib>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "config/load.h"
#include "config/options.h"
#include "config/print.h"
#include "config/yaml/value.h"

namespace {

// What was read can be printed and read again; without finish() nothing is filled in.
void round_trip(const confab::config::Config& config) {
    const std::string text = confab::config::effective(config);
    const auto again = confab::config::parse_yaml(text);
    // A tree near the limits can have more nodes when printed with all defaults.
    if (!again) return;
    if (confab::config::effective(again->config) != text) std::abort();
}

// A variable takes what a flag takes, with the same effect.
void override_one(std::string_view text) {
    using namespace confab::config;
    const std::size_t end = text.find('\n');
    if (end == text.npos || end + 1 == text.size()) return;
    const Option* const option = find_option(text.substr(0, end));
    if (option == nullptr || !is_scalar(kind_of(*option))) return;
    const std::string name = env_name(*option);
    // The variable that two of them share is the newer one's.
    if (option->status == Status::kDeprecated && !option->instead.empty()) return;
    const std::string value(text.substr(end + 1));
    Loaded by_flag;
    Loaded by_env;
    const bool flag = apply_flags(by_flag, {{std::string(option->path), {value}}}).has_value();
    const auto lookup = [&](std::string_view asked) {
        return asked == name ? std::optional(value) : std::nullopt;
    };
    if (apply_environment(by_env, lookup).has_value() != flag) std::abort();
    if (effective(by_flag.config) != effective(by_env.config)) std::abort();
    if (by_flag.warnings.size() != by_env.warnings.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace confab;
    const std::string_view text = as_text({data, size});
    auto strict = config::parse_yaml(text);
    if (strict) round_trip(strict->config);
    if (auto relaxed = config::parse_yaml(text, {.strict = false})) {
        // Whatever is accepted strictly is accepted otherwise.
        (void)config::finish(*relaxed);
    } else if (strict) {
        std::abort();
    }
    (void)config::parse_keys(text);
    if (const auto duration = config::parse_duration(text))
        if (config::parse_duration(config::format_duration(*duration)) != *duration) std::abort();
    (void)config::parse_port_range(text);
    override_one(text);
    return 0;
}
