// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Builders of the smaller signal messages, so that every field rule stands in one place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "room/participant/client_traits.h"
#include "room/publish/dynacast.h"
#include "room/scope/types.h"

namespace confab::room {

// 01 §3.12: pv ≤ 12 gets reason and can_reconnect only (SIG-65, SIG-152).
livekit::SignalResponse leave_message(const ClientGates& gates, livekit::DisconnectReason reason,
                                      livekit::LeaveRequest::Action action);
// Whether a client does what that action of a leave says; who does not is sent none.
bool can_follow(const ClientGates& gates, livekit::LeaveRequest::Action action);
// With which its WebSocket ends then.
std::uint16_t close_code(const ClientGates& gates, livekit::LeaveRequest::Action action);

livekit::SignalResponse update_message(std::vector<livekit::ParticipantInfo> participants);
livekit::SignalResponse description_message(bool offer, std::string sdp, std::uint32_t id,
                                            const std::map<std::string, std::string>& mids);
livekit::SignalResponse trickle_message(std::string init, livekit::SignalTarget target, bool last);
livekit::SignalResponse subscription_permission_message(const std::string& participant_sid,
                                                        const std::string& track_sid, bool allowed);
livekit::SignalResponse subscription_error_message(const std::string& track_sid,
                                                   livekit::SubscriptionError error);
livekit::SignalResponse mute_message(const std::string& track_sid, bool muted);
// To its publisher; who does not know of such an end is asked to mute it.
livekit::SignalResponse unpublished_message(const ClientGates& gates, const std::string& track_sid);
livekit::SignalResponse data_unpublished_message(const livekit::DataTrackInfo& info);
// All three qualities of every codec, plus the legacy list of the first codec (DYN-02).
livekit::SignalResponse subscribed_quality_message(const livekit::TrackInfo& track,
                                                   const std::vector<Dynacast::Report>& reports);

// Which codecs of an audio track with a backup codec anybody takes (SIG-52).
livekit::SignalResponse subscribed_audio_codec_message(
    const livekit::TrackInfo& track, const std::vector<Dynacast::Report>& reports);

}  // namespace confab::room
