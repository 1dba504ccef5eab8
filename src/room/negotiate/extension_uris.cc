// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/extension_uris.h"

namespace confab::room {
namespace {

constexpr std::string_view kMid = "urn:ietf:params:rtp-hdrext:sdes:mid";
constexpr std::string_view kRid = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
constexpr std::string_view kRepairedRid = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
constexpr std::string_view kAudioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
constexpr std::string_view kAbsCaptureTime =
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";
constexpr std::string_view kAbsSendTime =
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
constexpr std::string_view kPlayoutDelay =
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";
constexpr std::string_view kTransportCc =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
constexpr std::string_view kDependencyDescriptor =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

std::uint8_t id_of(const ExtensionIds& ids, std::string_view uri) {
    const auto it = ids.find(std::string(uri));
    return it == ids.end() ? std::uint8_t{0} : it->second;
}

}  // namespace

sfu::ReceiveExtensions receive_extensions(const ExtensionIds& ids) {
    sfu::ReceiveExtensions result;
    result.mid = id_of(ids, kMid);
    result.rid = id_of(ids, kRid);
    result.repaired_rid = id_of(ids, kRepairedRid);
    result.audio_level = id_of(ids, kAudioLevel);
    result.abs_capture_time = id_of(ids, kAbsCaptureTime);
    result.transport_cc = id_of(ids, kTransportCc);
    result.abs_send_time = id_of(ids, kAbsSendTime);
    result.dependency_descriptor = id_of(ids, kDependencyDescriptor);
    return result;
}

sfu::SendExtensions send_extensions(const ExtensionIds& ids) {
    sfu::SendExtensions result;
    result.dependency_descriptor = id_of(ids, kDependencyDescriptor);
    result.abs_capture_time = id_of(ids, kAbsCaptureTime);
    result.abs_send_time = id_of(ids, kAbsSendTime);
    result.transport_cc = id_of(ids, kTransportCc);
    result.playout_delay = id_of(ids, kPlayoutDelay);
    result.mid = id_of(ids, kMid);
    return result;
}

}  // namespace confab::room
