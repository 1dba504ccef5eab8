// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Recursive descent over the text; the depth bound keeps the stack small.
#include "json/json.h"

#include <charconv>

#include "base/text.h"

namespace confab::json {
namespace {

void append_utf8(std::string& out, std::uint32_t code) {
    const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | (code >> 6));
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | (code >> 12));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3F));
        put(0x80 | ((code >> 6) & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

class Parser {
  public:
    // Without `keep_tree` the values are checked and forgotten.
    Parser(std::string_view text, bool keep_tree, LoneSurrogate lone = LoneSurrogate::kRefused)
        : text_(text), keep_(keep_tree), lone_(lone) {}

    Result<Value, Error> run() {
        if (!is_valid_utf8(text_)) return fail(Error::kSyntax);
        Value value;
        skip_blanks();
        if (!parse_value(value, 0)) return fail(error_);
        skip_blanks();
        if (pos_ != text_.size()) return fail(Error::kSyntax);
        return value;
    }

  private:
    bool stop(Error error) {
        error_ = error;
        return false;
    }
    bool syntax_error() { return stop(Error::kSyntax); }
    char peek() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }
    bool accept(char c) {
        if (peek() != c || pos_ >= text_.size()) return false;
        ++pos_;
        return true;
    }
    void skip_blanks() {
        while (pos_ < text_.size() && is_blank(text_[pos_]))
            ++pos_;
    }

    bool parse_value(Value& value, std::size_t depth);
    bool parse_word(std::string_view word) {
        if (text_.substr(pos_, word.size()) != word) return syntax_error();
        pos_ += word.size();
        return true;
    }
    bool parse_object(Value& value, std::size_t depth);
    bool parse_array(Value& value, std::size_t depth);
    bool parse_number(Value& value);
    bool parse_string(std::string& out);
    bool parse_escape(std::string& out);
    std::optional<std::uint32_t> parse_code_point();
    std::optional<std::uint32_t> parse_low_half();
    std::optional<std::uint32_t> parse_hex4();

    std::string_view text_;
    std::size_t pos_ = 0;
    std::size_t values_ = 0;
    bool keep_;
    LoneSurrogate lone_;
    Error error_ = Error::kSyntax;
};

bool Parser::parse_value(Value& value, std::size_t depth) {
    if (depth > kMaxDepth) return stop(Error::kTooDeep);
    if (++values_ > kMaxValues) return stop(Error::kTooManyValues);
    const std::size_t start = pos_;
    bool ok = false;
    switch (peek()) {
        case '{':
            ok = parse_object(value, depth);
            break;
        case '[':
            ok = parse_array(value, depth);
            break;
        case '"':
            value.kind = Kind::kString;
            ok = parse_string(value.string);
            break;
        case 't':
        case 'f':
            value.kind = Kind::kBool;
            value.boolean = peek() == 't';
            ok = parse_word(value.boolean ? "true" : "false");
            break;
        case 'n':
            ok = parse_word("null");
            break;
        default:
            ok = parse_number(value);
    }
    value.raw = text_.substr(start, pos_ - start);
    return ok;
}

bool Parser::parse_object(Value& value, std::size_t depth) {
    value.kind = Kind::kObject;
    ++pos_;
    skip_blanks();
    if (accept('}')) return true;
    for (;;) {
        skip_blanks();
        Member member;
        if (!parse_string(member.name)) return false;
        skip_blanks();
        if (!accept(':')) return syntax_error();
        skip_blanks();
        if (!parse_value(member.value, depth + 1)) return false;
        if (keep_) value.members.push_back(std::move(member));
        skip_blanks();
        if (accept('}')) return true;
        if (!accept(',')) return syntax_error();
    }
}

bool Parser::parse_array(Value& value, std::size_t depth) {
    value.kind = Kind::kArray;
    ++pos_;
    skip_blanks();
    if (accept(']')) return true;
    for (;;) {
        skip_blanks();
        Value item;
        if (!parse_value(item, depth + 1)) return false;
        if (keep_) value.items.push_back(std::move(item));
        skip_blanks();
        if (accept(']')) return true;
        if (!accept(',')) return syntax_error();
    }
}

// number = [ "-" ] int [ frac ] [ exp ]   (RFC 8259 §6)
bool Parser::parse_number(Value& value) {
    value.kind = Kind::kNumber;
    const std::size_t start = pos_;
    const auto digits = [this] {
        const std::size_t first = pos_;
        while (is_digit(peek()))
            ++pos_;
        return pos_ > first;
    };
    accept('-');
    if (!accept('0') && !digits()) return syntax_error();
    if (accept('.') && !digits()) return syntax_error();
    if (accept('e') || accept('E')) {
        if (!accept('+')) accept('-');
        if (!digits()) return syntax_error();
    }
    const auto [end, error] =
        std::from_chars(text_.data() + start, text_.data() + pos_, value.number);
    return error == std::errc{} && end == text_.data() + pos_ ? true : syntax_error();
}

bool Parser::parse_string(std::string& out) {
    if (!accept('"')) return syntax_error();
    while (pos_ < text_.size()) {
        const char c = text_[pos_++];
        if (c == '"') return true;
        if (static_cast<unsigned char>(c) < 0x20) return syntax_error();
        if (c != '\\')
            out.push_back(c);
        else if (!parse_escape(out))
            return false;
    }
    return syntax_error();
}

std::optional<std::uint32_t> Parser::parse_hex4() {
    if (text_.size() - pos_ < 4) return std::nullopt;
    std::uint32_t code = 0;
    const char* first = text_.data() + pos_;
    const auto [end, error] = std::from_chars(first, first + 4, code, 16);
    if (error != std::errc{} || end != first + 4) return std::nullopt;
    pos_ += 4;
    return code;
}

// The second half of a pair; what is none stays unread.
std::optional<std::uint32_t> Parser::parse_low_half() {
    const std::size_t start = pos_;
    if (accept('\\') && accept('u'))
        if (const auto low = parse_hex4(); low && *low >= 0xDC00 && *low < 0xE000) return low;
    pos_ = start;
    return std::nullopt;
}

// What follows "\u": one code, or the two of a surrogate pair (RFC 8259 §7).
std::optional<std::uint32_t> Parser::parse_code_point() {
    constexpr std::uint32_t kReplacement = 0xFFFD;
    const auto code = parse_hex4();
    if (!code || *code < 0xD800 || *code >= 0xE000) return code;
    if (*code < 0xDC00)
        if (const auto low = parse_low_half())
            return 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    if (lone_ == LoneSurrogate::kReplaced) return kReplacement;
    return std::nullopt;
}

bool Parser::parse_escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    const char c = peek();
    if (pos_ >= text_.size()) return syntax_error();
    ++pos_;
    if (const std::size_t i = kNames.find(c); i != kNames.npos) {
        out.push_back(kValues[i]);
        return true;
    }
    if (c != 'u') return syntax_error();
    const auto code = parse_code_point();
    if (!code) return syntax_error();
    append_utf8(out, *code);
    return true;
}

}  // namespace

