// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/verb_parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "app/cli/call/templates.h"
#include "app/cli/verb_table.h"
#include "app/commands/parse_errors.h"
#include "base/text.h"

namespace confab::app::cli {
namespace {

constexpr const char* kCommonGroup = "Common options";

bool is_repeatable(const Param& param) {
    return param.kind == Kind::kList || param.kind == Kind::kTexts;
}

std::string value_name(const Param& param) {
    if (param.kind == Kind::kNumber) return "N";
    std::string name(param.key());
    std::ranges::transform(name, name.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return name;
}

// "table, json, yaml"
std::string choices_text(const Param& param) {
    std::string out;
    for (const std::string_view choice : split(param.choices, ','))
        out += (out.empty() ? "" : ", ") + std::string(choice);
    return out;
}

std::string help_of(const Param& param) {
    if (param.choices.empty()) return std::string(param.help);
    return std::string(param.help) + ": " + choices_text(param);
}

// CLI11 writes into no variable of ours: the results are read from the option.
CLI::Option* add(CLI::App& app, const Param& param, const std::string& names) {
    CLI::Option* option = nullptr;
    if (param.kind == Kind::kBool) {
        option = app.add_flag(names)->description(std::string(param.help));
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    } else {
        option = app.add_option(names)->description(help_of(param));
        option->type_name(value_name(param));
        if (is_repeatable(param))
            option->expected(1, CLI::detail::expected_max_vector_size)
                ->allow_extra_args(!param.positional().empty());
        else
            option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
    if (param.hidden) option->group("");
    return option;
}

struct Bound {
    const Param* param;
    CLI::Option* option;
    // Of a name: what was given by position, which is no template.
    CLI::Option* as_it_is = nullptr;
};

Bound bind(CLI::App& app, const Param& param) {
    if (param.kind != Kind::kName || param.positional().empty() || !param.has_flag())
        return {&param, add(app, param, std::string(param.names))};
    std::string flags;
    for (const std::string_view name : split(param.names, ','))
        if (name.starts_with('-')) flags += (flags.empty() ? "" : ",") + std::string(name);
    return {&param, add(app, param, flags), add(app, param, std::string(param.positional()))};
}

std::vector<Bound> add_all(CLI::App& app, const Verb& verb) {
    std::vector<Bound> bound;
    for (const Param& param : verb.params)
        bound.push_back(bind(app, param));
    for (const Param& param : common_params()) {
        // A verb may have a flag of that name itself: `project add --url`.
        const bool taken = std::ranges::any_of(
            verb.params, [&](const Param& own) { return own.long_name() == param.long_name(); });
        if (taken) continue;
        bound.push_back(bind(app, param));
        if (!param.hidden) bound.back().option->group(kCommonGroup);
    }
    return bound;
}

void prepare(CLI::App& app, const Verb& verb, const std::string& shown) {
    app.name(shown);
    app.allow_extras(verb.takes_anything);
    if (verb.examples.empty()) return;
    std::string footer = "Examples:";
    std::string_view rest = verb.examples;
    while (!rest.empty())
        footer += "\n  " + std::string(next_token(rest, '\n'));
    app.footer(footer);
}

// "true" and "false" for the words that Go has for them; others stay.
std::string truth_of(const std::string& text) {
    for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == yes) return "true";
    for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == no) return "false";
    return text;
}

std::vector<std::string> texts_of(const Bound& bound, const Host& host) {
    std::vector<std::string> texts;
    if (bound.as_it_is != nullptr) texts = bound.as_it_is->results();
    for (const std::string& result : bound.option->results()) {
        if (bound.param->kind == Kind::kList)
            for (const std::string_view part : split(result, ','))
                texts.emplace_back(part);
        else if (bound.param->kind == Kind::kBool)
            texts.push_back(truth_of(result));
        else
            texts.push_back(bound.param->kind == Kind::kName ? expanded(result, host) : result);
    }
    return texts;
}

Outcome usage_error(const std::string& message, const std::string& shown) {
    return {.code = kExitUsage,
            .out = {},
            .err = "error: " + message + "; see `" + shown + " --help`\n"};
}

std::string how_to_give(const Param& param) {
    std::string flag = param.has_flag() ? "--" + std::string(param.long_name()) : std::string();
    if (param.positional().empty()) return flag;
    const std::string place = value_name(param);
    return flag.empty() ? place : place + " (or " + flag + ")";
}

std::string wrong_value(const Bound& bound, const std::vector<std::string>& texts) {
    if (bound.param->required && texts.empty()) return how_to_give(*bound.param) + " is missing";
    if (bound.param->kind == Kind::kNumber && !texts.empty() &&
        !parse_decimal<std::uint64_t>(texts.back()))
        return how_to_give(*bound.param) + " `" + texts.back() + "` is no whole number";
    if (bound.as_it_is != nullptr && bound.as_it_is->count() > 0 && bound.option->count() > 0)
        return how_to_give(*bound.param) + " is given twice";
    if (bound.param->kind == Kind::kBool)
        for (const std::string& text : texts)
            if (text != "true" && text != "false")
                return how_to_give(*bound.param) + " `" + text + "` is neither true nor false";
    const auto choices = split(bound.param->choices, ',');
    if (!bound.param->choices.empty() && !texts.empty() &&
        std::ranges::find(choices, texts.back()) == choices.end())
        return how_to_give(*bound.param) + " `" + texts.back() + "` is none of " +
               choices_text(*bound.param);
    return {};
}

Format format_of(const std::string& text) {
    if (text == "table") return Format::kTable;
    if (text == "json") return Format::kJson;
    if (text == "jsonl") return Format::kJsonLines;
    if (text == "yaml") return Format::kYaml;
    return Format::kUsual;
}

}  // namespace

std::string verb_help(const Verb& verb, const std::string& shown) {
    CLI::App app{std::string(verb.help)};
    prepare(app, verb, shown);
    (void)add_all(app, verb);
    return app.help();
}

std::variant<Parsed, Outcome> parse_verb(const Verb& verb, const std::string& shown,
                                         std::vector<std::string> arguments, const Host& host) {
    CLI::App app{std::string(verb.help)};
    prepare(app, verb, shown);
    const std::vector<Bound> all = add_all(app, verb);
    std::ranges::reverse(arguments);  // the library takes them from the back
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return Outcome{.code = 0, .out = app.help(), .err = {}};
        return usage_error(parse_error_text(app, error), shown);
    }
    Parsed parsed;
    for (const Bound& bound : all) {
        std::vector<std::string> texts = texts_of(bound, host);
        const std::string wrong = wrong_value(bound, texts);
        if (!wrong.empty()) return usage_error(wrong, shown);
        if (!texts.empty()) parsed.values.set(bound.param->key(), std::move(texts));
    }
    const Format format = format_of(parsed.values.text("output"));
    const bool json = parsed.values.flag("json") && format == Format::kUsual;
    parsed.settings = {.form = {json ? Format::kJson : format, parsed.values.text("field")},
                       .yes = parsed.values.flag("yes"),
                       .quiet = parsed.values.flag("quiet"),
                       .verbose = parsed.values.flag("verbose"),
                       .curl = parsed.values.flag("curl")};
    return parsed;
}

}  // namespace confab::app::cli
