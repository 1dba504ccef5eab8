// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The ufrags we give out begin with the letter of the worker that owns the peer, so that a check
// that arrives at any socket finds its owner without a shared table (02 DES-03). Control writes
// them, workers read them.
#pragma once

#include <cstddef>
#include <string_view>

namespace confab::sfu {

inline constexpr std::string_view kOwnerLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
inline constexpr std::size_t kMaxWorkers = kOwnerLetters.size();

}  // namespace confab::sfu
