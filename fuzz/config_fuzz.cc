// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The input is a configuration file, the text of a key list, and a single value.
// fuzz: modules config
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "config/load.h"
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
    return 0;
}
