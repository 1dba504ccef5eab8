// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/reply_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace confab::redis {
namespace {

using Kind = Value::Kind;

constexpr std::int64_t kMaxStringLength = std::int64_t{1} << 30;  // twice what servers allow
constexpr std::int64_t kMaxCount = std::int64_t{1} << 30;

std::optional<std::int64_t> number(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<Kind> aggregate(char type) {
    switch (type) {
        case '*':
        case '~':
            return Kind::kList;
        case '%':
        case '|':
            return Kind::kMap;
        case '>':
            return Kind::kPush;
        default:
            return std::nullopt;
    }
}

}  // namespace

Result<std::optional<Value>, ReplyError> ReplyReader::read(BytesView& input) {
    while (!done_ && !input.empty()) {
        if (string_missing_ > 0) {
            CONFAB_TRY_VOID(take_string(input));
            continue;
        }
        CONFAB_TRY(const bool whole, take_line(input));
        if (!whole) break;
        const std::string line = std::exchange(line_, {});
        CONFAB_TRY_VOID(begin(std::string_view(line).substr(0, line.size() - 2)));
    }
    if (done_) {
        held_ = 0;
        cut_ = false;
    }
    return std::exchange(done_, std::nullopt);
}

// True: line_ ends in CR LF and has a type.
Result<bool, ReplyError> ReplyReader::take_line(BytesView& input) {
    const auto end = std::find(input.begin(), input.end(), std::uint8_t{'\n'});
    const bool whole = end != input.end();
    const auto size = static_cast<std::size_t>(end - input.begin()) + (whole ? 1 : 0);
    if (line_.size() + size > kMaxLine) return fail(ReplyError::kLine);
    line_.append(as_text(input.first(size)));
    input = input.subspan(size);
    if (whole && (line_.size() < 3 || line_[line_.size() - 2] != '\r'))
        return fail(ReplyError::kLine);
    return whole;
}

Result<void, ReplyError> ReplyReader::take_string(BytesView& input) {
    if (string_missing_ > 2) {
        const auto size =
            static_cast<std::size_t>(std::min<std::uint64_t>(string_missing_ - 2, input.size()));
        if (string_kept_) string_.text.append(as_text(input.first(size)));
        string_missing_ -= size;
        input = input.subspan(size);
        return {};
    }
    const char wanted = string_missing_ == 2 ? '\r' : '\n';
    if (input.front() != static_cast<std::uint8_t>(wanted)) return fail(ReplyError::kLine);
    input = input.subspan(1);
    if (--string_missing_ == 0) end(std::exchange(string_, {}));
    return {};
}

Result<void, ReplyError> ReplyReader::begin(std::string_view line) {
    const char type = line.front();
    line.remove_prefix(1);
    Value value;
    switch (type) {
        case '$':
        case '=':
        case '!':
            string_.kind = type == '!' ? Kind::kError : Kind::kText;
            return begin_string(line);
        case '+':
        case ',':
        case '(':
            value.kind = Kind::kText;
            break;
        case '-':
            value.kind = Kind::kError;
            break;
        case ':': {
            const auto integer = number(line);
            if (!integer) return fail(ReplyError::kNumber);
            value = {Kind::kInteger, false, *integer, {}, {}};
            break;
        }
        case '#':
            if (line != "t" && line != "f") return fail(ReplyError::kNumber);
            value = {Kind::kInteger, false, line == "t" ? 1 : 0, {}, {}};
            break;
        case '_':
            if (!line.empty()) return fail(ReplyError::kLine);
            break;
        default:
            return begin_aggregate(type, line);
    }
    if (value.kind == Kind::kText || value.kind == Kind::kError) {
        if (hold(line.size())) value.text = line;
    }
    end(std::move(value));
    return {};
}

Result<void, ReplyError> ReplyReader::begin_string(std::string_view length) {
    const auto size = number(length);
    if (!size || *size < -1 || *size > kMaxStringLength) return fail(ReplyError::kNumber);
    if (*size < 0) {  // RESP2's null
        string_ = {};
        end({});
        return {};
    }
    string_missing_ = static_cast<std::uint64_t>(*size) + 2;
    string_kept_ = hold(static_cast<std::size_t>(*size));
    return {};
}

Result<void, ReplyError> ReplyReader::begin_aggregate(char type, std::string_view count) {
    const std::optional<Kind> kind = aggregate(type);
    if (!kind) return fail(ReplyError::kType);
    const auto size = number(count);
    if (!size || *size < -1 || *size > kMaxCount) return fail(ReplyError::kNumber);
    if (*size < 0) {
        end({});
        return {};
    }
    if (open_.size() == kMaxDepth) return fail(ReplyError::kDepth);
    Open& open = open_.emplace_back();
    open.value.kind = *kind;
    open.attribute = type == '|';
    open.missing = static_cast<std::uint64_t>(*size) * (*kind == Kind::kMap ? 2 : 1);
    if (open.missing > 0) return {};
    Value value = std::move(open.value);
    const bool attribute = open.attribute;
    open_.pop_back();
    if (!attribute) end(std::move(value));
    return {};
}

// A value is whole; so may be those that it is the last part of.
void ReplyReader::end(Value value) {
    while (!open_.empty()) {
        Open& open = open_.back();
        if (hold(sizeof(Value))) open.value.items.push_back(std::move(value));
        if (--open.missing > 0) return;
        value = std::move(open.value);
        const bool attribute = open.attribute;
        open_.pop_back();
        if (attribute) return;
    }
    value.cut = cut_;
    done_ = std::move(value);
}

// Whether there is room for so much more of the value under way.
bool ReplyReader::hold(std::size_t bytes) {
    if (held_ + bytes > max_value_) {
        cut_ = true;
        return false;
    }
    held_ += bytes;
    return true;
}

}  // namespace confab::redis
