// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// World: what the server has been told and has told, so that the checks know what may leave it.
#include "base/text.h"
#include "sim/world/world.h"

namespace confab::sim {
namespace {
// Wishes of a subscriber are gathered for a moment before they count (02 SUB-01).
constexpr Duration kSettingsDelay = Duration::millis(600);
}  // namespace

void World::note_request(ClientId id, const livekit::SignalRequest& request) {
    const auto number_of = [&](const std::string& sid) {
        const auto found = track_numbers_.find(sid);
        return found == track_numbers_.end() ? 0U : found->second;
    };
    if (request.has_mute()) {
        const std::uint32_t track = number_of(request.mute().sid());
        if (track == 0) return;
        if (request.mute().muted())
            muted_.insert(track);
        else
            muted_.erase(track);
        apply_truth_to_all(track);
    } else if (request.has_track_setting()) {
        for (const std::string& sid : request.track_setting().track_sids()) {
            const std::uint32_t track = number_of(sid);
            if (request.track_setting().disabled())
                seats_[id].disabled.insert(track);
            else
                seats_[id].disabled.erase(track);
            apply_truth(id, track, kSettingsDelay);
        }
    } else if (request.has_update_data_subscription()) {
        note_data_wishes(id, request.update_data_subscription());
    } else if (request.has_subscription_permission()) {
        note_access(id, request.subscription_permission());
    }
}

void World::note_data_wishes(ClientId id, const livekit::UpdateDataSubscription& update) {
    for (const auto& wish : update.updates()) {
        const auto track = data_track_numbers_.find(wish.track_sid());
        if (track == data_track_numbers_.end()) continue;
        rights_.set(now(), {Right::kDataTrack, number_of(id), track->second}, wish.subscribe());
    }
}

void World::note_access(ClientId id, const livekit::SubscriptionPermission& access) {
    seats_[id].open_to_all = access.all_participants();
    rights_.set(now(), {Right::kAccess, number_of(id), 0}, access.all_participants());
    for (const auto& [track, owner] : track_owners_)
        if (owner == id) apply_truth_to_all(track);
}

// A new session begins with all of them.
void World::reset_rights(ClientId id) {
    Seat& seat = seats_[id];
    seat.may_publish = seat.may_subscribe = seat.may_send_data = seat.open_to_all = true;
    seat.disabled.clear();
    const std::uint32_t who = number_of(id);
    for (const Right right : {Right::kSendData, Right::kHear, Right::kAccess})
        rights_.set(now(), {right, who, 0}, true);
    for (const auto& [sid, track] : data_track_numbers_)
        rights_.set(now(), {Right::kDataTrack, who, track}, true);
}

std::string World::objection(Timestamp now, std::uint32_t person, const DataStamp& stamp) const {
    const auto denied = [&](Right right, std::uint32_t whose, std::uint32_t of) {
        return rights_.denied({right, whose, of}, stamp.sent, now);
    };
    if (this->person(person - 1).room != this->person(stamp.from - 1).room)
        return "message from another room";
    const std::string from = "person " + std::to_string(stamp.from);
    if (denied(Right::kSendData, stamp.from, 0)) return from + " may not send data";
    if (stamp.kind != DataKind::kTrack) return {};
    const std::string of = "data track " + std::to_string(stamp.track) + " of " + from;
    if (denied(Right::kHear, person, 0)) return of + ": may not subscribe";
    if (denied(Right::kAccess, stamp.from, 0)) return of + ": is not for it";
    if (denied(Right::kDataTrack, person, stamp.track)) return of + ": is not wanted";
    return {};
}

// Also of a client that has died with its request under way.
void World::note_published(ClientId id, const livekit::SignalResponse& response) {
    if (response.has_publish_data_track_response()) {
        const livekit::DataTrackInfo& info = response.publish_data_track_response().info();
        data_track_numbers_[info.sid()] = info.pub_handle();
        // Another sid is another track: wishes for the old one say nothing of it.
        for (ClientId other = 0; other < seats_.size(); ++other)
            rights_.set(now(), {Right::kDataTrack, number_of(other), info.pub_handle()}, true);
    }
    if (!response.has_track_published()) return;
    const std::string& cid = response.track_published().cid();
    if (const auto number = parse_decimal<std::uint32_t>(std::string_view(cid).substr(1))) {
        track_numbers_[response.track_published().track().sid()] = *number;
        track_owners_[*number] = id;
    }
}

void World::note_response(ClientId id, const livekit::SignalResponse& response) {
    if (response.has_offer()) {
        announce(id, response.offer());
    } else if (response.has_answer() && seats_[id].client &&
               seats_[id].client->session().single()) {
        announce(id, response.answer());
    }
}

void World::announce(ClientId id, const livekit::SessionDescription& description) {
    const auto parsed = sdp::parse(description.sdp());
    if (!parsed || !seats_[id].client) return note("a description that can not be read");
    std::vector<SubscriptionPlan> plans;
    for (const auto& [sid, stream] : client::streams_of(*parsed)) {
        const auto number = track_numbers_.find(sid);
        if (number == track_numbers_.end()) {
            note("a track that nobody published is offered");
            continue;
        }
        plans.push_back({number->second, stream.kind, stream.ssrc, stream.rtx_ssrc,
                         stream.payload_type, stream.rtx_payload_type});
    }
    std::set<std::uint32_t> before;
    for (const auto& [track, stream] : seats_[id].client->subscriber().streams())
        before.insert(track);
    seats_[id].client->announce(now(), plans);
    for (const SubscriptionPlan& plan : plans)
        if (!before.contains(plan.track)) apply_truth(id, plan.track, Duration::zero());
}

// Tells the subscriber's check whether content may come.
void World::apply_truth(ClientId id, std::uint32_t track, Duration delay) {
    Seat& seat = seats_[id];
    StreamChecker* stream = seat.client ? seat.client->subscriber().find(track) : nullptr;
    if (stream == nullptr) return;
    stream->allow_from(now());
    const auto owner = track_owners_.find(track);
    const bool closed = owner != track_owners_.end() &&
                        !(seats_[owner->second].open_to_all && seats_[owner->second].may_publish);
    if (muted_.contains(track) || seat.disabled.contains(track) || !seat.may_subscribe || closed)
        stream->forbid_from(now() + delay);
}

// Of its streams, and of what it publishes.
void World::apply_truths(ClientId id) {
    for (const auto& [track, stream] : seats_[id].client->subscriber().streams())
        apply_truth(id, track, Duration::zero());
    for (const auto& [track, owner] : track_owners_)
        if (owner == id) apply_truth_to_all(track);
}

void World::apply_truth_to_all(std::uint32_t track) {
    for (ClientId id = 0; id < seats_.size(); ++id)
        apply_truth(id, track, Duration::zero());
}

}  // namespace confab::sim
