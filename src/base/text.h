// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Small helpers for protocol text; ASCII only, no locale.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace confab {

std::string to_lower(std::string_view text);
bool equals_ignore_case(std::string_view a, std::string_view b);
std::string_view trim(std::string_view text);
// Splits at each separator; "a,,b" gives three parts, "" gives one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
// The part before the separator, which is removed together with it from `rest`.
std::string_view next_token(std::string_view& rest, char separator);
bool is_valid_utf8(std::string_view text);

// A whole decimal number without sign or blanks; nullopt if anything else is there.
template <typename T>
std::optional<T> parse_decimal(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

std::string to_hex(BytesView bytes);
std::optional<Bytes> from_hex(std::string_view text);

enum class Base64 : std::uint8_t { kStandard, kUrl, kUrlNoPadding };
std::string base64_encode(BytesView bytes, Base64 form = Base64::kStandard);
// Strict: the alphabet and padding of `form`, nothing else.
std::optional<Bytes> base64_decode(std::string_view text, Base64 form = Base64::kStandard);

}  // namespace confab
