// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/signal/requests.h"

#include <algorithm>

#include "room/signal/respond.h"

namespace confab::room {
namespace {

using Response = livekit::RequestResponse;
using token::exceeds;

constexpr std::int64_t kMaxRttMs = 60'000;

}  // namespace

void Requests::handle(SessionId session, const std::string& identity,
                      const livekit::SignalRequest& request) {
    Participant* p = roster_->find(identity);
    if (p == nullptr || p->signal.session() != session) return;
    roster_->touch(*p);
    p->presence.heard(scope_->now());
    ++scope_->counters.requests;
    dispatch(*p, request);
}

void Requests::dispatch(Participant& p, const livekit::SignalRequest& request) {
    using Case = livekit::SignalRequest;
    switch (request.message_case()) {
        case Case::kOffer:
            return host_->take_offer(p, request.offer());
        case Case::kAnswer:
            return host_->take_answer(p, request.answer());
        case Case::kTrickle:
            return trickle(p, request.trickle());
        case Case::kAddTrack:
            return host_->add_track(p, request.add_track());
        case Case::kMute:
            return mute(p, request.mute());
        case Case::kSubscription:
            return host_->subscribe(p, request.subscription());
        case Case::kTrackSetting:
            return host_->update_settings(p, request.track_setting());
        case Case::kLeave:
            return leave(p, request.leave());
        case Case::kSubscriptionPermission:
            return set_access(p, request.subscription_permission());
        case Case::kSyncState:
            return sync_state(p, request.sync_state());
        case Case::kSimulate:
            return simulate(p, request.simulate());
        case Case::kPing:
        case Case::kPingReq:
            return ping(p, request);
        case Case::kUpdateMetadata:
            return update_metadata(p, request.update_metadata());
        case Case::kUpdateAudioTrack:
            return host_->update_audio(p, request.update_audio_track());
        case Case::kUpdateVideoTrack:
            return host_->update_video(p, request.update_video_track());
        case Case::kPublishDataTrackRequest:
            return publish_data_track(p, request.publish_data_track_request());
        case Case::kUnpublishDataTrackRequest:
            return unpublish_data_track(p, request.unpublish_data_track_request());
        case Case::kUpdateDataSubscription:
            return host_->subscribe_data(p, request.update_data_subscription());
        case Case::kStoreDataBlobRequest:
            return store_data_blob(p, request.store_data_blob_request());
        case Case::kGetDataBlobRequest:
            return get_data_blob(p, request.get_data_blob_request());
        case Case::kUpdateLayers:  // SIG-09
        case Case::MESSAGE_NOT_SET:
            return;
    }
}

void Requests::trickle(Participant& p, const livekit::TrickleRequest& trickle) {
    const auto done = host_->take_candidate(p, trickle);
    if (done) return;
    ++scope_->counters.bad_requests;
    respond(p, Response::UNCLASSIFIED_ERROR, done.error(),
            [&](Response& r) { *r.mutable_trickle() = trickle; });
}

void Requests::publish_data_track(Participant& p, const livekit::PublishDataTrackRequest& request) {
    const auto refusal = host_->publish_data_track(p, request);
    if (!refusal) return;
    respond(p, refusal->reason, refusal->message,
            [&](Response& r) { *r.mutable_publish_data_track() = request; });
}

void Requests::unpublish_data_track(Participant& p,
                                    const livekit::UnpublishDataTrackRequest& request) {
    if (host_->unpublish_data_track(p, request.pub_handle())) return;
    respond(p, Response::NOT_FOUND, "data track not found",
            [&](Response& r) { *r.mutable_unpublish_data_track() = request; });
}

void Requests::ping(Participant& p, const livekit::SignalRequest& request) {
    livekit::SignalResponse response;
    const std::int64_t wall_ms = scope_->clock.wall.ms();
    p.presence.pinged(scope_->now(),
                      request.has_ping() ? request.ping() : request.ping_req().timestamp());
    if (request.has_ping()) {
        response.set_pong(wall_ms);
    } else {
        const std::int64_t rtt = request.ping_req().rtt();
        if (rtt > 0) host_->signal_measured(p, Duration::millis(std::min(rtt, kMaxRttMs)));
        response.mutable_pong_resp()->set_last_ping_timestamp(request.ping_req().timestamp());
        response.mutable_pong_resp()->set_timestamp(wall_ms);
    }
    p.signal.send(std::move(response));
}

void Requests::leave(Participant& p, const livekit::LeaveRequest& leave) {
    switch (leave.reason()) {
        case livekit::USER_UNAVAILABLE:
        case livekit::USER_REJECTED:
        case livekit::AGENT_ERROR:
            return host_->end(p, {leave.reason()});
        default:
            return host_->end(p, {livekit::CLIENT_INITIATED});
    }
}

void Requests::mute(Participant& p, const livekit::MuteTrackRequest& request) {
    if (host_->mute(p, request.sid(), request.muted())) return;
    respond(p, Response::NOT_FOUND, "track not found",
            [&](Response& r) { *r.mutable_mute() = request; });
}

void Requests::update_metadata(Participant& p, const livekit::UpdateParticipantMetadata& update) {
    const auto answer = [&](Response::Reason reason, const char* message) {
        respond(p, reason, message, [&](Response& r) {
            r.set_request_id(update.request_id());
            *r.mutable_update_metadata() = update;
        });
    };
    const Limits& limits = scope_->config.limits;
    if (!p.info.permission().can_update_metadata())
        return answer(Response::NOT_ALLOWED, "does not have permission to update own metadata");
    if (exceeds(update.name().size(), limits.participant_name))
        return answer(Response::LIMIT_EXCEEDED, "exceeds name length limit");
    if (exceeds(update.metadata().size(), limits.metadata))
        return answer(Response::LIMIT_EXCEEDED, "exceeds metadata size limit");
    const auto& attributes = p.info.attributes();
    if (exceeds(token::attributes_size_after(attributes, update.attributes()), limits.attributes))
        return answer(Response::LIMIT_EXCEEDED, "exceeds attributes size limit");
    apply_metadata(p, update);
    answer(Response::OK, "");
}

// Each changed property is one update and one token, in this order (SIG-14).
void Requests::apply_metadata(Participant& p, const livekit::UpdateParticipantMetadata& update) {
    const auto announce_change = [&] {
        host_->described_anew(p);
        host_->send_token(p);
    };
    if (!update.name().empty() && update.name() != p.info.name()) {
        p.info.set_name(update.name());
        announce_change();
    }
    if (!update.metadata().empty() && update.metadata() != p.info.metadata()) {
        p.info.set_metadata(update.metadata());
        announce_change();
    }
    if (update.attributes().empty()) return;
    for (const auto& [key, value] : update.attributes()) {
        if (value.empty()) {
            p.info.mutable_attributes()->erase(key);
        } else {
            (*p.info.mutable_attributes())[key] = value;
        }
    }
    announce_change();
}

// SIG-161: what the client believes it published must exist, or have ended without its knowing.
void Requests::sync_state(Participant& p, const livekit::SyncState& state) {
    for (const livekit::TrackPublishedResponse& published : state.publish_tracks()) {
        const std::string& sid = published.track().sid();
        if (!host_->has_track(p, sid) && !p.ended.has_track(sid))
            return host_->end(p, Ending::full_reconnect());
    }
    for (const livekit::PublishDataTrackResponse& data : state.publish_data_tracks())
        if (!host_->has_data_track(p, data.info().sid()) &&
            !p.ended.has_data_track(data.info().sid()))
            return host_->end(p, Ending::full_reconnect());
    if (state.track_sids_disabled_size() > 0) {
        livekit::UpdateTrackSettings disabled;
        *disabled.mutable_track_sids() = state.track_sids_disabled();
        disabled.set_disabled(true);
        host_->update_settings(p, disabled);
    }
    host_->subscribe(p, state.subscription());
}

void Requests::set_access(Participant& p, const livekit::SubscriptionPermission& list) {
    if (!host_->set_access(p, list)) ++scope_->counters.bad_requests;
}

}  // namespace confab::room
