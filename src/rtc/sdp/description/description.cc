// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Words and small look-ups of the description model.
#include "rtc/sdp/description/description.h"

#include <algorithm>

namespace confab::sdp {

std::string_view to_text(SdpError error) {
    switch (error) {
        case SdpError::kTooLarge:
            return "too large";
        case SdpError::kNotSdp:
            return "not SDP";
        case SdpError::kMalformed:
            return "malformed";
        case SdpError::kTooManySections:
            return "too many sections";
        case SdpError::kTooMany:
            return "too many attributes";
    }
    return "";
}

std::string_view to_text(Kind kind) {
    switch (kind) {
        case Kind::kAudio:
            return "audio";
        case Kind::kVideo:
            return "video";
        case Kind::kApplication:
            return "application";
        case Kind::kOther:
            break;
    }
    return "";
}

std::string_view to_text(Direction direction) {
    switch (direction) {
        case Direction::kSendRecv:
            return "sendrecv";
        case Direction::kSendOnly:
            return "sendonly";
        case Direction::kRecvOnly:
            return "recvonly";
        case Direction::kInactive:
            return "inactive";
    }
    return "";
}

std::string_view to_text(Setup setup) {
    switch (setup) {
        case Setup::kActPass:
            return "actpass";
        case Setup::kActive:
            return "active";
        case Setup::kPassive:
            return "passive";
    }
    return "";
}

const Codec* find_codec(const MediaSection& section, std::uint8_t pt) {
    const auto it = std::ranges::find(section.codecs, pt, &Codec::pt);
    return it == section.codecs.end() ? nullptr : &*it;
}

bool has_feedback(const Codec& codec, std::string_view value) {
    return std::ranges::find(codec.feedback, value) != codec.feedback.end();
}

}  // namespace confab::sdp
