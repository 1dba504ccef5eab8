// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/call/key_values.h"

#include <string_view>

#include "base/text.h"

namespace confab::app::cli {
namespace {

bool is_of_key(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

// Whether `text` begins with a key and, behind it, `separator`.
bool begins_pair(std::string_view text, char separator) {
    text = trim(text);
    std::size_t end = 0;
    while (end < text.size() && is_of_key(text[end]))
        ++end;
    const std::string_view rest = trim(text.substr(end));
    return end > 0 && rest.starts_with(separator);
}

// Where a character stands in a pair: in quotes, or in a value that is JSON, a comma is its own.
class Place {
  public:
    explicit Place(char separator) : separator_(separator) {}

    // `before`: of this pair, up to `c`.
    bool parts(std::string_view before, char c) {
        if (quote_ != '\0') {
            if (c == quote_ && !before.ends_with('\\')) quote_ = '\0';
            return false;
        }
        const std::string_view begun = trim(before);
        const bool begins_value =
            begun.ends_with(separator_) && begun.find(separator_) + 1 == begun.size();
        if (c == '"' && (begins_value || depth_ > 0)) quote_ = c;
        if (c == '\'' && begins_value) quote_ = c;
        if ((c == '{' || c == '[') && (begins_value || depth_ > 0)) ++depth_;
        if ((c == '}' || c == ']') && depth_ > 0) --depth_;
        return c == ',' && depth_ == 0;
    }

  private:
    char separator_;
    char quote_ = '\0';
    int depth_ = 0;
};

std::vector<std::string_view> pairs_of(std::string_view text, char separator) {
    std::vector<std::string_view> pairs;
    Place place(separator);
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!place.parts(text.substr(begin, i - begin), text[i])) continue;
        if (!begins_pair(text.substr(i + 1), separator)) continue;
        pairs.push_back(text.substr(begin, i - begin));
        begin = i + 1;
    }
    pairs.push_back(text.substr(begin));
    return pairs;
}

// Without the quotes around it; in double ones a backslash writes what stands behind it.
std::string unquoted(std::string_view value) {
    const char quote = value.empty() ? '\0' : value.front();
    if (value.size() < 2 || (quote != '"' && quote != '\'') || !value.ends_with(quote))
        return std::string(value);
    value = value.substr(1, value.size() - 2);
    if (quote == '\'') return std::string(value);
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (value[i] != '\\' || i + 1 == value.size()) {
            out += value[i];
            continue;
        }
        ++i;
        out += value[i] == 'n' ? '\n' : value[i] == 'r' ? '\r' : value[i];
    }
    return out;
}

// Where the key of an attribute ends.
std::size_t end_of_key(std::string_view pair) {
    const std::size_t equals = pair.find('=');
    const std::size_t colon = equals == pair.npos ? pair.find(':') : pair.find(": ");
    return std::min(equals, colon);
}

}  // namespace

Result<KeyValues, std::string> read_attributes(const std::vector<std::string>& given) {
    KeyValues read;
    for (const std::string& text : given) {
        for (const std::string_view pair : pairs_of(text, '=')) {
            const std::size_t end = end_of_key(pair);
            const std::string key(trim(pair.substr(0, end)));
            if (end == pair.npos || key.empty())
                return fail("--attribute " + std::string(pair) + " needs the form key=value");
            read[key] = unquoted(trim(pair.substr(end + 1)));
        }
    }
    return read;
}

Result<KeyValues, std::string> read_headers(const std::vector<std::string>& given) {
    KeyValues read;
    for (const std::string& text : given) {
        for (std::string_view rest : pairs_of(text, ':')) {
            const std::string pair(rest);
            const std::string key(trim(next_token(rest, ':')));
            if (key.empty() || pair.find(':') == pair.npos)
                return fail("--header " + pair + " needs the form Key:Value");
            read[key] = std::string(trim(rest));
        }
    }
    return read;
}

}  // namespace confab::app::cli
