// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The quality that fits the size of a tile on the subscriber's screen (02 SUB-02).
#pragma once

#include <cstdint>
#include <span>

#include "wire/parse_error.h"

namespace confab::sfu {

// Index of the layer, 0 lowest, for a tile of width × height. `declared` are the sizes the
// publisher announced, `seen` those found in its key frames; both lowest first, unknown sizes
// skipped. Without any size: 2, the highest.
std::uint8_t quality_for_size(std::uint32_t width, std::uint32_t height,
                              std::span<const wire::FrameSize> declared,
                              std::span<const wire::FrameSize> seen);

}  // namespace confab::sfu
