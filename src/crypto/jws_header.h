// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Reads the "alg" of a JOSE header (RFC 7515 §4.1). A small strict JSON reader of its own: the
// header is the one thing that is interpreted before the signature has been checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace confab::crypto {

enum class JwsHeaderError : std::uint8_t { kJson, kNoAlgorithm };

// Refuses anything but one JSON object (nesting at most kMaxJwsHeaderDepth), names that occur
// twice (RFC 7515 §4) and "crit" (no extension is understood, §4.1.11).
Result<std::string, JwsHeaderError> jws_header_algorithm(std::string_view json);

inline constexpr int kMaxJwsHeaderDepth = 8;
inline constexpr int kMaxJwsHeaderNames = 32;

}  // namespace confab::crypto
