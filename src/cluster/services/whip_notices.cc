// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/whip_notices.h"

#include <algorithm>
#include <limits>

#include "cluster/services/methods.h"

namespace confab::cluster::services {
namespace {

constexpr std::uint32_t kOpusRate = 48'000;  // RFC 7587 §4.1: whatever is coded

bool is_stereo(const livekit::TrackInfo& track) {
    const auto& features = track.audio_features();
    return std::find(features.begin(), features.end(), livekit::TF_STEREO) != features.end();
}

std::uint32_t bit_rate(const IngressTrack& track) {
    constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp(track.bits_per_second, 0.0, kMost));
}

void describe(const livekit::TrackInfo& track, livekit::InputAudioState& audio) {
    audio.set_mime_type(track.mime_type());
    audio.set_channels(is_stereo(track) ? 2 : 1);
    if (track.mime_type() == "audio/opus") audio.set_sample_rate(kOpusRate);
}

void describe(const livekit::TrackInfo& track, livekit::InputVideoState& video) {
    video.set_mime_type(track.mime_type());
    video.set_width(track.width());
    video.set_height(track.height());
}

}  // namespace

::rpc::WHIPRTCConnectionNotifyRequest notice_of(const std::string& sid,
                                                const std::vector<IngressTrack>& tracks) {
    ::rpc::WHIPRTCConnectionNotifyRequest notice;
    notice.set_participant_id(sid);
    for (const IngressTrack& track : tracks) {
        if (track.info.type() == livekit::AUDIO && !notice.has_audio()) {
            describe(track.info, *notice.mutable_audio());
            notice.mutable_audio()->set_average_bitrate(bit_rate(track));
        }
        if (track.info.type() == livekit::VIDEO && !notice.has_video()) {
            describe(track.info, *notice.mutable_video());
            notice.mutable_video()->set_average_bitrate(bit_rate(track));
        }
    }
    return notice;
}

void WhipNotices::opened(Timestamp now, IngressSession session) {
    const std::string sid = session.sid;
    if (sessions_.size() >= kMaxSessions || sessions_.contains(sid)) return;
    sessions_[sid] = {std::move(session), now + kEvery};
    due_.insert({now + kEvery, sid});
    tell(now, notice_of(sid, {}));
}

void WhipNotices::closed(Timestamp now, const std::string& sid) {
    const auto at = sessions_.find(sid);
    if (at == sessions_.end()) return;
    due_.erase({at->second.due, sid});
    sessions_.erase(at);
    ::rpc::WHIPRTCConnectionNotifyRequest notice = notice_of(sid, {});
    notice.set_closed(true);
    tell(now, notice);
}

void WhipNotices::tell(Timestamp now, const ::rpc::WHIPRTCConnectionNotifyRequest& notice) {
    rpc::CallOptions options;
    options.timeout = kTimeout;
    ++told_;
    bus_.call(now, kNotifyWhip, {notice.participant_id()}, notice.SerializeAsString(), options,
              [this](const rpc::Outcome& outcome) {
                  if (!outcome) ++unheard_;
              });
}

// One that ended while it was looked at has been told of.
void WhipNotices::handle_timeout(Timestamp now) {
    while (!due_.empty() && due_.begin()->first <= now) {
        const std::string sid = due_.begin()->second;
        Entry& entry = sessions_.at(sid);
        due_.erase(due_.begin());
        entry.due = now + kEvery;
        due_.insert({entry.due, sid});
        look_(entry.session, [this, now, sid](const std::vector<IngressTrack>& tracks) {
            if (sessions_.contains(sid)) tell(now, notice_of(sid, tracks));
        });
    }
}

}  // namespace confab::cluster::services
