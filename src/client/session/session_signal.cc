// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session: what goes over the WebSocket, and what comes.
#include <algorithm>

#include "client/session/session.h"

namespace confab::client {

// ---------------------------------------------------------------- opening

livekit::JoinRequest Session::request() const {
    livekit::JoinRequest join;
    auto& info = *join.mutable_client_info();
    info.set_sdk(livekit::ClientInfo::JS);
    info.set_version("2.23.0");
    info.set_protocol(17);
    join.mutable_connection_settings()->set_auto_subscribe(config_.auto_subscribe);
    if (config_.auto_subscribe_data)
        join.mutable_connection_settings()->set_auto_subscribe_data_track(true);
    return join;
}

livekit::JoinRequest Session::start(Timestamp now) {
    last_signal_ = now;
    livekit::JoinRequest join = request();
    if (config_.single) *join.mutable_publisher_offer() = description();
    return join;
}

// The answers of before are lost; ICE starts anew once the server has taken us back.
livekit::JoinRequest Session::resume(Timestamp now, livekit::ReconnectReason reason) {
    signal_open_ = false;
    last_signal_ = now;
    signals_.clear();
    livekit::JoinRequest join = request();
    join.set_reconnect(true);
    join.set_reconnect_reason(reason);
    join.set_participant_sid(self().sid());
    return join;
}

void Session::signal_closed() {
    signal_open_ = false;
    next_ping_ = Timestamp::never();
    signals_.clear();
}

std::optional<std::string> Session::poll_signal() {
    if (signals_.empty()) return std::nullopt;
    std::optional<std::string> message(std::move(signals_.front()));
    signals_.pop_front();
    return message;
}

// What belongs to one negotiation dies with its WebSocket; other wishes wait for the next.
void Session::send(const livekit::SignalRequest& request) {
    const bool of_negotiation =
        request.has_offer() || request.has_answer() || request.has_trickle();
    if (!signal_open_ && of_negotiation) return;
    std::deque<std::string>& queue = signal_open_ ? signals_ : held_;
    if (queue.size() >= kMaxSignals) {
        ++counters_.dropped_signals;
        return;
    }
    queue.push_back(request.SerializeAsString());
}

void Session::keep_alive(Timestamp now) {
    if (now < next_ping_) return;
    if (now - last_signal_ >= ping_timeout_) {
        next_ping_ = Timestamp::never();
        return emit(SignalTimedOut{});
    }
    next_ping_ = now + ping_interval_;
    livekit::SignalRequest request;
    request.mutable_ping_req()->set_timestamp((config_.wall_at_zero + (now - Timestamp{})).ms());
    send(request);
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
    last_signal_ = now;
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
            take_trickle(now, response.trickle());
            break;
        case Case::kUpdate:
            for (const ParticipantRef& info : signal.participants)
                take_participant(info);
            break;
        case Case::kTrackPublished:
            name_track(response.track_published().cid(), response.track_published().track().sid());
            break;
        case Case::kTrackUnpublished:
            take_unpublished(response.track_unpublished().track_sid());
            break;
        case Case::kRequestResponse:
            take_response(response.request_response());
            data_tracks_.take_refused(response.request_response());
            break;
        case Case::kMute:
            take_mute(response.mute());
            break;
        case Case::kPublishDataTrackResponse:
            data_tracks_.take_published(response.publish_data_track_response().info());
            break;
        case Case::kUnpublishDataTrackResponse:
            data_tracks_.take_unpublished(response.unpublish_data_track_response().info());
            break;
        case Case::kDataTrackSubscriberHandles:
            data_tracks_.take_handles(response.data_track_subscriber_handles());
            break;
        case Case::kMediaSectionsRequirement:
            take_requirement(response.media_sections_requirement());
            break;
        case Case::kLeave:
            take_leave(response.leave());
            break;
        default:  // told for display alone
            break;
    }
    return true;
}

void Session::take_join(Timestamp now, const ReadSignal& signal) {
    const livekit::JoinResponse& join = signal.response.join();
    if (joined_) {
        ++counters_.bad_signals;
        return;
    }
    joined_ = true;
    signal_open_ = true;
    roster_.join(join.participant());
    for (const ParticipantRef& info : signal.participants)
        roster_.update(info);
    if (join.ping_interval() > 0) ping_interval_ = Duration::seconds(join.ping_interval());
    if (join.ping_timeout() > 0) ping_timeout_ = Duration::seconds(join.ping_timeout());
    next_ping_ = now + ping_interval_;
    announce_tracks();
    renew_data_tracks();
    std::ranges::move(held_, std::back_inserter(signals_));
    held_.clear();
    emit(Joined{false});
}

void Session::take_reconnect(Timestamp now, const livekit::ReconnectResponse& reconnect) {
    if (!joined_ || signal_open_) {
        ++counters_.bad_signals;
        return;
    }
    signal_open_ = true;
    next_ping_ = now + ping_interval_;
    send_sync_state();
    announce_tracks();
    renew_data_tracks();
    std::ranges::move(held_, std::back_inserter(signals_));
    held_.clear();
    // Since it may have died with the last one (as livekit-client does).
    if (access_told_) send_access();
    answers_ = offers_;  // what was offered before gets no answer any more
    for (Bytes& packet : reliable_.after(reconnect.last_message_seq()))
        (void)publisher_->send_message(now, "_reliable", std::move(packet));
    restart_ice(now);
    emit(Joined{true});
}

