// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The answer to one offered RTP section: codecs in our order of preference, feedback, extensions,
// simulcast (02 SDP-21…27).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "rtc/sdp/answer/track_matcher.h"
#include "rtc/sdp/codec_table.h"
#include "rtc/sdp/description/description.h"
#include "rtc/sdp/feature_sets.h"
#include "rtc/sdp/negotiator.h"

namespace confab::sdp {

// Opus parameters a section was first offered with, by payload type. They stay: a browser adds
// values to later offers of idle sections, and one payload type must not get differing parameters
// from us for no reason (SDP-26).
using FirstFmtp = std::map<std::uint8_t, std::string>;

struct SectionPlan {
    const CodecSet* codecs = nullptr;
    const ClientTraits* client = nullptr;
    SectionUse use = SectionUse::kPublish;
    Direction direction = Direction::kInactive;
    bool single = false;
    bool transport_cc = false;
    bool playout_delay = false;
    const TrackClaim* track = nullptr;  // published here, now or last
    const Sender* sender = nullptr;     // we send it here
    FirstFmtp* first_fmtp = nullptr;
};

// Without a common codec the section is rejected.
MediaSection answer_section(const MediaSection& offered, const SectionPlan& plan);

// msid, SSRC and FID lines of a track we send (SDP-05).
void add_sender_lines(MediaSection& section, const Sender& sender);
// URI → id.
std::map<std::string, std::uint8_t> extension_ids(const MediaSection& section);

}  // namespace confab::sdp
