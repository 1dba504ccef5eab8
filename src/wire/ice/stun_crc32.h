// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// CRC-32 of ITU-T V.42 (polynomial 0x04C11DB7, reflected), as FINGERPRINT uses it (RFC 8489 §14.7)
// and as candidate foundations are formed (02 ICE-07).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace confab::wire {

std::uint32_t crc32(BytesView bytes);

}  // namespace confab::wire
