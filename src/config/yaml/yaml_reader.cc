// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Strict reading of the YAML tree against the option table (01 CFG-01, CFG-06).
#include <algorithm>
#include <set>

#include "base/text.h"
#include "config/load.h"
#include "config/options.h"
#include "config/yaml/suggest.h"
#include "config/yaml/value.h"
#include "config/yaml/yaml_tree.h"

namespace confab::config {
namespace {

using NodeKind = YamlNode::Kind;

constexpr std::size_t kMaxShown = 40;  // bytes of a value in an error

std::string join_path(std::string_view section, std::string_view name) {
    return section.empty() ? std::string(name) : std::string(section) + "." + std::string(name);
}

// On one line and cut between characters: the rest of a long text is of no use in an error.
std::string cut(const std::string& text, std::size_t most) {
    std::size_t length = std::min(text.size(), most);
    while (length < text.size() && length > 0 &&
           (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
        --length;
    std::string out = text.substr(0, length);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    return out;
}

// How upstream's texts show a value: its YAML tag and, for short scalars, the text.
std::string shown(const YamlNode& node, bool secret) {
    switch (node.kind) {
        case NodeKind::kNull:
            return "!!null";
        case NodeKind::kList:
            return "!!seq";
        case NodeKind::kMap:
            return "!!map";
        case NodeKind::kScalar:
            break;
    }
    std::uint32_t number = 0;
    const bool is_number = !node.quoted && read_scalar(&number, node.text).has_value();
    std::string text = is_number ? "!!int" : "!!str";
    if (secret) return text;
    return text + " `" + cut(node.text, kMaxShown) + "`";
}

class Reader {
  public:
    Reader(Loaded& loaded, YamlOptions options) : loaded_(loaded), options_(options) {}

    Diagnostics read(const YamlNode& root) {
        if (root.kind == NodeKind::kMap)
            read_section("", root);
        else if (root.kind != NodeKind::kNull)
            wrong_type(root, "", "map", "lines \"key: value\"");
        for (const auto& [option, node] : aliases_)
            read_alias(*option, *node);
        return std::move(errors_);
    }

  private:
    bool full() const { return errors_.size() >= kMaxDiagnostics; }

    void error(int line, std::string path, std::string message) {
        if (!full())
            errors_.push_back({Severity::kError, line, std::move(path), std::move(message)});
    }
    // Of an option: each is told, there are only so many.
    void warn(int line, std::string path, std::string message) {
        loaded_.warnings.push_back({Severity::kWarning, line, std::move(path), std::move(message)});
    }
    void warn_unknown(int line, std::string path, std::string message) {
        if (unknown_++ < kMaxDiagnostics) warn(line, std::move(path), std::move(message));
    }
    void wrong_type(const YamlNode& node, const std::string& path, std::string_view type,
                    std::string_view remedy, bool secret = false) {
        error(node.line, path,
              "cannot unmarshal " + shown(node, secret) + " into " + std::string(type) +
                  (path.empty() ? "" : ": " + path) + " needs " + std::string(remedy));
    }

    void read_section(const std::string& section, const YamlNode& map) {
        for (std::size_t i = 0; i < map.children.size() && !full(); ++i)
            read_member(section, map.names[i], map.name_lines[i], map.children[i]);
    }

    void read_member(const std::string& section, const std::string& name, int line,
                     const YamlNode& node) {
        const std::string path = join_path(section, name);
        const Option* option = find_option(path);
        if (option == nullptr && !is_section(path)) return unknown(section, name, line);
        if (!seen_.insert(path).second)
            return error(line, path, path + " is given twice; remove one of them");
        if (option != nullptr) return read_option(*option, node);
        if (node.kind == NodeKind::kMap) return read_section(path, node);
        if (node.kind != NodeKind::kNull)
            wrong_type(node, path, "map", "indented lines \"key: value\" below it");
    }

    void unknown(const std::string& section, const std::string& name, int line) {
        const bool enough = options_.strict ? full() : unknown_ >= kMaxDiagnostics;
        if (enough) return;
        std::string text = "field " + cut(name, kMaxSuggestLength) + " not found in " +
                           (section.empty() ? "the top level" : section);
        if (name == "<<")
            text += "; write the values out, merging is not supported";
        else
            text += "; " + remedy(section, name);
        if (options_.strict)
            error(line, join_path(section, name), std::move(text));
        else
            warn_unknown(line, join_path(section, name), text + "; ignored");
    }

    static std::string remedy(const std::string& section, const std::string& name) {
        if (const auto close = nearest(name, child_names(section))) {
            const std::string path = join_path(section, *close);
            const Option* option = find_option(path);
            if (option == nullptr || option->status != Status::kDeprecated)
                return "did you mean " + path + "?";
            // An old name would be warned of next.
            if (!option->instead.empty())
                return "did you mean " + std::string(option->instead) + "?";
        }
        for (const Option& option : options()) {
            const std::string_view last = option.path.substr(option.path.rfind('.') + 1);
            if (last == name && option.status != Status::kDeprecated)
                return "did you mean " + std::string(option.path) + "?";
        }
        return "remove it, or see `confab config reference` for the names";
    }

    void read_option(const Option& option, const YamlNode& node) {
        if (node.kind == NodeKind::kNull) return;  // "key:" alone keeps the default
        if (option.status == Status::kDeprecated && !option.instead.empty()) {
            aliases_.emplace_back(&option, &node);
            return;
        }
        Scratch scratch;
        const Slot slot = slot_of(option, loaded_.config, scratch);
        if (!read_value(option, slot, node)) return;
        const std::string path(option.path);
        if (option.status == Status::kDeprecated)
            return warn(node.line, path, path + " has no effect any more; remove it");
        if (const std::string why = ignored_because(option);
            !why.empty() && format_value(slot, Secrets::kShown) != default_value(option))
            warn(node.line, path, path + " " + why + "; ignored");
    }

    // The old key counts where the new one is absent; 0 and "" say nothing.
    void read_alias(const Option& option, const YamlNode& node) {
        const Option* target = find_option(option.instead);
        if (target == nullptr) return;
        Scratch scratch;
        const Slot slot = scratch_slot(kind_of(option), scratch);
        if (!read_value(option, slot, node)) return;
        const std::string path(option.path);
        warn(node.line, path, path + " is deprecated; use " + std::string(option.instead));
        if (says_nothing(slot) || seen_.contains(std::string(option.instead))) return;
        (void)read_value(*target, option.slot(loaded_.config), node);
    }

    bool read_value(const Option& option, const Slot& slot, const YamlNode& node) {
        const std::string path(option.path);
        if (is_scalar(kind_of(slot)))
            return read_one(path, slot, node) && bounds(option, slot, node);
        return std::visit(
            [&](auto out) {
                if constexpr (requires { read_many(path, *out, node); })
                    return read_many(path, *out, node) && known_entries(option, node);
                else
                    return false;
            },
            slot);
    }

    // Also of what is kept as a tree, a misspelt key must not be left out silently.
    bool known_entries(const Option& option, const YamlNode& node) {
        if (option.entries.empty()) return true;
        const std::string path(option.path);
        if (option.entries == kNoEntries) {
            for (std::size_t i = 0; i < node.names.size(); ++i)
                unknown(path, node.names[i], node.name_lines[i]);
            return node.names.empty() || !options_.strict;
        }
        const auto names = split(option.entries, '|');
        for (const YamlNode& item : node.children) {
            if (!is_map(path, item, kind_of(option))) return false;
            for (std::size_t i = 0; i < item.names.size(); ++i)
                if (std::find(names.begin(), names.end(), item.names[i]) == names.end() &&
                    !unknown_in_entry(path, item.names[i], item.name_lines[i], names))
                    return false;
        }
        return true;
    }

    bool bounds(const Option& option, const Slot& slot, const YamlNode& node) {
        const auto checked = check_bounds(option, slot);
        if (checked) return true;
        const std::string path(option.path);
        if (path.starts_with("node_selector."))
            error(node.line, path,
                  "unsupported node selector: " + path + " needs " + checked.error());
        else
            error(node.line, path, path + " needs " + checked.error());
        return false;
    }

    bool read_one(const std::string& path, const Slot& slot, const YamlNode& node) {
        const Kind kind = kind_of(slot);
        const bool is_text = kind == Kind::kString || kind == Kind::kSecret ||
                             kind == Kind::kPortRange || kind == Kind::kDuration;
        const bool secret = kind == Kind::kSecret;
        if (node.kind != NodeKind::kScalar) {
            wrong_type(node, path, type_name(kind), "a single value");
            return false;
        }
        if (node.quoted && !is_text) {
            wrong_type(node, path, type_name(kind), "a value without quotes");
            return false;
        }
        const auto read = read_scalar(slot, node.text);
        if (!read) wrong_type(node, path, type_name(kind), read.error(), secret);
        return read.has_value();
    }

    bool is_list(const std::string& path, const YamlNode& node, Kind kind) {
        if (node.kind == NodeKind::kList) return true;
        wrong_type(node, path, type_name(kind), "a list, for example [a, b]", true);
        return false;
    }
    bool is_map(const std::string& path, const YamlNode& node, Kind kind) {
        if (node.kind == NodeKind::kMap) return unique_names(path, node);
        wrong_type(node, path, type_name(kind), "indented lines \"name: value\" below it", true);
        return false;
    }
    bool unique_names(const std::string& path, const YamlNode& node) {
        std::set<std::string_view> names;
        for (std::size_t i = 0; i < node.names.size(); ++i) {
            if (names.insert(node.names[i]).second) continue;
            error(node.name_lines[i], path, "a name is given twice in " + path + "; remove one");
            return false;
        }
        return true;
    }

    bool read_many(const std::string& path, std::vector<std::string>& out, const YamlNode& node) {
        return read_list(path, out, node, Kind::kStrings);
    }
    bool read_many(const std::string& path, std::vector<Duration>& out, const YamlNode& node) {
        return read_list(path, out, node, Kind::kDurations);
    }
    template <typename T>
    bool read_list(const std::string& path, std::vector<T>& out, const YamlNode& node, Kind kind) {
        if (!is_list(path, node, kind)) return false;
        out.clear();
        for (const YamlNode& item : node.children)
            if (!read_one(path, &out.emplace_back(), item)) return false;
        return true;
    }

    bool read_many(const std::string& path, std::map<std::string, std::string>& out,
                   const YamlNode& node) {
        if (!is_map(path, node, Kind::kStringMap)) return false;
        out.clear();
        for (std::size_t i = 0; i < node.children.size(); ++i)
            if (!read_one(path + "." + cut(node.names[i], kMaxShown), &out[node.names[i]],
                          node.children[i]))
                return false;
        return true;
    }

    bool read_many(const std::string& path, StringLists& out, const YamlNode& node) {
        if (!is_map(path, node, Kind::kStringLists)) return false;
        out.clear();
        for (std::size_t i = 0; i < node.children.size(); ++i)
            if (!read_many(path + "." + cut(node.names[i], kMaxShown), out[node.names[i]],
                           node.children[i]))
                return false;
        return true;
    }

    bool read_many(const std::string& path, KeySecrets& out, const YamlNode& node) {
        if (!is_map(path, node, Kind::kKeys)) return false;
        out.clear();
        for (std::size_t i = 0; i < node.children.size(); ++i) {
            SecretText& secret = out[node.names[i]];
            if (!read_one(path, &secret, node.children[i])) return false;
            if (!secret.empty() && !node.names[i].empty()) continue;
            error(node.name_lines[i], path, "an API key or its secret is empty in " + path);
            return false;
        }
        return true;
    }

    bool read_many(const std::string& path, std::vector<TurnServer>& out, const YamlNode& node) {
        return read_elements(path, out, turn_server_fields(), node, Kind::kTurnServers);
    }
    bool read_many(const std::string& path, std::vector<Codec>& out, const YamlNode& node) {
        return read_elements(path, out, codec_fields(), node, Kind::kCodecs);
    }
    template <typename T>
    bool read_elements(const std::string& path, std::vector<T>& out,
                       std::span<const Field<T>> fields, const YamlNode& node, Kind kind) {
        if (!is_list(path, node, kind)) return false;
        out.clear();
        for (const YamlNode& item : node.children) {
            if (!is_map(path, item, kind)) return false;
            T& element = out.emplace_back();
            for (std::size_t i = 0; i < item.children.size(); ++i)
                if (!read_field(path, element, fields, item, i)) return false;
        }
        return true;
    }
    template <typename T>
    bool read_field(const std::string& path, T& element, std::span<const Field<T>> fields,
                    const YamlNode& item, std::size_t i) {
        std::vector<std::string_view> names;
        for (const Field<T>& field : fields) {
            if (field.name == item.names[i])
                return item.children[i].kind == NodeKind::kNull ||
                       read_one(path + "[]." + item.names[i], field.slot(element),
                                item.children[i]);
            names.push_back(field.name);
        }
        return unknown_in_entry(path, item.names[i], item.name_lines[i], names);
    }
    // False if that is an error.
    bool unknown_in_entry(const std::string& path, const std::string& name, int line,
                          std::span<const std::string_view> names) {
        const auto close = nearest(name, names);
        std::string text = "field " + cut(name, kMaxSuggestLength) + " not found in an entry of " +
                           path +
                           (close ? "; did you mean " + std::string(*close) + "?" : "; remove it");
        if (options_.strict)
            error(line, path, std::move(text));
        else
            warn_unknown(line, path, text + "; ignored");
        return !options_.strict;
    }

    bool read_many(const std::string& path, JsonByName& out, const YamlNode& node) {
        if (!is_map(path, node, Kind::kJsonByName)) return false;
        out.items.clear();
        for (std::size_t i = 0; i < node.children.size(); ++i)
            out.items[node.names[i]] = to_json(node.children[i]);
        return true;
    }
    bool read_many(const std::string& path, JsonList& out, const YamlNode& node) {
        if (!is_list(path, node, Kind::kJsonList)) return false;
        out.items.clear();
        for (const YamlNode& item : node.children)
            out.items.push_back(to_json(item));
        return true;
    }

    Loaded& loaded_;
    YamlOptions options_;
    std::size_t unknown_ = 0;  // of those that became warnings
    Diagnostics errors_;
    std::set<std::string> seen_;
    std::vector<std::pair<const Option*, const YamlNode*>> aliases_;
};

}  // namespace

Result<Loaded, Diagnostics> parse_yaml(std::string_view text, YamlOptions options) {
    const auto root = load_yaml(text);
    if (!root) return tl::make_unexpected(Diagnostics{root.error()});
    Loaded loaded;
    Diagnostics errors = Reader(loaded, options).read(*root);
    if (!errors.empty()) return tl::make_unexpected(std::move(errors));
    return loaded;
}

Result<KeySecrets, std::string> parse_keys(std::string_view text) {
    const std::string refusal =
        "Could not parse keys, it needs to be exactly, \"key: secret\", including the space";
    const auto root = load_yaml(text);
    if (!root || root->kind != NodeKind::kMap) return tl::make_unexpected(refusal);
    KeySecrets keys;
    for (std::size_t i = 0; i < root->children.size(); ++i) {
        const YamlNode& secret = root->children[i];
        if (secret.kind != NodeKind::kScalar || secret.text.empty() || root->names[i].empty())
            return tl::make_unexpected(refusal);
        if (!keys.emplace(root->names[i], SecretText(secret.text)).second)
            return tl::make_unexpected("API key " + root->names[i] +
                                       " is given twice; remove one of them");
    }
    return keys;
}

}  // namespace confab::config
