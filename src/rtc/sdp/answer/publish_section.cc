// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Published sections: codecs, extensions, simulcast streams, SSRCs (RFC 5576 §4.2, RFC 4588 §8.6).
#include "rtc/sdp/answer/publish_section.h"

#include <algorithm>

#include "rtc/sdp/answer/section_answer.h"
#include "rtc/sdp/codec_table.h"

namespace confab::sdp {

std::string track_id_of(const MediaSection& offered) {
    if (offered.msid && !offered.msid->track.empty()) return offered.msid->track;
    for (const SsrcInfo& info : offered.ssrcs)
        if (!info.msid.track.empty()) return info.msid.track;
    return {};
}

PublishSection describe_publish(const MediaSection& offered, const MediaSection& answered) {
    PublishSection out;
    out.mid = offered.mid;
    out.kind = offered.kind;
    out.sdp_track_id = track_id_of(offered);
    out.codecs = negotiated(answered);
    out.extensions = extension_ids(answered);
    out.rids = offered.simulcast_send.empty() ? offered.send_rids : offered.simulcast_send;
    for (const SsrcGroup& group : offered.ssrc_groups)
        if (group.semantics == "FID" && group.ssrcs.size() == 2)
            out.rtx_of.emplace(group.ssrcs[0], group.ssrcs[1]);
    for (const SsrcInfo& info : offered.ssrcs) {
        const bool is_rtx = std::ranges::any_of(
            out.rtx_of, [&](const auto& pair) { return pair.second == info.ssrc; });
        if (!is_rtx) out.ssrcs.push_back(info.ssrc);
    }
    return out;
}

}  // namespace confab::sdp
