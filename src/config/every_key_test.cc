// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A file with every key that LiveKit documents, written from that list and not from our table: each
// is known, and holds or is told by name; of a wrong type each is refused with its line.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "config/load_testing.h"
#include "config/options.h"
#include "config/yaml/value.h"
#include "config/yaml/yaml_tree.h"

namespace confab::config {
namespace {

std::string every_key() {
    std::ifstream file(CONFAB_SOURCE_DIR "/src/config/testdata/every_key.yaml");
    std::stringstream text;
    text << file.rdbuf();
    REQUIRE(text.str().size() > 1000);
    return text.str();
}

struct Key {
    std::string path;
    int line;
};

// The keys of the file that are options; what is neither an option nor a section is reported.
void collect(const std::string& section, const YamlNode& map, std::vector<Key>& keys) {
    for (std::size_t i = 0; i < map.names.size(); ++i) {
        const std::string path = section.empty() ? map.names[i] : section + "." + map.names[i];
        if (find_option(path) != nullptr) {
            keys.push_back({path, map.name_lines[i]});
            continue;
        }
        CHECK_MESSAGE(is_section(path), path);
        collect(path, map.children[i], keys);
    }
}

std::vector<Key> keys_of(const std::string& text) {
    const auto tree = load_yaml(text);
    REQUIRE(tree);
    std::vector<Key> keys;
    collect("", *tree, keys);
    return keys;
}

// What is no value of the option, whatever its kind.
std::string wrong_for(const Option& option) {
    switch (kind_of(option)) {
        case Kind::kString:
            return "[1, 2]";
        case Kind::kStrings:
        case Kind::kDurations:
            return "{a: {b: c}}";
        default:
            return is_scalar(kind_of(option)) ? "[[wrong]]" : "wrong";
    }
}

// One key alone, in line 3.
std::string with_value(const std::string& path, const std::string& value) {
    return "# one\n# two\n" + yaml_of(path, value);
}

}  // namespace

TEST_CASE(
    "every key: the whole file is taken, and has every option of ours in it [CFG-01][CFG-06]") {
    const std::string text = every_key();
    CHECK(error_of(text) == "");
    std::set<std::string, std::less<>> paths;
    for (const Key& key : keys_of(text))
        paths.insert(key.path);
    for (const Option& option : options())
        if (!is_own(option)) CHECK_MESSAGE(paths.contains(option.path), option.path);
    CHECK(paths.size() > 250);
}

TEST_CASE("every key: holds, or a warning names it, all of them [CFG-05]") {
    const Loaded loaded = parsed(every_key());
    Config config = loaded.config;
    Config defaults;
    for (const Key& key : keys_of(every_key())) {
        CAPTURE(key.path);
        const Option& option = *find_option(key.path);
        const auto told =
            std::find_if(loaded.warnings.begin(), loaded.warnings.end(),
                         [&key](const Diagnostic& warning) { return warning.path == key.path; });
        if (option.status == Status::kUsed) {
            CHECK(told == loaded.warnings.end());
            CHECK(format_value(option.slot(config), Secrets::kShown) !=
                  format_value(option.slot(defaults), Secrets::kShown));
        } else if (kind_of(option) != Kind::kNone && key.path != "sip") {
            REQUIRE(told != loaded.warnings.end());
            CHECK(told->line == key.line);
        }
    }
}

TEST_CASE(
    "every key: of a wrong type it is refused with its name, what it needs and the line [CFG-07]") {
    for (const Key& key : keys_of(every_key())) {
        CAPTURE(key.path);
        const Option& option = *find_option(key.path);
        const std::string error = error_of(with_value(key.path, wrong_for(option)));
        CHECK(has(error, "  line 3: cannot unmarshal "));
        CHECK(has(error, ": " + key.path));
        CHECK(has(error, " needs "));
    }
}

}  // namespace confab::config
