// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/output/yaml_text.h"

#include <array>

#include "base/text.h"

namespace confab::app::cli {
namespace {

bool is_plain_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '/';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Plain texts that readers of YAML 1.1 and 1.2 take for no text.
bool is_reserved(std::string_view text) {
    static constexpr std::array<std::string_view, 9> kReserved{"true", "false", "null", "yes", "no",
                                                               "on",   "off",   "y",    "n"};
    for (const std::string_view word : kReserved)
        if (equals_ignore_case(text, word)) return true;
    return false;
}

class Writer {
  public:
    // `indent` levels in; what stands before on the line is written.
    void value(const json::Value& value, std::size_t indent) {
        if (value.kind == json::Kind::kObject && !value.members.empty())
            return object(value, indent);
        if (value.kind == json::Kind::kArray && !value.items.empty()) return array(value, indent);
        out_ += scalar(value) + "\n";
    }
    std::string take() { return std::move(out_); }

  private:
    static std::string scalar(const json::Value& value) {
        switch (value.kind) {
            case json::Kind::kObject:
                return "{}";
            case json::Kind::kArray:
                return "[]";
            case json::Kind::kString:
                return yaml_scalar(value.string);
            default:
                return std::string(value.raw);
        }
    }
    static bool is_block(const json::Value& value) {
        return (value.kind == json::Kind::kObject && !value.members.empty()) ||
               (value.kind == json::Kind::kArray && !value.items.empty());
    }
    void object(const json::Value& value, std::size_t indent) {
        bool first = true;
        for (const json::Member& member : value.members) {
            if (!first) out_.append(2 * indent, ' ');
            first = false;
            out_ += yaml_scalar(member.name) + ":";
            if (is_block(member.value))
                out_.append("\n").append(2 * (indent + 1), ' ');
            else
                out_ += ' ';
            this->value(member.value, indent + 1);
        }
    }
    void array(const json::Value& value, std::size_t indent) {
        bool first = true;
        for (const json::Value& item : value.items) {
            if (!first) out_.append(2 * indent, ' ');
            first = false;
            out_ += "- ";
            this->value(item, indent + 1);
        }
    }

    std::string out_;
};

}  // namespace

std::string yaml_scalar(std::string_view text) {
    bool plain = !text.empty() && is_letter(text.front()) && !is_reserved(text);
    for (const char c : text)
        plain = plain && is_plain_char(c);
    if (plain) return std::string(text);
    std::string quoted;
    json::append_string(quoted, text);  // every JSON string is one of YAML 1.2
    return quoted;
}

std::string yaml_of(const json::Value& value) {
    Writer writer;
    writer.value(value, 0);
    return writer.take();
}

}  // namespace confab::app::cli
