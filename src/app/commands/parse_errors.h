// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the library for command lines says of wrong arguments, in our words.
#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace confab::app {

// `command`: the innermost one that was named. Names the flag that was probably meant.
std::string parse_error_text(const CLI::App& command, const CLI::ParseError& error);

}  // namespace confab::app
