// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// yaml-cpp only tokenises here: its events build our own tree, and its exceptions end here.
#include "config/yaml/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <stdexcept>

#include "base/text.h"
#include "config/yaml/value.h"

namespace confab::config {
namespace {

// Leaves the parser when a limit is reached; caught in load_yaml().
struct LimitReached : std::runtime_error {
    LimitReached(int at, const char* what) : std::runtime_error(what), line(at) {}
    int line;
};

int line_of(const YAML::Mark& mark) {
    return mark.is_null() ? 1 : std::max(mark.line, 0) + 1;
}

std::size_t count_nodes(const YamlNode& node) {
    std::size_t count = 1;
    for (const YamlNode& child : node.children)
        count += count_nodes(child);
    return count;
}

std::size_t depth_of(const YamlNode& node) {
    std::size_t depth = 0;
    for (const YamlNode& child : node.children)
        depth = std::max(depth, depth_of(child));
    return depth + 1;
}

class TreeBuilder final : public YAML::EventHandler {
  public:
    YamlNode take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(make(mark, YamlNode::Kind::kNull), anchor);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        YamlNode node = make(mark, YamlNode::Kind::kScalar);
        node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
        node.text = value;
        add(std::move(node), anchor);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const int line = line_of(mark);
        if (++aliases_ > kMaxYamlAliases) throw LimitReached(line, "too many aliases");
        const auto found = anchors_.find(anchor);
        // The anchor may be one that is still open: a tree that contains itself.
        if (found == anchors_.end()) throw LimitReached(line, "alias inside its own anchor");
        count(line, count_nodes(found->second));
        if (open_.size() + depth_of(found->second) > kMaxYamlDepth)
            throw LimitReached(line, "nested too deeply");
        attach(found->second, line);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        start(make(mark, YamlNode::Kind::kList), anchor);
    }
    void OnSequenceEnd() override { finish(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        start(make(mark, YamlNode::Kind::kMap), anchor);
    }
    void OnMapEnd() override { finish(); }

  private:
    struct Open {
        YamlNode node;
        YAML::anchor_t anchor;
        bool has_name = false;  // of a map: the next event is the value
    };

    YamlNode make(const YAML::Mark& mark, YamlNode::Kind kind) {
        YamlNode node;
        node.kind = kind;
        node.line = line_of(mark);
        count(node.line, 1);
        return node;
    }
    void count(int line, std::size_t nodes) {
        nodes_ += nodes;
        if (nodes_ > kMaxYamlNodes) throw LimitReached(line, "too many values");
    }
    void start(YamlNode node, YAML::anchor_t anchor) {
        const int line = node.line;
        if (open_.size() + 1 >= kMaxYamlDepth) throw LimitReached(line, "nested too deeply");
        open_.push_back({std::move(node), anchor});
    }
    void finish() {
        Open done = std::move(open_.back());
        open_.pop_back();
        add(std::move(done.node), done.anchor);
    }
    void add(YamlNode node, YAML::anchor_t anchor) {
        const int line = node.line;
        if (anchor != YAML::NullAnchor) {
            // Kept copies count as well: text with many nested anchors would square them.
            count(line, count_nodes(node));
            anchors_.insert_or_assign(anchor, node);
        }
        attach(std::move(node), line);
    }
    void attach(YamlNode node, int line) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (parent.node.kind == YamlNode::Kind::kMap && !parent.has_name) {
            if (node.kind != YamlNode::Kind::kScalar)
                throw LimitReached(line, "a key must be plain text");
            parent.node.names.push_back(std::move(node.text));
            parent.node.name_lines.push_back(line);
            parent.has_name = true;
            return;
        }
        parent.has_name = false;
        parent.node.children.push_back(std::move(node));
    }

