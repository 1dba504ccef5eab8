// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What loading a configuration has to say: an error stops the start, a warning is logged.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace confab::config {

enum class Severity : std::uint8_t { kError, kWarning };

struct Diagnostic {
    Severity severity = Severity::kError;
    int line = 0;         // of the YAML text, from 1; 0 = not from a file
    std::string path;     // "rtc.tcp_port"; empty if no key is to blame
    std::string message;  // one line that names the remedy; never a secret
};

using Diagnostics = std::vector<Diagnostic>;

// "line 3: message", or "FILE:3: message" when a file is named, or the message alone.
std::string to_text(const Diagnostic& diagnostic, std::string_view file = {});
// The errors as printed at start (CFG-01, CFG-07): those with a line under the heading "could not
// parse config: yaml: unmarshal errors:". Without line break at the end.
std::string to_text(const Diagnostics& diagnostics, std::string_view file = {});

}  // namespace confab::config
