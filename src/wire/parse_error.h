// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The error of the media-plane parsers and the picture size that several of them report.
#pragma once

#include <cstdint>

namespace confab::wire {

enum class ParseError : std::uint8_t {
    kTruncated,    // the input ends inside a field
    kVersion,      // a version field other than the only one known
    kPadding,      // padding of 0 or longer than what it pads
    kLength,       // a length field that disagrees with the input
    kType,         // another packet type than the function parses
    kMalformed,    // a value that the format forbids
    kLimit,        // more elements than a named limit allows
    kNoStructure,  // a dependency descriptor without a template structure to read it with
};

// Pixels; 0×0 when unknown.
struct FrameSize {
    std::uint16_t width = 0;
    std::uint16_t height = 0;
    bool known() const { return width != 0 && height != 0; }
    bool operator==(const FrameSize&) const = default;
};

}  // namespace confab::wire
