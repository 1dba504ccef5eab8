// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// JSON values as YAML: blocks of mappings and lists, texts in double quotes where plain ones could
// be read as something else.
#pragma once

#include <string>

#include "json/json.h"

namespace confab::app::cli {

// Ends with a line break.
std::string yaml_of(const json::Value& value);
// A text as a YAML scalar.
std::string yaml_scalar(std::string_view text);

}  // namespace confab::app::cli