    YamlNode root_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, YamlNode> anchors_;
    std::size_t nodes_ = 0;
    std::size_t aliases_ = 0;
};

Result<YamlNode, Diagnostic> refuse(int line, std::string message) {
    return tl::make_unexpected(Diagnostic{Severity::kError, line, "", std::move(message)});
}

bool is_json_number(std::string_view text) {
    double value = 0;
    if (text.empty() || (text[0] != '-' && (text[0] < '0' || text[0] > '9'))) return false;
    if (text.size() > 1 && text[0] == '0' && text[1] != '.') return false;
    if (text.starts_with("-0") && text.size() > 2 && text[2] != '.') return false;
    if (text.find_first_not_of("0123456789.-") != text.npos || text.back() == '.') return false;
    if (const std::size_t point = text.find('.');
        point != text.npos && (point == 0 || text[point - 1] == '-'))
        return false;
    return read_scalar(&value, text).has_value();
}

// The names in livekit_storage.proto and what else ends like a secret, in either spelling.
bool is_secret_name(std::string_view name) {
    std::string plain = to_lower(name);
    std::erase(plain, '_');
    for (const std::string_view ending :
         {"secret", "password", "token", "credential", "credentials", "accesskey", "accountkey"})
        if (plain.ends_with(ending)) return true;
    return false;
}

void hide_secrets(YamlNode& node, const YamlNode& instead) {
    for (std::size_t i = 0; i < node.children.size(); ++i) {
        YamlNode& child = node.children[i];
        const bool empty = child.kind == YamlNode::Kind::kNull ||
                           (child.kind == YamlNode::Kind::kScalar && child.text.empty());
        if (node.kind == YamlNode::Kind::kMap && !empty && is_secret_name(node.names[i]))
            child = instead;
        else
            hide_secrets(child, instead);
    }
}

std::string list_to_json(const YamlNode& node) {
    std::string out = "[";
    for (const YamlNode& child : node.children)
        out += (out.size() > 1 ? ", " : "") + to_json(child);
    return out + "]";
}

std::string map_to_json(const YamlNode& node) {
    std::string out = "{";
    for (std::size_t i = 0; i < node.children.size(); ++i)
        out += (i > 0 ? ", " : "") + quote(node.names[i]) + ": " + to_json(node.children[i]);
    return out + "}";
}

}  // namespace

Result<YamlNode, Diagnostic> load_yaml(std::string_view text) {
    if (text.size() > kMaxYamlSize)
        return refuse(0, "the configuration is larger than 1 MiB; remove what is no setting");
    if (!is_valid_utf8(text) || text.find('\0') != text.npos)
        return refuse(0, "the configuration is no UTF-8 text; save it as UTF-8");
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        TreeBuilder builder;
        if (!parser.HandleNextDocument(builder)) return YamlNode{};
        YamlNode root = builder.take_root();
        TreeBuilder second;
        if (parser.HandleNextDocument(second))
            return refuse(second.take_root().line, "a second document; remove the line ---");
        return root;
    } catch (const YAML::Exception& error) {
        return refuse(line_of(error.mark), error.msg);
    } catch (const LimitReached& error) {
        return refuse(error.line, error.what());
    } catch (const std::exception& error) {
        return refuse(0, error.what());
    }
}

std::string without_secrets(std::string_view json, std::string_view instead) {
    auto tree = load_yaml(json);
    const auto shown = load_yaml(instead);
    if (!tree || !shown) return std::string(instead);
    hide_secrets(*tree, *shown);
    return to_json(*tree);
}

std::string to_json(const YamlNode& node) {
    switch (node.kind) {
        case YamlNode::Kind::kNull:
            return "null";
        case YamlNode::Kind::kList:
            return list_to_json(node);
        case YamlNode::Kind::kMap:
            return map_to_json(node);
        case YamlNode::Kind::kScalar:
            break;
    }
    const bool bare =
        !node.quoted && (node.text == "true" || node.text == "false" || is_json_number(node.text));
    return bare ? node.text : quote(node.text);
}

}  // namespace confab::config
