// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/truth.h"

#include <algorithm>

#include "base/text.h"

namespace confab::sim {

Truth::Truth(const People& people, Audience& audience)
    : people_(people), audience_(audience), standings_(people.size()) {}

// ---------------------------------------------------------------- what the server is told

void Truth::begin_session(Timestamp now, ClientId id) {
    standings_[id] = Standing{};
    const std::uint32_t who = people_.number_of(id);
    for (const Right right : {Right::kSendData, Right::kHear, Right::kAccess})
        rights_.set(now, {right, who, 0}, true);
    for (const auto& [sid, track] : data_track_numbers_)
        rights_.set(now, {Right::kDataTrack, who, track}, true);
}

void Truth::note_request(Timestamp now, ClientId id, const livekit::SignalRequest& request) {
    if (request.has_mute())
        note_mute(now, request.mute());
    else if (request.has_track_setting())
        note_settings(now, id, request.track_setting());
    else if (request.has_update_data_subscription())
        note_data_wishes(now, id, request.update_data_subscription());
    else if (request.has_subscription_permission())
        note_access(now, id, request.subscription_permission());
}

void Truth::note_mute(Timestamp now, const livekit::MuteTrackRequest& request) {
    const std::uint32_t track = track_number(request.sid());
    if (track == 0) return;
    if (request.muted()) return mute(now, track);
    muted_.erase(track);
    apply_to_all(now, track);
}

void Truth::mute(Timestamp now, std::uint32_t track) {
    muted_.insert(track);
    apply_to_all(now, track);
}

void Truth::note_settings(Timestamp now, ClientId id,
                          const livekit::UpdateTrackSettings& settings) {
    auto& disabled = standings_[id].disabled;
    for (const std::string& sid : settings.track_sids()) {
        const std::uint32_t track = track_number(sid);
        if (settings.disabled())
            disabled.try_emplace(track, now + kSettingsDelay);
        else
            disabled.erase(track);
        apply(now, id, track);
    }
}

void Truth::note_data_wishes(Timestamp now, ClientId id,
                             const livekit::UpdateDataSubscription& update) {
    for (const auto& wish : update.updates()) {
        const auto track = data_track_numbers_.find(wish.track_sid());
        if (track == data_track_numbers_.end()) continue;
        rights_.set(now, {Right::kDataTrack, people_.number_of(id), track->second},
                    wish.subscribe());
    }
}

void Truth::note_access(Timestamp now, ClientId id, const livekit::SubscriptionPermission& access) {
    standings_[id].open_to_all = access.all_participants();
    rights_.set(now, {Right::kAccess, people_.number_of(id), 0}, access.all_participants());
    apply_to_tracks_of(now, id);
}

void Truth::permit(Timestamp now, ClientId id, const livekit::ParticipantPermission& permission) {
    for (const ClientId same : people_.same_person(id)) {
        Standing& standing = standings_[same];
        standing.may_publish = permission.can_publish();
        standing.may_subscribe = permission.can_subscribe();
        standing.may_send_data = permission.can_publish_data();
    }
    const std::uint32_t who = people_.number_of(id);
    rights_.set(now, {Right::kSendData, who, 0}, permission.can_publish_data());
    rights_.set(now, {Right::kHear, who, 0}, permission.can_subscribe());
}

// ---------------------------------------------------------------- what the server tells

void Truth::note_response(Timestamp now, ClientId id, const livekit::SignalResponse& response) {
    if (response.has_publish_data_track_response()) {
        const livekit::DataTrackInfo& info = response.publish_data_track_response().info();
        data_track_numbers_[info.sid()] = info.pub_handle();
        // Another sid is another track: wishes for the old one say nothing of it.
        for (ClientId other = 0; other < people_.size(); ++other)
            rights_.set(now, {Right::kDataTrack, people_.number_of(other), info.pub_handle()},
                        true);
    }
    if (!response.has_track_published()) return;
    const std::string& cid = response.track_published().cid();
    if (const auto number = parse_decimal<std::uint32_t>(std::string_view(cid).substr(1))) {
        track_numbers_[response.track_published().track().sid()] = *number;
        track_owners_[*number] = id;
    }
}

std::uint32_t Truth::track_number(const std::string& sid) const {
    const auto found = track_numbers_.find(sid);
    return found == track_numbers_.end() ? 0 : found->second;
}

// ---------------------------------------------------------------- what follows

// To everybody, whatever they wish.
bool Truth::is_closed(std::uint32_t track) const {
    if (muted_.contains(track)) return true;
    const auto owner = track_owners_.find(track);
    if (owner == track_owners_.end()) return false;
    const Standing& of_owner = standings_[owner->second];
    return !of_owner.open_to_all || !of_owner.may_publish;
}

void Truth::apply(Timestamp now, ClientId to, std::uint32_t track) {
    StreamChecker* stream = audience_.stream(to, track);
    if (stream == nullptr) return;
    stream->allow_from(now);
    const Standing& standing = standings_[to];
    const auto disabled = standing.disabled.find(track);
    if (is_closed(track) || !standing.may_subscribe)
        stream->forbid_from(now);
    else if (disabled != standing.disabled.end())
        stream->forbid_from(std::max(now, disabled->second));
}

void Truth::apply_to_all(Timestamp now, std::uint32_t track) {
    for (ClientId to = 0; to < people_.size(); ++to)
        apply(now, to, track);
}

void Truth::apply_to_tracks_of(Timestamp now, ClientId owner) {
    for (const auto& [track, by] : track_owners_)
        if (by == owner) apply_to_all(now, track);
}

void Truth::standing_changed(Timestamp now, ClientId id) {
    for (const auto& [track, owner] : track_owners_)
        apply(now, id, track);
    apply_to_tracks_of(now, id);
}

std::string Truth::objection(Timestamp now, std::uint32_t person, const DataStamp& stamp) const {
    const auto denied = [&](Right right, std::uint32_t whose, std::uint32_t of) {
        return rights_.denied({right, whose, of}, stamp.sent, now);
    };
    if (stamp.from == 0 || stamp.from > people_.size()) return "message from nobody";
    if (people_.by_number(person).room != people_.by_number(stamp.from).room)
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

}  // namespace confab::sim
