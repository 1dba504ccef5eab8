// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a Redis server says, RESP2 and RESP3 alike (redis.io/docs/reference/protocol-spec).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace confab::redis {

struct Value {
    enum class Kind : std::uint8_t {
        kNull,
        kText,     // simple, bulk and verbatim strings, big numbers, doubles: `text`
        kError,    // `text`, which begins with a word in capitals
        kInteger,  // `integer`; a boolean is 0 or 1
        kList,     // arrays and sets: `items`
        kMap,      // `items`: key, value, key, value …
        kPush,     // no reply: `items`, the first of them its type
    };

    Kind kind = Kind::kNull;
    bool cut = false;  // parts were beyond the reader's limit and are not there
    std::int64_t integer = 0;
    std::string text;
    std::vector<Value> items;

    static Value of_text(std::string_view text) { return with(Kind::kText, text); }
    static Value of_error(std::string_view text) { return with(Kind::kError, text); }
    static Value of_integer(std::int64_t number) {
        Value value = with(Kind::kInteger, {});
        value.integer = number;
        return value;
    }
    static Value of_list(std::vector<Value> items = {}) {
        Value value = with(Kind::kList, {});
        value.items = std::move(items);
        return value;
    }

    bool is_error() const { return kind == Kind::kError; }
    // The first word of an error: "ERR", "WRONGPASS", "READONLY" …; empty for all else.
    std::string_view error_code() const {
        if (!is_error()) return {};
        return std::string_view(text).substr(0, text.find(' '));
    }
    bool operator==(const Value&) const = default;

  private:
    static Value with(Kind kind, std::string_view text) {
        Value value;
        value.kind = kind;
        value.text = text;
        return value;
    }
};

}  // namespace confab::redis
