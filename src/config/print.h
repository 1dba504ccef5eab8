// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Texts made from the option table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace confab::config {

// A configuration file in which every implemented key stands as a comment with its default:
// "#key: value" is a key, "# text" explains it. Removing the # of keys gives the defaults.
std::string annotated_sample();

// docs/reference/config.md.
std::string reference_markdown();

// The values in force as YAML; secrets are replaced by "<redacted>".
std::string effective(const Config& config);

// "https://user:password@host/?token=…" without what stands before the host and in the query.
std::string without_credentials(std::string text);

// The same as a list. What may be secret in it is "(set)".
struct EffectiveValue {
    std::string_view name;  // of the option
    std::string value;
    bool is_default = true;
};
std::vector<EffectiveValue> effective_values(const Config& config);

// One line per flag made from a key: "  --rtc.tcp_port  LIVEKIT_RTC_TCP_PORT  help" (CLI-03,
// help-verbose).
std::string flag_help();

}  // namespace confab::config
