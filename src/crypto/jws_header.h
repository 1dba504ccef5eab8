// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Reads the "alg" of a JOSE header (RFC 7515 §4.1), the one thing that is interpreted before the
// signature has been checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace confab::crypto {

enum class JwsHeaderError : std::uint8_t { kJson, kNoAlgorithm };

// Refuses anything but one JSON object (nesting at most kMaxJwsHeaderDepth), names that occur
// twice (RFC 7515 §4) and "crit" (no extension is understood, §4.1.11).
Result<std::string, JwsHeaderError> jws_header_algorithm(std::string_view text);

inline constexpr int kMaxJwsHeaderDepth = 8;
inline constexpr std::size_t kMaxJwsHeaderNames = 32;

}  // namespace confab::crypto
