// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How many checks that name nobody known an address may send (strangers.h).
#pragma once

#include <vector>

#include "base/cidr.h"
#include "base/limits/bucket.h"

namespace confab::sfu {

struct StrangerLimits {
    Rate rate;                  // of an address
    std::vector<Cidr> trusted;  // for these there is none
};

}  // namespace confab::sfu
