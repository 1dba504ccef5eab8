// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: the requests of a client that are not about descriptions (01 §3.1).
#include "base/text.h"
#include "room/room.h"
#include "room/signal/respond.h"

namespace confab::room {
namespace {

using Response = livekit::RequestResponse;
using token::exceeds;

}  // namespace

void Room::handle_request(SessionId session, const std::string& identity,
                          const livekit::SignalRequest& request) {
    Participant* found = find(identity);
    if (found == nullptr || found->signal.session() != session) return;
    Participant& p = *found;
    touch(p);
    p.presence.heard(scope_->now());
    ++scope_->counters.requests;
    using Case = livekit::SignalRequest;
    switch (request.message_case()) {
        case Case::kOffer:
            return negotiation_.handle_offer(p, request.offer());
        case Case::kAnswer:
            return negotiation_.handle_answer(p, request.answer());
        case Case::kTrickle:
            return trickle(p, request.trickle());
        case Case::kAddTrack:
            return publications_.add_track(p, request.add_track());
        case Case::kMute:
            return mute_request(p, request.mute());
        case Case::kSubscription:
            return subscriptions_.update(p, request.subscription().track_sids(),
                                         request.subscription().participant_tracks(),
                                         request.subscription().subscribe());
        case Case::kTrackSetting:
            return subscriptions_.update_settings(p, request.track_setting());
        case Case::kLeave:
            return leave_request(p, request.leave());
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
            return publications_.update_audio(p, request.update_audio_track());
        case Case::kUpdateVideoTrack:
            return publications_.update_video(p, request.update_video_track());
        case Case::kPublishDataTrackRequest:
            return publish_data_track(p, request.publish_data_track_request());
        case Case::kUnpublishDataTrackRequest:
            return unpublish_data_track(p, request.unpublish_data_track_request());
        case Case::kUpdateDataSubscription:
            return data_.update_subscriptions(p, request.update_data_subscription());
        case Case::kStoreDataBlobRequest:  // off by default (SIG-127)
            return respond(p, Response::NOT_ALLOWED, "data blob not enabled", [&](Response& r) {
                r.set_request_id(request.store_data_blob_request().request_id());
            });
        case Case::kGetDataBlobRequest:
            return respond(p, Response::NOT_FOUND, "data blob not found", [&](Response& r) {
                r.set_request_id(request.get_data_blob_request().request_id());
            });
        case Case::kUpdateLayers:  // SIG-09
        case Case::MESSAGE_NOT_SET:
            return;
    }
}

void Room::trickle(Participant& p, const livekit::TrickleRequest& trickle) {
    const auto done = negotiation_.handle_trickle(p, trickle);
    if (done) return;
    ++scope_->counters.bad_requests;
    respond(p, Response::UNCLASSIFIED_ERROR, done.error(),
            [&](Response& r) { *r.mutable_trickle() = trickle; });
}

void Room::publish_data_track(Participant& p, const livekit::PublishDataTrackRequest& request) {
    const auto refusal = data_.publish_track(p, request);
    if (!refusal) return;
    respond(p, refusal->reason, refusal->message,
            [&](Response& r) { *r.mutable_publish_data_track() = request; });
}

void Room::unpublish_data_track(Participant& p, const livekit::UnpublishDataTrackRequest& request) {
    if (data_.unpublish_track(p, request.pub_handle())) return;
    respond(p, Response::NOT_FOUND, "data track not found",
            [&](Response& r) { *r.mutable_unpublish_data_track() = request; });
}

void Room::ping(Participant& p, const livekit::SignalRequest& request) {
    livekit::SignalResponse response;
    const std::int64_t wall_ms = scope_->clock.wall.ms();
    if (request.has_ping()) {
        response.set_pong(wall_ms);
    } else {
        response.mutable_pong_resp()->set_last_ping_timestamp(request.ping_req().timestamp());
        response.mutable_pong_resp()->set_timestamp(wall_ms);
    }
    p.signal.send(std::move(response));
}

void Room::leave_request(Participant& p, const livekit::LeaveRequest& leave) {
    switch (leave.reason()) {
        case livekit::USER_UNAVAILABLE:
        case livekit::USER_REJECTED:
        case livekit::AGENT_ERROR:
            return end(p, leave.reason(), Ending::kWithLeave);
        default:
            return end(p, livekit::CLIENT_INITIATED, Ending::kWithLeave);
    }
}

void Room::mute_request(Participant& p, const livekit::MuteTrackRequest& request) {
    if (publications_.mute(p, request.sid(), request.muted()) != nullptr) return;
    respond(p, Response::NOT_FOUND, "track not found",
            [&](Response& r) { *r.mutable_mute() = request; });
}

void Room::update_metadata(Participant& p, const livekit::UpdateParticipantMetadata& update) {
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
    auto merged = p.info.attributes();
    for (const auto& [key, value] : update.attributes())
        merged[key] = value;
    if (exceeds(token::attributes_size(merged), limits.attributes))
        return answer(Response::LIMIT_EXCEEDED, "exceeds attributes size limit");
    apply_metadata(p, update);
    answer(Response::OK, "");
}

// Each changed property is one update and one token, in this order (SIG-14).
void Room::apply_metadata(Participant& p, const livekit::UpdateParticipantMetadata& update) {
    const auto announce_change = [&] {
        changed(p, true);
        send_refresh(p);
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

// SIG-161: what the client believes it published must exist.
void Room::sync_state(Participant& p, const livekit::SyncState& state) {
    for (const livekit::TrackPublishedResponse& published : state.publish_tracks()) {
        const bool known = published.has_track() && publications_.knows(p, published.track().sid());
        if (!known) return full_reconnect(p);
    }
    for (const livekit::PublishDataTrackResponse& data : state.publish_data_tracks())
        if (!data_.publishes(p, data.info().sid())) return full_reconnect(p);
    if (state.track_sids_disabled_size() > 0) {
        livekit::UpdateTrackSettings disabled;
        *disabled.mutable_track_sids() = state.track_sids_disabled();
        disabled.set_disabled(true);
        subscriptions_.update_settings(p, disabled);
    }
    subscriptions_.update(p, state.subscription().track_sids(),
                          state.subscription().participant_tracks(),
                          state.subscription().subscribe());
}

void Room::set_access(Participant& p, const livekit::SubscriptionPermission& list) {
    if (!subscriptions_.set_access(p, list)) {
        ++scope_->counters.bad_requests;
        return;
    }
    data_.reconcile_publisher(p);
}

void Room::set_permission(Participant& p, const livekit::ParticipantPermission& permission) {
    if (permission.hidden() && !p.hidden()) hide(p);
    p.info.mutable_permission()->CopyFrom(permission);
    if (!p.grants.video) p.grants.video.emplace();
    token::set_permission(*p.grants.video, permission);
    publications_.rights_changed(p);
    if (!permission.can_publish()) p.info.set_is_publisher(false);
    data_.update(p);
    if (!permission.can_publish_data()) data_.unpublish_all(p);
    subscriptions_.rights_changed(p);
    if (p.closing) return;
    data_.reconcile(p);
    roster_.count(p);
    changed(p, true);
    send_refresh(p);
    news_.counts_changed();
    news_.recording_changed();
}

}  // namespace confab::room
