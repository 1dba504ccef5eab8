// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/output/json_text.h"

#include "base/text.h"

namespace confab::app::cli {
namespace {

// Of a well-formed value: where the string that begins at `at` ends, behind its quote.
std::size_t end_of_string(std::string_view json, std::size_t at) {
    for (std::size_t i = at + 1; i < json.size(); ++i) {
        if (json[i] == '\\')
            ++i;
        else if (json[i] == '"')
            return i + 1;
    }
    return json.size();
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

class Indenter {
  public:
    explicit Indenter(std::string_view json) : json_(json) {}

    std::string run() {
        for (std::size_t i = 0; i < json_.size();) {
            const char c = json_[i];
            if (c == '"') {
                const std::size_t end = end_of_string(json_, i);
                out_ += json_.substr(i, end - i);
                i = end;
                continue;
            }
            ++i;
            if (!is_blank(c)) put(c, i);
        }
        return std::move(out_);
    }

  private:
    void put(char c, std::size_t next) {
        if (c == '}' || c == ']') {
            --depth_;
            if (!out_.ends_with('{') && !out_.ends_with('[')) new_line();
        }
        out_ += c;
        if (c == ':') out_ += ' ';
        if (c == ',') new_line();
        if (c != '{' && c != '[') return;
        ++depth_;
        if (!closes(next)) new_line();
    }
    bool closes(std::size_t next) const {
        while (next < json_.size() && is_blank(json_[next]))
            ++next;
        return next < json_.size() && (json_[next] == '}' || json_[next] == ']');
    }
    void new_line() { out_.append("\n").append(2 * depth_, ' '); }

    std::string_view json_;
    std::string out_;
    std::size_t depth_ = 0;
};

void collect(const json::Value& value, std::string_view path, std::vector<std::string>& out) {
    if (value.kind == json::Kind::kArray) {
        for (const json::Value& item : value.items)
            collect(item, path, out);
        return;
    }
    if (!path.empty()) {
        const json::Value* const inner = value.find(next_token(path, '.'));
        if (inner != nullptr) collect(*inner, path, out);
        return;
    }
    if (value.is_null()) return;
    out.push_back(value.kind == json::Kind::kString ? value.string : std::string(value.raw));
}

}  // namespace

std::string indented(std::string_view json) {
    return Indenter(json).run();
}

std::vector<std::string> texts_at(const json::Value& value, std::string_view path) {
    std::vector<std::string> out;
    collect(value, path, out);
    return out;
}

std::string text_at(const json::Value& value, std::string_view path) {
    const std::vector<std::string> all = texts_at(value, path);
    return all.empty() ? "" : all.front();
}

}  // namespace confab::app::cli
