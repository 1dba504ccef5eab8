// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/forward_wiring.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "room/room.h"

namespace confab::room {
namespace {

// Here it publishes what it publishes where it is, and that is all.
token::Grants grants_here(token::Grants grants, const std::string& room) {
    if (!grants.video) grants.video.emplace();
    token::VideoGrant& video = *grants.video;
    video.room = room;
    video.can_subscribe = false;
    video.can_update_own_metadata = false;
    video.can_subscribe_metrics = false;
    video.recorder = false;
    video.room_admin = false;
    auto& details = grants.kind_details;
    if (std::find(details.begin(), details.end(), livekit::ParticipantInfo::FORWARDED) ==
        details.end())
        details.push_back(livekit::ParticipantInfo::FORWARDED);
    return grants;
}

}  // namespace

// ---------------------------------------------------------------- one that is here

Forwarded ForwardWiring::view(const Participant& p) const {
    Forwarded result;
    result.grants = p.current_grants();
    result.client = p.client;
    result.worker = p.worker;
    result.data = {room_->id(), sfu::MemberId(p.number)};
    result.access = room_->subscriptions_.access(p).list();
    for (const Publication& track : room_->publications_.announced().of(p))
        result.tracks.push_back(*track.track);
    result.data_tracks = room_->data_.tracks(p);
    return result;
}

ForwardedVersion ForwardWiring::version(const Participant& p) const {
    return {p.info.version(), room_->subscriptions_.access(p).revision()};
}

void ForwardWiring::carry_out(const ForwardedWish& wish) {
    AnnouncedTracks& announced = room_->publications_.announced();
    const Publication track = announced.find(wish.track_sid);
    if (!track) return;
    if (wish.wanted) announced.want_quality(track, *wish.wanted);
    if (wish.unwanted) announced.unwant_quality(track, *wish.unwanted);
    if (wish.subscribed) announced.subscribed(track);
}

// ---------------------------------------------------------------- one that is elsewhere

std::string ForwardWiring::add(Forwarded from) {
    JoinParams params;
    params.room = room_->name();
    params.grants = grants_here(from.grants, params.room);
    params.client = from.client;
    params.auto_subscribe = false;
    const RoomScope& scope = *room_->scope_;
    auto owned = std::make_unique<Participant>(scope, params,
                                               scope.placement.keep(params.room, from.worker));
    owned->elsewhere = from.data;
    owned->presence.activated();
    owned->info.set_state(livekit::ParticipantInfo::ACTIVE);
    Participant& p = room_->roster_.add(std::move(owned));
    room_->session_wiring_.came(p, params);
    (void)room_->subscriptions_.set_access(p, from.access);
    room_->changed(p, true);
    room_->webhook("participant_joined", &p, nullptr);
    room_->publications_.mirror(p, std::move(from.tracks));
    room_->data_.mirror(p, std::move(from.data_tracks));
    room_->news_.counts_changed();
    return p.sid();
}

void ForwardWiring::follow(Participant& p, Forwarded from) {
    follow_info(p, grants_here(std::move(from.grants), room_->name()));
    const livekit::SubscriptionPermission& access = room_->subscriptions_.access(p).list();
    if (access.SerializeAsString() != from.access.SerializeAsString()) {
        (void)room_->subscriptions_.set_access(p, from.access);
        room_->data_.reconcile_publisher(p);
    }
    room_->publications_.mirror(p, std::move(from.tracks));
    room_->data_.mirror(p, std::move(from.data_tracks));
}

void ForwardWiring::follow_info(Participant& p, const token::Grants& now) {
    const livekit::ParticipantPermission permission = token::to_permission(now);
    if (permission.SerializeAsString() != p.info.permission().SerializeAsString())
        room_->set_permission(p, permission);
    const std::map<std::string, std::string> shown{p.info.attributes().begin(),
                                                   p.info.attributes().end()};
    const std::map<std::string, std::string> is{now.attributes.begin(), now.attributes.end()};
    if (shown == is && p.info.name() == now.name && p.info.metadata() == now.metadata) return;
    p.info.set_name(now.name);
    p.info.set_metadata(now.metadata);
    p.info.clear_attributes();
    for (const auto& [key, value] : is)
        (*p.info.mutable_attributes())[key] = value;
    room_->changed(p, true);
}

void ForwardWiring::end(Participant& p) {
    room_->sessions_.end(p, Ending::silent(livekit::CLIENT_INITIATED));
}

void ForwardWiring::handle_levels(const Participant& p,
                                  const std::vector<sfu::SpeakerLevel>& levels) {
    room_->speakers_.handle_levels(p, levels);
}

std::vector<ForwardedWish> ForwardWiring::take_wishes(const std::string& publisher_sid) {
    std::vector<ForwardedWish> taken;
    std::vector<ForwardedWish> left;
    for (ForwardedWish& wish : std::exchange(wishes_, {}))
        (wish.publisher_sid == publisher_sid ? taken : left).push_back(std::move(wish));
    wishes_ = std::move(left);
    return taken;
}

}  // namespace confab::room
