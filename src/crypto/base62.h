// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two encodings with 62 letters and digits, for text that must survive copying by hand and URLs.
//   base62_number  the octets as one big-endian number in base 62: secrets and API keys.
//   base62_bits    groups of six or five bits: TURN user names and passwords (01 SIG-88), where it
//                  has to be reversible without a length field.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace confab::crypto {

inline constexpr std::size_t kMaxBase62Input = 4096;

// Alphabet 0-9 A-Z a-z, most significant digit first. The length depends on the input's length
// only (ceil(8 n / log2 62)), so leading zeros are kept.
std::string base62_number(BytesView bytes);

// Alphabet A-Z a-z 0-9, least significant group first. A group is six bits, or five where the low
// five bits read 1111x: their six-bit values would need 64 characters.
std::string base62_bits(BytesView bytes);
// The inverse; nullopt for a character outside the alphabet or more than kMaxBase62Input
// characters.
std::optional<Bytes> base62_bits_decode(std::string_view text);

}  // namespace confab::crypto
