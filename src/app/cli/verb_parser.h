// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The arguments of one verb, by its row.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/cli/call/call.h"
#include "app/cli/values.h"
#include "app/cli/verb.h"
#include "app/commands/command_line.h"

namespace confab::app::cli {

struct Parsed {
    Values values;
    Settings settings;
};

// `arguments` without the words that name the verb, `shown` those words as they were given. An
// Outcome: help that was asked for, or what is wrong.
std::variant<Parsed, Outcome> parse_verb(const Verb& verb, const std::string& shown,
                                         std::vector<std::string> arguments, const Host& host);

// The help of a verb.
std::string verb_help(const Verb& verb, const std::string& shown);

}  // namespace confab::app::cli