std::string_view to_text(Kind kind) {
    switch (kind) {
        case Kind::kNull:
            return "null";
        case Kind::kBool:
            return "bool";
        case Kind::kNumber:
            return "number";
        case Kind::kString:
            return "string";
        case Kind::kArray:
            return "array";
        case Kind::kObject:
            return "object";
    }
    return {};
}

const Value* Value::find(std::string_view name) const {
    for (auto member = members.rbegin(); member != members.rend(); ++member)
        if (member->name == name) return &member->value;
    return nullptr;
}

Result<Value, Error> parse(std::string_view text, LoneSurrogate lone) {
    return Parser(text, true, lone).run();
}

bool is_object(std::string_view text) {
    const auto value = Parser(text, false).run();
    return value && value->kind == Kind::kObject;
}

void append_string(std::string& out, std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    out.push_back('"');
    std::size_t begin = 0;  // of what needs no escape
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        out += text.substr(begin, i - begin);
        begin = i + 1;
        if (byte >= 0x20) {
            out.push_back('\\');
            out.push_back(text[i]);
        } else {
            out += "\\u00";
            out.push_back(kHex[byte >> 4]);
            out.push_back(kHex[byte & 15]);
        }
    }
    out += text.substr(begin);
    out.push_back('"');
}

void Writer::separate() {
    if (!out_.empty() && out_.back() != '{') out_.push_back(',');
}
void Writer::name(std::string_view name) {
    separate();
    append_string(out_, name);
    out_.push_back(':');
}
void Writer::begin_object(std::optional<std::string_view> object_name) {
    if (object_name)
        name(*object_name);
    else
        separate();
    out_.push_back('{');
}
void Writer::end_object() {
    out_.push_back('}');
}
void Writer::string(std::string_view member, std::string_view value) {
    name(member);
    append_string(out_, value);
}
void Writer::boolean(std::string_view member, bool value) {
    raw(member, value ? "true" : "false");
}
void Writer::integer(std::string_view member, std::int64_t value) {
    raw(member, std::to_string(value));
}
void Writer::strings(std::string_view member, const std::vector<std::string>& values) {
    name(member);
    out_.push_back('[');
    for (const std::string& value : values) {
        if (&value != &values.front()) out_.push_back(',');
        append_string(out_, value);
    }
    out_.push_back(']');
}
void Writer::raw(std::string_view member, std::string_view json) {
    name(member);
    out_ += json;
}

}  // namespace confab::json
