// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SipHash-2-4 (Aumasson and Bernstein, 2012): a hash of what strangers choose. Who does not know
// the key can not make two inputs meet.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace confab {

using SipKey = std::array<std::uint64_t, 2>;

std::uint64_t siphash(const SipKey& key, BytesView input);

}  // namespace confab
