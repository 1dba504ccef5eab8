// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/cli_reference.h"

#include "app/cli/verb_table.h"
#include "base/text.h"

namespace confab::app::cli {
namespace {

constexpr std::string_view kHead = R"(<!-- SPDX-FileCopyrightText: confab contributors -->
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by `confab cli-reference > docs/reference/cli.md`; do not edit. -->

# Command line

The verbs that speak to a server, one of confab or of LiveKit. How they are used, and how they compare
with `lk`: [the command line](../guide/command-line.md).

## Options of all verbs

)";

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text)
        out += c == '|' ? std::string("\\|") : std::string(1, c);
    return out;
}

// "`-r`, `--room` or `ROOM`"
std::string names_of(const Param& param) {
    std::string out;
    for (const std::string_view name : split(param.names, ',')) {
        if (name.starts_with('!')) {
            out += ", `" + std::string(name.substr(1)) + "`";
            continue;
        }
        const bool is_flag = name.starts_with('-');
        std::string shown(name);
        if (!is_flag)
            for (char& c : shown)
                if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        out += (out.empty() ? "`" : is_flag ? ", `" : " or `") + shown + "`";
    }
    return out;
}

std::string help_of(const Param& param) {
    std::string out = escaped(param.help);
    if (!param.choices.empty()) {
        out += ":";
        for (const std::string_view choice : split(param.choices, ','))
            out += " `" + std::string(choice) + "`";
    }
    return param.required ? out + " (needed)" : out;
}

std::string table_of(std::span<const Param> params) {
    std::string rows;
    for (const Param& param : params)
        if (!param.hidden) rows += "| " + names_of(param) + " | " + help_of(param) + " |\n";
    return rows.empty() ? "" : "| Option | What |\n|---|---|\n" + rows;
}

std::string examples_of(const Verb& verb) {
    if (verb.examples.empty()) return {};
    return "\n```sh\n" + std::string(verb.examples) + "\n```\n";
}

std::string section_of(const Verb& verb) {
    std::string out = "\n### " + path_of(verb) + "\n\n" + std::string(verb.help) + ".";
    if (!verb.api.service.empty()) out += " Call: `" + std::string(verb.api.service) + "`.";
    if (!verb.old_names.empty()) {
        out += " Old name:";
        for (const std::string_view name : split(verb.old_names, ','))
            out += " `" + std::string(name) + "`";
        out += ".";
    }
    const std::string table = table_of(verb.params);
    return out + "\n" + (table.empty() ? "" : "\n" + table) + examples_of(verb);
}

std::string later_of() {
    std::string out;
    for (const Verb* const verb : all_verbs())
        if (verb->hidden && verb->help == "Later")
            out += (out.empty() ? "`" : ", `") + path_of(*verb) + "`";
    return "\n## Not there yet\n\nThese say so, with a remedy: " + out + ".\n";
}

// Verbs of a group; of "" those without one.
std::string verbs_of(std::string_view group) {
    std::string out;
    for (const Verb* const verb : all_verbs())
        if (verb->group == group && !verb->hidden) out += section_of(*verb);
    return out;
}

}  // namespace

std::string cli_reference() {
    std::string out(kHead);
    out += table_of(common_params());
    for (const Group& group : all_groups())
        if (!group.hidden)
            out += "\n## " + std::string(group.path) + "\n\n" + std::string(group.help) + ".\n" +
                   verbs_of(group.path);
    return out + "\n## Others\n" + verbs_of("") + later_of();
}

}  // namespace confab::app::cli
