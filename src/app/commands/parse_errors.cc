// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/commands/parse_errors.h"

#include <CLI/CLI.hpp>
#include <sstream>
#include <string_view>
#include <vector>

#include "config/yaml/suggest.h"

namespace confab::app {
namespace {

// The text ends with the arguments that were not understood, the first of them last.
std::string unexpected(const CLI::App& command, const std::string& text) {
    const std::size_t colon = text.find(": ");
    std::istringstream words(colon == text.npos ? text : text.substr(colon + 2));
    std::string name;
    for (std::string word; words >> word;)
        if (word.starts_with("-") || !name.starts_with("-")) name = word;
    if (!name.starts_with("-")) return "`" + name + "` is not expected here";
    name = name.substr(0, name.find('='));
    std::vector<std::string> known;
    for (const CLI::Option* option : command.get_options())
        for (const std::string& flag : option->get_lnames())
            known.push_back("--" + flag);
    const std::vector<std::string_view> views(known.begin(), known.end());
    std::string out = "flag provided but not defined: " + name;
    if (const auto close = config::nearest(name, views))
        out += "; did you mean " + std::string(*close) + "?";
    return out;
}

}  // namespace

std::string parse_error_text(const CLI::App& command, const CLI::ParseError& error) {
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
        return unexpected(command, error.what());
    return error.what();
}

}  // namespace confab::app
