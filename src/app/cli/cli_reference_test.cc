// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/cli_reference.h"

#include <doctest/doctest.h>

#include <set>

#include "app/cli/call/request_fields.h"
#include "app/cli/cli_testing.h"
#include "app/cli/verb_table.h"
#include "app/source_file_testing.h"
#include "base/text.h"

namespace confab::app::cli {

TEST_CASE("cli_reference: as docs/reference/cli.md has it") {
    const bool same = app::testing::read_source("docs/reference/cli.md") == cli_reference();
    CHECK_MESSAGE(same, "run: confab cli-reference > docs/reference/cli.md");
}

TEST_CASE(
    "verbs: each name once, a help that parses, fields that there are, a group that is known") {
    std::set<std::string> names;
    for (const Verb* const verb : all_verbs()) {
        const std::string path = path_of(*verb);
        INFO(path);
        CHECK(names.insert(path).second);
        if (!verb->old_names.empty())
            for (const std::string_view old : split(verb->old_names, ','))
                CHECK(names.insert(std::string(old)).second);
        CHECK((verb->group.empty() || find_group(verb->group) != nullptr));
        CHECK(verb->help != "");
        CHECK((verb->hidden || verb->examples != ""));
        CHECK((verb->run != nullptr) != !verb->api.service.empty());
        std::set<std::string_view> keys;
        for (const Param& param : verb->params) {
            CHECK(keys.insert(param.key()).second);
            CHECK((param.hidden || param.help != ""));
            if (param.field.empty() || verb->api.request == nullptr) continue;
            const std::unique_ptr<google::protobuf::Message> message(verb->api.request().New());
            const std::string text = param.kind == Kind::kNumber ? "1" : "x";
            CHECK(set_field(*message, param.field, {text}));
        }
    }
}

TEST_CASE("verbs: each one's --help ends well and names it; every form is taken [LKC-04]") {
    testing::Machine m;
    for (const Verb* const verb : all_verbs()) {
        if (verb->takes_anything) continue;
        std::vector<std::string> words;
        const std::string path = path_of(*verb);
        for (const std::string_view word : split(path, ' '))
            words.emplace_back(word);
        words.emplace_back("--help");
        const Outcome o = m.run_bare(words);
        INFO(path);
        CHECK(o.code == 0);
        CHECK(testing::has(o.out, path));
        for (const char* form : {"--output", "--json", "--field"})
            CHECK(testing::has(o.out, form));
    }
}

}  // namespace confab::app::cli
