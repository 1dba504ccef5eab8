// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/extension_uris.h"

#include "rtc/sdp/feature_sets.h"

namespace confab::room {
namespace {

std::uint8_t id_of(const ExtensionIds& ids, std::string_view uri) {
    const auto it = ids.find(std::string(uri));
    return it == ids.end() ? std::uint8_t{0} : it->second;
}

}  // namespace

sfu::ReceiveExtensions receive_extensions(const ExtensionIds& ids) {
    sfu::ReceiveExtensions result;
    result.mid = id_of(ids, sdp::kExtMid);
    result.rid = id_of(ids, sdp::kExtRid);
    result.repaired_rid = id_of(ids, sdp::kExtRepairedRid);
    result.audio_level = id_of(ids, sdp::kExtAudioLevel);
    result.abs_capture_time = id_of(ids, sdp::kExtAbsCaptureTime);
    result.transport_cc = id_of(ids, sdp::kExtTransportCc);
    result.abs_send_time = id_of(ids, sdp::kExtAbsSendTime);
    result.dependency_descriptor = id_of(ids, sdp::kExtDependencyDescriptor);
    return result;
}

sfu::SendExtensions send_extensions(const ExtensionIds& ids, bool send_side_bwe) {
    sfu::SendExtensions result;
    result.dependency_descriptor = id_of(ids, sdp::kExtDependencyDescriptor);
    result.abs_capture_time = id_of(ids, sdp::kExtAbsCaptureTime);
    if (send_side_bwe) result.transport_cc = id_of(ids, sdp::kExtTransportCc);
    if (result.transport_cc == 0) result.abs_send_time = id_of(ids, sdp::kExtAbsSendTime);
    result.playout_delay = id_of(ids, sdp::kExtPlayoutDelay);
    result.mid = id_of(ids, sdp::kExtMid);
    return result;
}

}  // namespace confab::room
