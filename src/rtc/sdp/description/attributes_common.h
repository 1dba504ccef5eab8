// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Attribute readers used at both levels of a description, and those of RTP sections, which have a
// file of their own; internal to parse().
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "rtc/sdp/description/attributes.h"

namespace confab::sdp::detail {

std::optional<Setup> read_setup(std::string_view value);
Outcome read_fingerprint(std::string_view value, std::vector<Fingerprint>& out);

Outcome read_rtpmap(std::string_view value, MediaSection& out);
Outcome read_fmtp(std::string_view value, MediaSection& out);
Outcome read_rtcp_fb(std::string_view value, MediaSection& out, SectionExtras& extras);
Outcome read_extmap(std::string_view value, MediaSection& out);
Outcome read_ssrc(std::string_view value, MediaSection& out);
Outcome read_ssrc_group(std::string_view value, MediaSection& out);
Outcome read_rid(std::string_view value, MediaSection& out);
Outcome read_simulcast(std::string_view value, MediaSection& out);
void read_msid(std::string_view value, MediaSection& out);

}  // namespace confab::sdp::detail
