// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Shared by reading and writing of the dependency descriptor: sizes of its fixed parts.
#pragma once

#include <cstddef>

namespace confab::wire::dd {

inline constexpr std::size_t kMandatorySize = 3;
inline constexpr std::size_t kFlagBits = 5;  // structure, active targets, DTIs, diffs, chains

}  // namespace confab::wire::dd
