// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Header extensions (02 §2.2, 01 SIG-91, SIG-92) and RTCP feedback (02 SDP-21) of each kind of
// section.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "rtc/sdp/description/description.h"

namespace confab::sdp {

inline constexpr std::string_view kExtMid = "urn:ietf:params:rtp-hdrext:sdes:mid";
inline constexpr std::string_view kExtRid = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
inline constexpr std::string_view kExtRepairedRid =
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
inline constexpr std::string_view kExtAudioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
inline constexpr std::string_view kExtFrameMarking = "urn:ietf:params:rtp-hdrext:framemarking";
inline constexpr std::string_view kExtAbsCaptureTime =
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
inline constexpr std::string_view kExtTransportCc =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
inline constexpr std::string_view kExtAbsSendTime =
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
inline constexpr std::string_view kExtDependencyDescriptor =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
inline constexpr std::string_view kExtPlayoutDelay =
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";

// What we take on connections the client offers, in both directions (SDP-10). `playout_delay`: the
// room has one, which a single connection carries as well.
std::vector<std::string_view> answerable_extensions(Kind kind, bool single, bool playout_delay);
// What we offer to subscribers, with our ids.
std::vector<ExtMap> offered_extensions(Kind kind, bool transport_cc, bool playout_delay);

// What a section is used for.
enum class SectionUse : std::uint8_t {
    kPublish,        // of a publisher connection
    kSinglePublish,  // of a single connection, before we ever sent on it
    kSubscribe,      // we send, or did
};
// Feedback we support, in the order it is written. With `transport_cc` a subscribe section has
// transport-cc in place of goog-remb.
std::vector<std::string_view> feedback_set(Kind kind, SectionUse use, bool transport_cc);

}  // namespace confab::sdp
