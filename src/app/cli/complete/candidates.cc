// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/complete/candidates.h"

#include <algorithm>
#include <string_view>

#include "app/cli/complete/live_names.h"
#include "app/cli/values.h"
#include "app/cli/verb_table.h"
#include "base/text.h"

namespace confab::app::cli {
namespace {

// What the words before the cursor say.
struct Before {
    std::string group;
    const Verb* verb = nullptr;
    bool is_lost = false;            // a word that names nothing of ours
    const Param* waiting = nullptr;  // the flag whose value comes next
    Values values;
    std::size_t positionals = 0;
};

// The positional parameter of that number; a list takes all that follow.
const Param* positional(const Verb& verb, std::size_t number) {
    for (const Param& param : verb.params) {
        if (param.positional().empty() || param.hidden) continue;
        const bool is_list = param.kind == Kind::kList || param.kind == Kind::kTexts;
        if (number == 0 || is_list) return &param;
        --number;
    }
    return nullptr;
}

void take_flag(Before& before, const std::string& word) {
    const std::size_t equals = word.find('=');
    const Param* const param = find_flag(before.verb, word.substr(0, equals));
    if (param == nullptr) return;
    if (param->kind == Kind::kBool)
        before.values.set(param->key(), {"true"});
    else if (equals != word.npos)
        before.values.set(param->key(), {word.substr(equals + 1)});
    else
        before.waiting = param;
}

void take_word(Before& before, const std::string& word) {
    if (before.waiting != nullptr) {
        before.values.set(before.waiting->key(), {word});
        before.waiting = nullptr;
    } else if (word.starts_with('-')) {
        take_flag(before, word);
    } else if (before.verb != nullptr) {
        if (const Param* const param = positional(*before.verb, before.positionals++))
            before.values.set(param->key(), {word});
    } else if (const Verb* const verb = find_verb(before.group, word)) {
        before.verb = verb;
    } else if (const std::string group = group_in(before.group, word); !group.empty()) {
        before.group = group;
    } else {
        before.is_lost = true;
    }
}

std::vector<std::string> values_for(const Param& param, const Before& before, const Host& host) {
    if (!param.choices.empty()) {
        const auto choices = split(param.choices, ',');
        return {choices.begin(), choices.end()};
    }
    return live_names(param.live, before.values, host);
}

std::vector<std::string> flags_for(const Before& before) {
    std::vector<std::string> flags{"--help"};
    const auto add = [&flags](const Param& param) {
        const std::string name = "--" + std::string(param.long_name());
        if (!param.hidden && param.has_flag() && std::ranges::find(flags, name) == flags.end())
            flags.push_back(name);
    };
    if (before.verb != nullptr) std::ranges::for_each(before.verb->params, add);
    std::ranges::for_each(common_params(), add);
    return flags;
}

std::vector<std::string> all_for(const Before& before, const std::string& current,
                                 const std::vector<std::string>& commands, const Host& host) {
    if (before.is_lost) return {};
    if (before.waiting != nullptr) return values_for(*before.waiting, before, host);
    if (current.starts_with('-')) return flags_for(before);
    if (before.verb != nullptr) {
        const Param* const param = positional(*before.verb, before.positionals);
        return param == nullptr ? std::vector<std::string>{} : values_for(*param, before, host);
    }
    const auto names = names_in(before.group);
    std::vector<std::string> out(names.begin(), names.end());
    if (before.group.empty()) out.insert(out.end(), commands.begin(), commands.end());
    return out;
}

}  // namespace

std::vector<std::string> candidates(const std::vector<std::string>& words,
                                    const std::vector<std::string>& commands, const Host& host) {
    Before before;
    if (words.empty()) return {};
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
        take_word(before, words[i]);
    const std::string& current = words.back();
    std::vector<std::string> found;
    for (std::string& one : all_for(before, current, commands, host))
        if (one.starts_with(current)) found.push_back(std::move(one));
    std::ranges::sort(found);
    const auto twice = std::ranges::unique(found);
    found.erase(twice.begin(), twice.end());
    return found;
}

}  // namespace confab::app::cli
