// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A small strict JSON reader and writer (RFC 8259) for token claims and attribute maps, and the
// gate before protobuf's own, lenient JSON reader.
// Strict: one value, UTF-8, no comments, no trailing commas, no unpaired surrogates. Bounds:
// kMaxDepth levels and kMaxValues values, so that a small text can not make a huge tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace confab::json {

inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxValues = 100'000;

enum class Error : std::uint8_t { kSyntax, kTooDeep, kTooManyValues };

// Half of a surrogate pair as an escape, as some writers cut a text: refused, or U+FFFD.
enum class LoneSurrogate : std::uint8_t { kRefused, kReplaced };

enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
// As it stands in error texts: "null", "bool", "number", "string", "array", "object".
std::string_view to_text(Kind kind);

struct Member;

struct Value {
    Kind kind = Kind::kNull;
    bool boolean = false;
    double number = 0;
    std::string string;           // unescaped
    std::vector<Value> items;     // of an array
    std::vector<Member> members;  // of an object, in order
    std::string_view raw;         // the text of this value; views what was given to parse()

    bool is_null() const { return kind == Kind::kNull; }
    // The last member of that name, as most readers take it; null pointer if there is none.
    const Value* find(std::string_view name) const;
};

struct Member {
    std::string name;
    Value value;
};

Result<Value, Error> parse(std::string_view text, LoneSurrogate lone = LoneSurrogate::kRefused);
// True if `text` is one well-formed object within the bounds; builds no tree.
bool is_object(std::string_view text);

// Appends `text` in quotes. Invalid UTF-8 is the caller's fault and is passed through.
void append_string(std::string& out, std::string_view text);

// Writes one object member after another; commas are its business.
class Writer {
  public:
    void begin_object(std::optional<std::string_view> name = std::nullopt);
    void end_object();
    void string(std::string_view name, std::string_view value);
    void boolean(std::string_view name, bool value);
    void integer(std::string_view name, std::int64_t value);
    void strings(std::string_view name, const std::vector<std::string>& values);
    // `json` is a finished JSON value.
    void raw(std::string_view name, std::string_view json);
    std::string take() { return std::move(out_); }

  private:
    void separate();
    void name(std::string_view name);
    std::string out_;
};

}  // namespace confab::json
