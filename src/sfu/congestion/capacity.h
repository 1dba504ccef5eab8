// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The capacity of a link of which nothing bad is known.
#pragma once

#include <cstdint>

namespace confab::sfu {

// Bits per second; more than any subscriber is sent.
inline constexpr std::uint64_t kUnlimitedCapacity = 100'000'000;

}  // namespace confab::sfu
