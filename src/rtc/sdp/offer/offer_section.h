// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One section of the subscriber connection across offers and answers (02 SDP-06, SDP-07, §2.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rtc/sdp/description/description.h"
#include "rtc/sdp/negotiator.h"

namespace confab::sdp {

struct OfferSection {
    Kind kind = Kind::kAudio;
    std::string mid;
    bool rejected = false;                 // by the client; never offered again
    std::optional<std::uint64_t> sender;   // now
    std::optional<std::uint64_t> offered;  // the sender that the outstanding offer holds
    // An answer has taken the section without a sender: only then may a new track use it. A client
    // that never saw it idle keeps its old, ended track on it (libwebrtc does).
    bool idle = false;
    std::vector<Codec> codecs;  // offered; after an answer what is common
    std::vector<ExtMap> extensions;
};

// The m= section; `sender` is nullptr while the section is free: it is then offered recvonly.
MediaSection describe_offer(const OfferSection& section, const Sender* sender);

// Keeps what the client accepted: its order, feedback and, for video, its parameters; opus keeps
// ours. Marks the section rejected if nothing is left.
void apply_section_answer(const MediaSection& answered, OfferSection& section);

}  // namespace confab::sdp
