// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How much data one participant may send (03 OPS-05), whoever gets it: messages and frames, and
// their bytes. Beyond, what may be lost is dropped, and what may not be waits.
#pragma once

#include "base/limits/bucket.h"

namespace confab::sfu {

struct DataRates {
    Rate packets;
    Rate bytes;
};

}  // namespace confab::sfu
