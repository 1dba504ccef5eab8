// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session: what is said as the WebSocket opens, and whom the messages of the server are for.
#include "client/session/session.h"

namespace confab::client {
namespace {

livekit::JoinRequest request_of(const SessionConfig& config) {
    livekit::JoinRequest join;
    auto& info = *join.mutable_client_info();
    info.set_sdk(livekit::ClientInfo::JS);
    info.set_version("2.23.0");
    info.set_protocol(17);
    join.mutable_connection_settings()->set_auto_subscribe(config.auto_subscribe);
    if (config.auto_subscribe_data)
        join.mutable_connection_settings()->set_auto_subscribe_data_track(true);
    return join;
}

}  // namespace

// ---------------------------------------------------------------- opening

livekit::JoinRequest Session::start(Timestamp now) {
    link_.opening(now);
    livekit::JoinRequest join = request_of(config_);
    if (config_.single) *join.mutable_publisher_offer() = negotiation_.offer();
    return join;
}

// The answers of before are lost; ICE starts anew once the server has taken us back.
livekit::JoinRequest Session::resume(Timestamp now, livekit::ReconnectReason reason) {
    link_.opening(now);
    livekit::JoinRequest join = request_of(config_);
    join.set_reconnect(true);
    join.set_reconnect_reason(reason);
    join.set_participant_sid(self().sid());
    return join;
}

// ---------------------------------------------------------------- what comes

bool Session::handle_signal(Timestamp now, std::string_view message) {
    const auto signal = read_signal(message, *config_.participants);
    if (signal) return handle_signal(now, *signal);
    ++counters_.bad_signals;
    return false;
}

bool Session::handle_signal(Timestamp now, const livekit::SignalResponse& response) {
    return handle_signal(now, read_signal(response));
}

bool Session::handle_signal(Timestamp now, const ReadSignal& signal) {
    const livekit::SignalResponse& response = signal.response;
    using Case = livekit::SignalResponse::MessageCase;
    ++counters_.signals;
    link_.received(now);
    switch (response.message_case()) {
        case Case::kJoin:
            take_join(now, signal);
            break;
        case Case::kReconnect:
            take_reconnect(now, response.reconnect());
            break;
        case Case::kAnswer:
            take_answer(now, response.answer());
            break;
        case Case::kOffer:
            take_offer(now, response.offer());
            break;
        case Case::kTrickle:
            if (const auto target = negotiation_.take_trickle(now, response.trickle()))
                drain(*target);
            break;
        case Case::kUpdate:
            for (const ParticipantRef& info : signal.participants)
                take_participant(info);
            break;
        case Case::kMediaSectionsRequirement:
            negotiation_.take_requirement(response.media_sections_requirement());
            break;
        case Case::kLeave:
            emit(Left{response.leave()});
            break;
        default:
            take_of_tracks(response);
            break;
    }
    return true;
}

// What is said of tracks, of data tracks too.
void Session::take_of_tracks(const livekit::SignalResponse& response) {
    using Case = livekit::SignalResponse::MessageCase;
    switch (response.message_case()) {
        case Case::kTrackPublished:
            tracks_.take_published(response.track_published());
            break;
        case Case::kTrackUnpublished:
            tracks_.take_unpublished(response.track_unpublished().track_sid());
            break;
        case Case::kRequestResponse:
            tracks_.take_refused(response.request_response());
            data_.tracks().take_refused(response.request_response());
            break;
        case Case::kMute:
            tracks_.take_mute(response.mute());
            break;
        case Case::kPublishDataTrackResponse:
            data_.tracks().take_published(response.publish_data_track_response().info());
            break;
        case Case::kUnpublishDataTrackResponse:
            data_.tracks().take_unpublished(response.unpublish_data_track_response().info());
            break;
        case Case::kSubscribedQualityUpdate:
            tracks_.take_qualities(response.subscribed_quality_update());
            break;
        case Case::kSpeakersChanged:
            emit(SpeakersChanged{response.speakers_changed()});
            break;
        case Case::kDataTrackSubscriberHandles:
            data_.tracks().take_handles(response.data_track_subscriber_handles());
            break;
        default:  // told for display alone
            break;
    }
}

void Session::take_join(Timestamp now, const ReadSignal& signal) {
    const livekit::JoinResponse& join = signal.response.join();
    if (joined_) {
        ++counters_.bad_signals;
        return;
    }
    joined_ = true;
    roster_.join(join.participant());
    for (const ParticipantRef& info : signal.participants)
        roster_.update(info);
    link_.set_ping_times(join.ping_interval(), join.ping_timeout());
    link_.opened(now);
    tracks_.announce();
    data_.renew();
    link_.release();
    emit(Joined{false});
}

void Session::take_reconnect(Timestamp now, const livekit::ReconnectResponse& reconnect) {
    if (!joined_ || link_.is_open()) {
        ++counters_.bad_signals;
        return;
    }
    link_.opened(now);
    send_sync_state();
    tracks_.announce();
    data_.renew();
    link_.release();
    tracks_.renew_access();
    negotiation_.forget_offers();
    data_.send_again(now, reconnect.last_message_seq());
    negotiation_.restart_ice(now);
    emit(Joined{true});
}

// 01 SIG-146.
void Session::send_sync_state() {
    livekit::SignalRequest request;
    livekit::SyncState& state = *request.mutable_sync_state();
    negotiation_.describe(state);
    subscriptions_.describe(state);
    tracks_.describe(state);
    data_.describe(state);
    link_.send(request);
}

void Session::take_participant(const ParticipantRef& info) {
    roster_.update(info);
    if (info->sid() != self().sid()) return;
    tracks_.take_self(self());
    data_.tracks().take_self(self());
}

// ---------------------------------------------------------------- descriptions

void Session::take_answer(Timestamp now, const livekit::SessionDescription& answer) {
    const auto description = negotiation_.take_answer(now, answer);
    if (!description) return;
    tracks_.take_answer(now, *description);
    if (config_.single) {
        take_streams(*description);
        tracks_.tell_access();
    }
    negotiation_.go_on();
    drain(Target::kPublisher);
}

void Session::take_offer(Timestamp now, const livekit::SessionDescription& offer) {
    const bool first = connections_.find(Target::kSubscriber) == nullptr;
    const auto description = negotiation_.take_offer(now, offer);
    if (!description) return;
    take_streams(*description);
    drain(Target::kSubscriber);
    if (!first) return;
    negotiation_.want_offer();
    tracks_.tell_access();
}

void Session::take_streams(const sdp::Description& description) {
    if (subscriptions_.take(streams_of(description))) emit(StreamsChanged{});
}

}  // namespace confab::client
