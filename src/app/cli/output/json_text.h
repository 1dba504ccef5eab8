// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// JSON as people and pipes read it (LKC-04).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

namespace confab::app::cli {

// A finished JSON value over lines, two blanks for each level. Values are not changed.
std::string indented(std::string_view json);

// What stands at "state.status" in `value`; of an array, what stands there in each item. Texts as
// they are, everything else as JSON; nothing for what is not there.
std::vector<std::string> texts_at(const json::Value& value, std::string_view path);
// The first of them.
std::string text_at(const json::Value& value, std::string_view path);

}  // namespace confab::app::cli
