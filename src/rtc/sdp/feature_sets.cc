// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The tables of header extensions and RTCP feedback.
#include "rtc/sdp/feature_sets.h"

#include <string>

namespace confab::sdp {

std::vector<std::string_view> answerable_extensions(Kind kind, bool single, bool playout_delay) {
    if (kind == Kind::kAudio) return {kExtMid, kExtRid, kExtAudioLevel, kExtAbsCaptureTime};
    std::vector<std::string_view> out = {kExtMid,           kExtRid,
                                         kExtRepairedRid,   kExtTransportCc,
                                         kExtFrameMarking,  kExtDependencyDescriptor,
                                         kExtAbsCaptureTime};
    if (single && playout_delay) out.push_back(kExtPlayoutDelay);
    if (single) out.push_back(kExtAbsSendTime);
    return out;
}

std::vector<ExtMap> offered_extensions(Kind kind, bool transport_cc, bool playout_delay) {
    if (kind == Kind::kAudio) return {{2, std::string(kExtAbsCaptureTime)}};
    std::vector<ExtMap> out = {
        {1, std::string(kExtDependencyDescriptor)},
        {2, std::string(kExtAbsCaptureTime)},
        {3, std::string(transport_cc ? kExtTransportCc : kExtAbsSendTime)},
    };
    if (playout_delay) out.push_back({4, std::string(kExtPlayoutDelay)});
    return out;
}

std::vector<std::string_view> feedback_set(Kind kind, SectionUse use, bool transport_cc) {
    if (kind == Kind::kAudio) return {"nack"};
    std::vector<std::string_view> out;
    const bool subscribe = use == SectionUse::kSubscribe;
    if (!subscribe || transport_cc) out.emplace_back("transport-cc");
    out.insert(out.end(), {"ccm fir", "nack", "nack pli"});
    const bool remb = subscribe ? !transport_cc : use == SectionUse::kSinglePublish;
    if (remb) out.emplace_back("goog-remb");
    return out;
}

}  // namespace confab::sdp
