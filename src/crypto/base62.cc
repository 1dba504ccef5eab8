// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Base 62 in its two forms; see the header for the rules.
#include "crypto/base62.h"

#include <algorithm>
#include <array>

namespace confab::crypto {
namespace {

constexpr std::string_view kNumberAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBitsAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr unsigned kBase = 62;
constexpr unsigned kGroupBits = 6;
constexpr unsigned kShortMask = 0x1e;  // low bits 1111x: a five-bit group
constexpr unsigned kLowFive = 0x1f;

// Bit i of the octets read as one big-endian number.
unsigned bit_at(BytesView bytes, std::size_t i) {
    return (bytes[bytes.size() - 1 - i / 8] >> (i % 8)) & 1U;
}

int value_of(char c) {
    const std::size_t at = kBitsAlphabet.find(c);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string base62_number(BytesView bytes) {
    Bytes number = to_vector(bytes);
    // 8 / log2(62) = 1.34359…; rounded up so that the largest number fits.
    const std::size_t digits = (bytes.size() * 134'360 + 99'999) / 100'000;
    std::string text(digits, kNumberAlphabet[0]);
    for (std::size_t i = digits; i-- > 0;) {
        unsigned remainder = 0;
        for (auto& octet : number) {
            const unsigned value = remainder * 256 + octet;
            octet = static_cast<std::uint8_t>(value / kBase);
            remainder = value % kBase;
        }
        text[i] = kNumberAlphabet[remainder];
    }
    return text;
}

std::string base62_bits(BytesView bytes) {
    const std::size_t total = bytes.size() * 8;
    std::string text;
    text.reserve(total / 5 + 1);
    for (std::size_t position = 0; position < total;) {
        const std::size_t left = total - position;
        const std::size_t width = std::min<std::size_t>(left, kGroupBits);
        unsigned group = 0;
        for (std::size_t i = 0; i < width; ++i)
            group |= bit_at(bytes, position + i) << i;
        position += width;
        if ((group & kShortMask) == kShortMask) {
            // The sixth bit goes into the next group, unless it is only the number's end.
            if (width == kGroupBits && (left > kGroupBits || group > kLowFive)) --position;
            group &= kLowFive;
        }
        text += kBitsAlphabet[group];
    }
    return text;
}

std::optional<Bytes> base62_bits_decode(std::string_view text) {
    if (text.size() > kMaxBase62Input) return std::nullopt;
    Bytes reversed;  // least significant octet first
    unsigned accumulator = 0;
    unsigned bits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int value = value_of(text[i]);
        if (value < 0) return std::nullopt;
        const auto group = static_cast<unsigned>(value);
        accumulator |= group << bits;
        bits += (group & kShortMask) == kShortMask ? kGroupBits - 1 : kGroupBits;
        if (bits >= 8 || (i + 1 == text.size() && bits > 0 && accumulator != 0)) {
            reversed.push_back(static_cast<std::uint8_t>(accumulator));
            accumulator >>= 8;
            bits = bits >= 8 ? bits - 8 : 0;
        }
    }
    std::reverse(reversed.begin(), reversed.end());
    return reversed;
}

}  // namespace confab::crypto
