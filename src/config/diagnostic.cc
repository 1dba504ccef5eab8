// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/diagnostic.h"

#include <algorithm>

namespace confab::config {

std::string to_text(const Diagnostic& diagnostic, std::string_view file) {
    if (diagnostic.line == 0) return diagnostic.message;
    const std::string place = file.empty() ? "line " : std::string(file) + ":";
    return place + std::to_string(diagnostic.line) + ": " + diagnostic.message;
}

std::string to_text(const Diagnostics& diagnostics, std::string_view file) {
    const bool from_yaml = std::any_of(diagnostics.begin(), diagnostics.end(),
                                       [](const Diagnostic& d) { return d.line != 0; });
    std::string text;
    if (from_yaml) text = "could not parse config: yaml: unmarshal errors:";
    for (const Diagnostic& d : diagnostics) {
        if (d.severity != Severity::kError) continue;
        if (!text.empty()) text += '\n';
        if (from_yaml) text += "  ";
        text += to_text(d, file);
    }
    return text;
}

}  // namespace confab::config
