// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/request_wiring.h"

#include "room/room.h"

namespace confab::room {

// ---------------------------------------------------------------- connections

void RequestWiring::take_offer(Participant& p, const livekit::SessionDescription& offer) {
    room_->negotiation_.handle_offer(p, offer);
}

void RequestWiring::take_answer(Participant& p, const livekit::SessionDescription& answer) {
    room_->negotiation_.handle_answer(p, answer);
}

Result<void, std::string> RequestWiring::take_candidate(Participant& p,
                                                        const livekit::TrickleRequest& trickle) {
    return room_->negotiation_.handle_trickle(p, trickle);
}

void RequestWiring::prefer_transport(Participant& p, IcePreference preference) {
    room_->negotiation_.prefer(p, preference);
}

void RequestWiring::signal_measured(Participant& p, Duration rtt) {
    note_signal_rtt(room_->negotiation_, p, rtt);
}

void RequestWiring::limit_downlink(Participant& p, std::uint64_t bits_per_second) {
    if (const PeerLink* link = room_->negotiation_.downstream(p))
        room_->scope_->out.command(p.worker, sfu::SetBandwidthLimit{link->id(), bits_per_second});
}

// ---------------------------------------------------------------- tracks

void RequestWiring::add_track(Participant& p, const livekit::AddTrackRequest& request) {
    room_->publications_.add_track(p, request);
}

bool RequestWiring::mute(Participant& p, const std::string& sid, bool muted) {
    return room_->publications_.mute(p, sid, muted) != nullptr;
}

void RequestWiring::update_audio(Participant& p, const livekit::UpdateLocalAudioTrack& update) {
    room_->publications_.update_audio(p, update);
}

void RequestWiring::update_video(Participant& p, const livekit::UpdateLocalVideoTrack& update) {
    room_->publications_.update_video(p, update);
}

bool RequestWiring::has_track(const Participant& p, const std::string& sid) const {
    return room_->publications_.knows(p, sid);
}

// ---------------------------------------------------------------- subscriptions

void RequestWiring::subscribe(Participant& p, const livekit::UpdateSubscription& wish) {
    room_->subscriptions_.update(p, wish.track_sids(), wish.participant_tracks(), wish.subscribe());
}

void RequestWiring::update_settings(Participant& p, const livekit::UpdateTrackSettings& settings) {
    room_->subscriptions_.update_settings(p, settings);
}

// The list is of data tracks too (SIG-42).
bool RequestWiring::set_access(Participant& p, const livekit::SubscriptionPermission& list) {
    if (!room_->subscriptions_.set_access(p, list)) return false;
    room_->data_.reconcile_publisher(p);
    return true;
}

// ---------------------------------------------------------------- data

std::optional<RequestsHost::DataRefusal> RequestWiring::publish_data_track(
    Participant& p, const livekit::PublishDataTrackRequest& request) {
    return room_->data_.publish_track(p, request);
}

bool RequestWiring::unpublish_data_track(Participant& p, std::uint32_t handle) {
    return room_->data_.unpublish_track(p, handle);
}

void RequestWiring::subscribe_data(Participant& p, const livekit::UpdateDataSubscription& update) {
    room_->data_.update_subscriptions(p, update);
}

bool RequestWiring::has_data_track(const Participant& p, const std::string& sid) const {
    return room_->data_.tracks(p).find_sid(sid) != nullptr;
}

// ---------------------------------------------------------------- the participant itself

void RequestWiring::described_anew(Participant& p) {
    room_->changed(p, true);
}

void RequestWiring::send_token(Participant& p) {
    room_->sessions_.send_token(p);
}

void RequestWiring::seem_to_speak(Participant& p, Duration time) {
    room_->speakers_.simulate(p, time);
}

void RequestWiring::end(Participant& p, const Ending& ending) {
    room_->sessions_.end(p, ending);
}

}  // namespace confab::room
