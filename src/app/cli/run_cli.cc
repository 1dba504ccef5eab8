// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/run_cli.h"

#include <algorithm>

#include "app/cli/call/call.h"
#include "app/cli/verb_parser.h"
#include "app/cli/verb_table.h"
#include "base/text.h"
#include "config/yaml/suggest.h"

namespace confab::app::cli {
namespace {

// The flag that `argument` gives, with one dash or two; null: none.
const Param* flag_of(const Verb* verb, std::string_view argument) {
    const std::string_view flag = argument.substr(0, argument.find('='));
    if (const Param* const found = find_flag(verb, flag)) return found;
    const bool one_dash = flag.size() > 2 && flag[1] != '-';
    return one_dash ? find_flag(verb, "-" + std::string(flag)) : nullptr;
}

// The words that name a verb, and everything else in its order.
struct Words {
    std::string group;
    const Verb* verb = nullptr;
    std::string shown;                // "confab room list"
    std::string unknown;              // a word that names nothing
    std::vector<std::string> others;  // arguments of the verb
};

Words words_of(const std::vector<std::string>& arguments, const Host& host) {
    Words words;
    words.shown = host.program;
    std::size_t i = 0;
    while (i < arguments.size() && words.verb == nullptr) {
        const std::string& argument = arguments[i];
        if (const std::size_t count = common_flag(argument); count > 0) {
            for (std::size_t n = 0; n < count && i < arguments.size(); ++n)
                words.others.push_back(arguments[i++]);
            continue;
        }
        if (argument.starts_with('-')) break;
        words.verb = find_verb(words.group, argument);
        const std::string group = words.verb ? "" : group_in(words.group, argument);
        if (words.verb == nullptr && group.empty()) {
            words.unknown = argument;
            return words;
        }
        if (words.verb == nullptr) words.group = group;
        words.shown += " " + argument;
        ++i;
    }
    words.others.insert(words.others.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i),
                        arguments.end());
    return words;
}

Outcome usage_error(const std::string& message) {
    return {.code = kExitUsage, .out = {}, .err = "error: " + message + "\n"};
}

Outcome unknown_word(const Words& words) {
    const auto names = names_in(words.group);
    std::string text =
        "unknown command `" + words.shown.substr(words.shown.find(' ') + 1) + " " + words.unknown;
    if (words.group.empty()) text = "unknown command `" + words.unknown;
    text += "`; ";
    if (const auto close = config::nearest(words.unknown, names))
        return usage_error(text + "did you mean `" + words.shown + " " + std::string(*close) +
                           "`?");
    return usage_error(text + "see `" + words.shown + " --help`");
}

std::string rows_text(std::string_view group) {
    const auto rows = help_rows(group);
    std::size_t width = 0;
    for (const auto& [name, help] : rows)
        width = std::max(width, name.size());
    std::string out;
    for (const auto& [name, help] : rows)
        out.append("  ")
            .append(name)
            .append(width + 2 - name.size(), ' ')
            .append(help)
            .append("\n");
    return out;
}

std::string group_help(const Words& words) {
    const Group* const group = find_group(words.group);
    return std::string(group->help) + "\nUsage: " + words.shown + " COMMAND\n\nCommands:\n" +
           rows_text(words.group) + "\nExamples:\n  " + words.shown + " " +
           std::string(names_in(words.group).front()) + " --help\n";
}

bool asks_for_help(const std::vector<std::string>& arguments) {
    return std::ranges::any_of(arguments, [](const std::string& argument) {
        return argument == "--help" || argument == "-h";
    });
}

}  // namespace

std::vector<std::string> with_two_dashes(std::vector<std::string> arguments, const Host& host) {
    if (!host.is_named_lk()) return arguments;
    std::string group;
    const Verb* verb = nullptr;
    for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
        std::string& argument = arguments[i];
        if (!argument.starts_with('-')) {
            if (verb != nullptr) continue;
            verb = find_verb(group, argument);
            group = group_in(group, argument);
            continue;
        }
        const Param* const param = flag_of(verb, argument);
        if (param == nullptr) continue;
        if (argument.size() > 2 && argument[1] != '-' && argument[2] != '=')
            argument.insert(0, "-");
        // What follows is its value, whatever it looks like.
        if (param->kind != Kind::kBool && argument.find('=') == argument.npos) ++i;
    }
    return arguments;
}

std::vector<std::pair<std::string, std::string>> help_rows(std::string_view group) {
    std::vector<std::pair<std::string, std::string>> rows;
    const std::string prefix = group.empty() ? "" : std::string(group) + " ";
    for (const std::string_view name : names_in(group)) {
        const Group* const inner = find_group(prefix + std::string(name));
        const Verb* const verb = find_verb(group, name);
        if (inner == nullptr && verb == nullptr) continue;
        rows.emplace_back(name, inner != nullptr ? inner->help : verb->help);
    }
    return rows;
}

std::string overview(const Host& host) {
    return "Rooms, tokens and everything else of a media server for LiveKit clients.\nUsage: " +
           host.program + " COMMAND\n\nCommands:\n" + rows_text("") + "\nExamples:\n  " +
           host.program + " room --help\n  " + host.program + " room list --dev\n";
}

std::size_t common_flag(const std::string& argument) {
    const Param* const param =
        find_flag(nullptr, std::string_view(argument).substr(0, argument.find('=')));
    if (param == nullptr) return 0;
    return param->kind == Kind::kBool || argument.find('=') != argument.npos ? 1 : 2;
}

bool takes(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size();) {
        const std::size_t count = common_flag(arguments[i]);
        if (count == 0) return begins_verb(arguments[i]);
        i += count;
    }
    return false;
}

Outcome run(const std::vector<std::string>& arguments, const Host& host) {
    Words words = words_of(arguments, host);
    if (!words.unknown.empty()) return unknown_word(words);
    if (words.verb == nullptr) {
        const bool helps = asks_for_help(words.others);
        if (words.group.empty() && helps) return {.code = 0, .out = overview(host), .err = {}};
        if (words.group.empty())
            return usage_error("no command given; see `" + host.program + " --help`");
        if (helps || host.is_named_lk()) return {.code = 0, .out = group_help(words), .err = {}};
        return usage_error("`" + words.shown + "` needs a command; see `" + words.shown +
                           " --help`");
    }
    auto parsed = parse_verb(*words.verb, words.shown, std::move(words.others), host);
    if (auto* const outcome = std::get_if<Outcome>(&parsed)) return std::move(*outcome);
    auto& [values, settings] = std::get<Parsed>(parsed);
    Call call(*words.verb, std::move(values), std::move(settings), host);
    return words.verb->run != nullptr ? words.verb->run(call) : run_api(call);
}

}  // namespace confab::app::cli
