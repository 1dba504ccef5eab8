// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Readers of single SDP attributes; internal to parse(). Each takes the value behind "a=name:" and
// stores it, or says why it can not. Values that later code does not rely on are skipped, not
// refused.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "rtc/sdp/description/description.h"

namespace confab::sdp::detail {

using Outcome = Result<void, SdpError>;

// Attributes that hold for every codec of the section and wait for its end: a=rtcp-fb:*.
struct SectionExtras {
    std::vector<std::string> wildcard_feedback;
};

// Unknown names are ignored.
Outcome read_session_attribute(std::string_view name, std::string_view value, Description& out);
Outcome read_section_attribute(std::string_view name, std::string_view value, MediaSection& out,
                               SectionExtras& extras);
// The value behind "m=".
Result<MediaSection, SdpError> read_media_line(std::string_view value);
// Static payload types (RFC 3551 §6), wildcard feedback; drops codecs nobody named.
Outcome finish_section(MediaSection& section, const SectionExtras& extras);

}  // namespace confab::sdp::detail
