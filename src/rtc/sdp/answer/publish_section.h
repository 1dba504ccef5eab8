// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What an offer says of the media on a section, together with what was answered.
#pragma once

#include <string>

#include "rtc/sdp/description/description.h"
#include "rtc/sdp/negotiator.h"

namespace confab::sdp {

// The track id of the section's msid; of its first a=ssrc:… msid where there is no a=msid line.
std::string track_id_of(const MediaSection& offered);

// Without cid and codec index.
PublishSection describe_publish(const MediaSection& offered, const MediaSection& answered);

}  // namespace confab::sdp
