// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The verbs that speak to a server (05 section C).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/commands/command_line.h"
#include "app/commands/host.h"

namespace confab::app::cli {

// Whether the first word, behind flags that all verbs take (`lk --dev room list`), begins a verb.
bool takes(const std::vector<std::string>& arguments);

// How many arguments a flag of all verbs takes, that is one of `argument` alone; 0: it is none.
std::size_t common_flag(const std::string& argument);

// As lk, where one dash does as well: `-url` is `--url` if a flag of all verbs, or of the verb that
// is named, has that name.
std::vector<std::string> with_two_dashes(std::vector<std::string> arguments, const Host& host);

Outcome run(const std::vector<std::string>& arguments, const Host& host);

// Name and help of what stands below a group (of "": of all), without what is hidden.
std::vector<std::pair<std::string, std::string>> help_rows(std::string_view group);
// `confab --help` as `lk`.
std::string overview(const Host& host);

}  // namespace confab::app::cli
