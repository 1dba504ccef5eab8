// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What may not reach a log (08 IMM-16; log.h).
#include <algorithm>
#include <array>

#include "base/text.h"
#include "runtime/telemetry/log.h"

namespace confab::telemetry {

namespace {

constexpr std::string_view kMark = "[redacted]";

// Names whose values are secret, as query parameters, headers, JSON or YAML members. join_request
// holds the whole request of a client (01 CON-32), an ice pwd lets others into a call.
constexpr std::array<std::string_view, 13> kSecretNames = {
    "access_token", "accesstoken",    "authorization", "join_request", "api_secret",
    "secret",       "password",       "passwd",        "pwd",          "token",
    "credential",   "api_key_secret", "private_key"};
constexpr std::array<std::string_view, 2> kSchemes = {"bearer", "basic"};

bool is_name_char(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
}
bool is_token_char(char c) {
    return is_name_char(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '=' || c == '%';
}

std::size_t end_of(std::string_view text, std::size_t from, bool (*belongs)(char)) {
    while (from < text.size() && belongs(text[from]))
        ++from;
    return from;
}

template <typename List>
bool contains_name(const List& list, std::string_view name) {
    return std::any_of(list.begin(), list.end(),
                       [name](std::string_view entry) { return equals_ignore_case(entry, name); });
}

// Three base64url parts of which the first is a JSON object: "eyJ….….…".
std::size_t jwt_length(std::string_view text) {
    if (!text.starts_with("eyJ")) return 0;
    const std::size_t first = end_of(text, 0, is_name_char);
    if (first >= text.size() || text[first] != '.') return 0;
    const std::size_t second = end_of(text, first + 1, is_name_char);
    if (second == first + 1) return 0;
    if (second >= text.size() || text[second] != '.') return second;
    return end_of(text, second + 1, is_name_char);
}

// After "name": where the value of name=value, name: value or "name":"value" begins and ends.
struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
};
Range value_range(std::string_view text, std::size_t after_name) {
    std::size_t at = after_name;
    if (at < text.size() && text[at] == '\\') ++at;  // JSON inside a JSON string
    if (at < text.size() && (text[at] == '"' || text[at] == '\'')) ++at;
    if (at >= text.size() || (text[at] != '=' && text[at] != ':')) return {};
    ++at;
    while (at < text.size() && text[at] == ' ')
        ++at;
    if (at < text.size() && text[at] == '\\') ++at;
    if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
        const char quote = text[at];
        const std::size_t begin = at + 1;
        std::size_t end = begin;
        while (end < text.size() && text[end] != quote)
            end += text[end] == '\\' ? 2U : 1U;
        return {begin, std::min(end, text.size())};
    }
    const std::size_t end = std::min(text.find_first_of("& \t\r\n,;}\"'", at), text.size());
    return {at, end};
}

// "scheme://user:password@host": the length of "user:password".
std::size_t user_info_length(std::string_view after_slashes) {
    const std::size_t stop = after_slashes.find_first_of("/?# \t\r\n\"'");
    const std::string_view authority = after_slashes.substr(0, stop);
    const std::size_t at = authority.rfind('@');
    return at == std::string_view::npos ? 0 : at;
}

// Goes through a text once; what it has passed stands in `out_`, or a mark in its place.
class Redaction {
  public:
    explicit Redaction(std::string_view text) : text_(text) { out_.reserve(text.size()); }

    std::string take() {
        while (at_ < text_.size()) {
            if (rest().starts_with("://")) {
                copy_to(at_ + 3);
                hide_to(at_ + user_info_length(rest()));
            } else if (!is_name_char(text_[at_])) {
                copy_to(at_ + 1);
            } else if (const std::size_t length = jwt_length(rest()); length > 0) {
                hide_to(at_ + length);
            } else {
                pass_name();
            }
        }
        return std::move(out_);
    }

  private:
    std::string_view rest() const { return text_.substr(at_); }
    void copy_to(std::size_t end) {
        out_ += text_.substr(at_, end - at_);
        at_ = end;
    }
    void hide_to(std::size_t end) {
        if (end > at_) out_ += kMark;
        at_ = end;
    }
    void pass_name() {
        const std::size_t end = end_of(text_, at_, is_name_char);
        const std::string_view name = text_.substr(at_, end - at_);
        copy_to(end);
        if (contains_name(kSchemes, name) && rest().starts_with(' ')) {
            const std::size_t stop = end_of(text_, at_ + 1, is_token_char);
            if (stop == at_ + 1) return;
            copy_to(at_ + 1);
            hide_to(stop);
        } else if (contains_name(kSecretNames, name)) {
            hide_value();
        }
    }
    void hide_value() {
        const Range value = value_range(text_, at_);
        if (value.end <= value.begin) return;
        copy_to(value.begin);
        // "Authorization: Bearer x" has its secret one word further.
        const std::size_t word = end_of(text_, at_, is_name_char);
        if (!contains_name(kSchemes, text_.substr(at_, word - at_))) hide_to(value.end);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string out_;
};

}  // namespace

std::string redact(std::string_view text) {
    return Redaction(text).take();
}

}  // namespace confab::telemetry
