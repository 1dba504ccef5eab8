// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/signal/responses.h"

#include "room/publish/codec_lists.h"

namespace confab::room {

livekit::SignalResponse leave_message(const ClientGates& gates, livekit::DisconnectReason reason,
                                      livekit::LeaveRequest::Action action) {
    livekit::SignalResponse response;
    livekit::LeaveRequest& leave = *response.mutable_leave();
    leave.set_reason(reason);
    if (gates.leave_action) {
        leave.set_action(action);
    } else {
        leave.set_can_reconnect(action != livekit::LeaveRequest::DISCONNECT);
    }
    return response;
}

bool can_follow(const ClientGates& gates, livekit::LeaveRequest::Action action) {
    return gates.leave_and_return || action == livekit::LeaveRequest::DISCONNECT;
}

std::uint16_t close_code(const ClientGates& gates, livekit::LeaveRequest::Action action) {
    const bool with_frame = gates.close_frame || action == livekit::LeaveRequest::DISCONNECT;
    return with_frame ? 1000 : 1006;
}

livekit::SignalResponse update_message(std::vector<livekit::ParticipantInfo> participants) {
    livekit::SignalResponse response;
    livekit::ParticipantUpdate& update = *response.mutable_update();
    for (livekit::ParticipantInfo& info : participants)
        *update.add_participants() = std::move(info);
    return response;
}

livekit::SignalResponse description_message(bool offer, std::string sdp, std::uint32_t id,
                                            const std::map<std::string, std::string>& mids) {
    livekit::SignalResponse response;
    livekit::SessionDescription& description =
        offer ? *response.mutable_offer() : *response.mutable_answer();
    description.set_type(offer ? "offer" : "answer");
    description.set_sdp(std::move(sdp));
    description.set_id(id);
    for (const auto& [mid, track] : mids)
        (*description.mutable_mid_to_track_id())[mid] = track;
    return response;
}

livekit::SignalResponse trickle_message(std::string init, livekit::SignalTarget target, bool last) {
    livekit::SignalResponse response;
    livekit::TrickleRequest& trickle = *response.mutable_trickle();
    trickle.set_candidateinit(std::move(init));
    trickle.set_target(target);
    trickle.set_final(last);
    return response;
}

livekit::SignalResponse subscription_permission_message(const std::string& participant_sid,
                                                        const std::string& track_sid,
                                                        bool allowed) {
    livekit::SignalResponse response;
    auto& update = *response.mutable_subscription_permission_update();
    update.set_participant_sid(participant_sid);
    update.set_track_sid(track_sid);
    update.set_allowed(allowed);
    return response;
}

livekit::SignalResponse mute_message(const std::string& track_sid, bool muted) {
    livekit::SignalResponse response;
    response.mutable_mute()->set_sid(track_sid);
    response.mutable_mute()->set_muted(muted);
    return response;
}

livekit::SignalResponse unpublished_message(const ClientGates& gates,
                                            const std::string& track_sid) {
    if (!gates.track_unpublished) return mute_message(track_sid, true);
    livekit::SignalResponse response;
    response.mutable_track_unpublished()->set_track_sid(track_sid);
    return response;
}

livekit::SignalResponse data_unpublished_message(const livekit::DataTrackInfo& info) {
    livekit::SignalResponse response;
    *response.mutable_unpublish_data_track_response()->mutable_info() = info;
    return response;
}

livekit::SignalResponse subscription_error_message(const std::string& track_sid,
                                                   livekit::SubscriptionError error) {
    livekit::SignalResponse response;
    response.mutable_subscription_response()->set_track_sid(track_sid);
    response.mutable_subscription_response()->set_err(error);
    return response;
}

livekit::SignalResponse subscribed_quality_message(const livekit::TrackInfo& track,
                                                   const std::vector<Dynacast::Report>& reports) {
    livekit::SignalResponse response;
    auto& update = *response.mutable_subscribed_quality_update();
    update.set_track_sid(track.sid());
    for (const Dynacast::Report& report : reports) {
        const int index = static_cast<int>(report.codec);
        if (index >= track.codecs_size()) continue;
        livekit::SubscribedCodec& codec = *update.add_subscribed_codecs();
        codec.set_codec(short_name(track.codecs(index).mime_type()));
        for (const auto quality : {livekit::LOW, livekit::MEDIUM, livekit::HIGH}) {
            livekit::SubscribedQuality& shown = *codec.add_qualities();
            shown.set_quality(quality);
            shown.set_enabled(report.quality && static_cast<int>(*report.quality) >= quality);
        }
    }
    if (update.subscribed_codecs_size() > 0)
        *update.mutable_subscribed_qualities() = update.subscribed_codecs(0).qualities();
    return response;
}

livekit::SignalResponse subscribed_audio_codec_message(
    const livekit::TrackInfo& track, const std::vector<Dynacast::Report>& reports) {
    livekit::SignalResponse response;
    auto& update = *response.mutable_subscribed_audio_codec_update();
    update.set_track_sid(track.sid());
    for (const Dynacast::Report& report : reports) {
        const int index = static_cast<int>(report.codec);
        if (index >= track.codecs_size()) continue;
        livekit::SubscribedAudioCodec& codec = *update.add_subscribed_audio_codecs();
        codec.set_codec(short_name(track.codecs(index).mime_type()));
        codec.set_enabled(report.quality.has_value());
    }
    return response;
}

}  // namespace confab::room