// 01 SIG-146.
void Session::send_sync_state() {
    livekit::SignalRequest request;
    livekit::SyncState& state = *request.mutable_sync_state();
    const auto set = [](livekit::SessionDescription& to, const char* type, const std::string& sdp) {
        to.set_type(type);
        to.set_sdp(sdp);
    };
    const std::string& offer = config_.single ? last_offer_ : last_remote_offer_;
    if (!offer.empty()) set(*state.mutable_offer(), "offer", offer);
    if (!last_answer_.empty()) set(*state.mutable_answer(), "answer", last_answer_);
    state.mutable_subscription()->set_subscribe(!config_.auto_subscribe);
    for (const auto& [sid, wanted] : wishes_)
        state.mutable_subscription()->add_track_sids(sid);
    for (const auto& [sid, disabled] : disabled_)
        state.add_track_sids_disabled(sid);
    for (const auto& [cid, track] : published_) {
        if (track.sid.empty()) continue;
        auto& published = *state.add_publish_tracks();
        published.set_cid(cid);
        published.mutable_track()->set_sid(track.sid);
    }
    for (const livekit::DataTrackInfo& info : data_tracks_.named())
        *state.add_publish_data_tracks()->mutable_info() = info;
    for (const auto& [sender, number] : reliable_.highest()) {
        auto& receive = *state.add_datachannel_receive_states();
        receive.set_publisher_sid(sender);
        receive.set_last_seq(number);
    }
    send(request);
}

void Session::take_participant(const ParticipantRef& info) {
    roster_.update(info);
    if (info->sid() != self().sid()) return;
    compare_tracks();
    data_tracks_.take_self(self());
}

void Session::take_leave(const livekit::LeaveRequest& leave) {
    emit(Left{leave});
}

// ---------------------------------------------------------------- our offers

livekit::SessionDescription Session::description() {
    livekit::SessionDescription result;
    last_offer_ = builder_.offer(publisher_->local());
    result.set_type("offer");
    result.set_sdp(last_offer_);
    result.set_id(++offers_);
    offer_wanted_ = false;
    return result;
}

// One at a time, as a peer connection has it (RFC 8829 §3.2).
void Session::want_offer() {
    offer_wanted_ = true;
    if (signal_open_ && offers_ == answers_) offer();
}

void Session::offer() {
    livekit::SignalRequest request;
    *request.mutable_offer() = description();
    send(request);
}

void Session::take_answer(Timestamp now, const livekit::SessionDescription& answer) {
    const auto parsed = sdp::parse(answer.sdp());
    if (!parsed || answer.id() > offers_) {
        ++counters_.bad_signals;
        return;
    }
    // Of an offer that died with its WebSocket: its credentials are not those of our newest.
    if (answer.id() != 0 && answer.id() != offers_) {
        ++counters_.stale_answers;
        return;
    }
    answers_ = offers_;
    publisher_->set_remote(now, *parsed, true);
    if (config_.single) last_answer_ = answer.sdp();
    accept_sections(*parsed);
    begin_media(now);
    if (config_.single) set_streams(streams_of(*parsed));
    trickle(Target::kPublisher);
    if (config_.single && !access_told_) send_access();
    second_offer(now);
    if (offer_wanted_ && offers_ == answers_) offer();
    drain(now, Target::kPublisher);
}

// Once in each generation of ICE.
void Session::trickle(Target target) {
    std::string& before = trickled_[static_cast<std::size_t>(target)];
    if (std::exchange(before, link(target)->local().ufrag) == link(target)->local().ufrag) return;
    livekit::SignalRequest request;
    request.mutable_trickle()->set_candidateinit(link(target)->candidate_init());
    request.mutable_trickle()->set_target(target == Target::kPublisher ? livekit::PUBLISHER
                                                                       : livekit::SUBSCRIBER);
    send(request);
}

// ---------------------------------------------------------------- the server's offers

void Session::take_offer(Timestamp now, const livekit::SessionDescription& offered) {
    const auto parsed = sdp::parse(offered.sdp());
    if (!parsed || config_.single || parsed->sections.empty()) {
        ++counters_.bad_signals;
        return;
    }
    const bool first = subscriber_ == nullptr;
    if (first) {
        const ice::Role role = parsed->ice_lite ? ice::Role::kControlling : ice::Role::kControlled;
        subscriber_ = open(Target::kSubscriber, role, false);
    }
    // Other credentials: the server restarts ICE, and so do we (RFC 8839 §4.4.1.1.1).
    const std::string& ufrag = parsed->sections.front().ufrag;
    const bool restarted = !first && subscriber_->remote_credentials().ufrag != ufrag;
    if (restarted) subscriber_->restart_ice(now);
    last_remote_offer_ = offered.sdp();
    last_answer_ = answer_to(*parsed, subscriber_->local());
    livekit::SignalRequest request;
    request.mutable_answer()->set_type("answer");
    request.mutable_answer()->set_sdp(last_answer_);
    request.mutable_answer()->set_id(offered.id());
    send(request);
    subscriber_->set_remote(now, *parsed, false);
    set_streams(streams_of(*parsed));
    trickle(Target::kSubscriber);
    drain(now, Target::kSubscriber);
    if (!first) return;
    want_offer();
    send_access();
}

void Session::take_trickle(Timestamp now, const livekit::TrickleRequest& trickle) {
    const auto line = candidate_of(trickle.candidateinit());
    const bool to_subscriber = !config_.single && trickle.target() == livekit::SUBSCRIBER;
    const Target target = to_subscriber ? Target::kSubscriber : Target::kPublisher;
    if (!line || !link(target)) return;
    link(target)->add_candidate(now, *line);
    drain(now, target);
}

void Session::take_requirement(const livekit::MediaSectionsRequirement& requirement) {
    const std::size_t wanted =
        std::size_t{requirement.num_audios()} + std::size_t{requirement.num_videos()};
    if (builder_.sections() + wanted > kMaxSections) {
        ++counters_.bad_signals;
        return;
    }
    builder_.add_receiving(requirement.num_audios(), requirement.num_videos());
    want_offer();
}

}  // namespace confab::client
