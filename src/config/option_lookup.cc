// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Questions about the option table.
#include <algorithm>

#include "config/options.h"
#include "config/yaml/value.h"
#include "config/yaml/yaml_tree.h"

namespace confab::config {
namespace {

bool is_below(std::string_view path, std::string_view section) {
    if (section.empty()) return true;
    return path.size() > section.size() && path.starts_with(section) && path[section.size()] == '.';
}

}  // namespace

const Option* find_option(std::string_view path) {
    const auto all = options();
    const auto found =
        std::find_if(all.begin(), all.end(), [path](const Option& o) { return o.path == path; });
    return found == all.end() ? nullptr : &*found;
}

bool is_section(std::string_view path) {
    const auto all = options();
    return !path.empty() && std::any_of(all.begin(), all.end(),
                                        [path](const Option& o) { return is_below(o.path, path); });
}

std::vector<std::string_view> child_names(std::string_view section) {
    std::vector<std::string_view> names;
    for (const Option& option : options()) {
        if (!is_below(option.path, section)) continue;
        std::string_view rest = option.path.substr(section.empty() ? 0 : section.size() + 1);
        rest = rest.substr(0, rest.find('.'));
        if (std::find(names.begin(), names.end(), rest) == names.end()) names.push_back(rest);
    }
    return names;
}

std::string env_name(const Option& option) {
    std::string name = option.path.starts_with("confab.") ? ""
                       : is_own(option)                   ? "CONFAB_"
                                                          : "LIVEKIT_";
    for (const char c : option.path)
        name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
}

std::string ignored_because(const Option& option) {
    if (option.status == Status::kLater) return "is valid but not implemented in this release";
    if (option.status == Status::kOther)
        return "has no effect here (" + std::string(option.help) + ")";
    return {};
}

std::string default_text(const Option& option) {
    if (!option.default_text.empty() || option.slot == nullptr)
        return std::string(option.default_text);
    Config config;
    return format_value(option.slot(config), Secrets::kShown);
}

std::string default_value(const Option& option) {
    Config defaults;
    Scratch scratch;
    const Slot slot = slot_of(option, defaults, scratch);
    const auto node = load_yaml(option.default_text);
    if (node && node->kind == YamlNode::Kind::kScalar) (void)read_scalar(slot, node->text);
    if (node && option.kind == Kind::kDurations)
        for (const YamlNode& item : node->children)
            (void)read_scalar(&scratch.durations.emplace_back(), item.text);
    return format_value(slot, Secrets::kShown);
}

std::string_view type_name(Kind kind) {
    switch (kind) {
        case Kind::kNone:
            return "nothing";
        case Kind::kBool:
            return "bool";
        case Kind::kUint16:
            return "uint16";
        case Kind::kUint32:
            return "uint32";
        case Kind::kInt32:
            return "int32";
        case Kind::kFloat:
            return "float64";
        case Kind::kDuration:
            return "time.Duration";
        case Kind::kString:
        case Kind::kSecret:
            return "string";
        case Kind::kPortRange:
            return "port range";
        case Kind::kStrings:
            return "[]string";
        case Kind::kDurations:
            return "[]time.Duration";
        case Kind::kStringMap:
        case Kind::kKeys:
            return "map[string]string";
        case Kind::kTurnServers:
            return "[]TURNServer";
        case Kind::kCodecs:
            return "[]CodecSpec";
        case Kind::kStringLists:
        case Kind::kJsonByName:
            return "map";
        case Kind::kJsonList:
            return "list";
    }
    return "nothing";
}

}  // namespace confab::config
