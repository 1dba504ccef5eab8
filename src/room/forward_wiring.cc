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

// Names are of one room: whom it lets in by name where it is says nothing of who is here.
livekit::SubscriptionPermission access_here(const livekit::SubscriptionPermission& list) {
    livekit::SubscriptionPermission result;
    result.set_all_participants(list.all_participants());
    return result;
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
    return {p.info.version(), room_->subscriptions_.access(p).revision(), p.worker};
}

// A leave is told from the end of a session that the participant has replaced, or is going to: it
// has to be forwarded again then.
livekit::DisconnectReason ForwardWiring::end_reason(const std::string& identity,
                                                    const std::string& sid) const {
    if (room_->find(identity) != nullptr) return livekit::STATE_MISMATCH;
    const livekit::DisconnectReason reason = room_->news_.departure_reason(sid);
    return reason == livekit::UNKNOWN_REASON ? livekit::CLIENT_INITIATED : reason;
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
    params.room = room_->key();
    params.grants = grants_here(from.grants, room_->news_.info().name());
    params.client = from.client;
    params.auto_subscribe = false;
    const RoomScope& scope = *room_->scope_;
    auto owned = std::make_unique<Participant>(scope, params, Placement::beside(from.worker));
    owned->elsewhere = from.data;
    owned->signal.discard();
    owned->presence.activated();
    owned->info.set_state(livekit::ParticipantInfo::ACTIVE);
    Participant& p = room_->roster_.add(std::move(owned));
    room_->session_wiring_.came(p, params);
    (void)room_->subscriptions_.set_access(p, access_here(from.access));
    room_->changed(p, true);
    room_->webhook("participant_joined", &p, nullptr);
    room_->publications_.mirror(p, std::move(from.tracks));
    room_->data_.mirror(p, std::move(from.data_tracks));
    room_->news_.counts_changed();
    return p.sid();
}

void ForwardWiring::follow(Participant& p, Forwarded from) {
    follow_info(p, grants_here(std::move(from.grants), room_->news_.info().name()));
    if (const sfu::WorkerIndex left = p.worker; left != from.worker) {
        enter_worker(room_->data_, p, from.worker);
        swap_workers(room_->data_, p, left);
        p.worker = from.worker;
        leave_worker(room_->data_, p, left);
    }
    const livekit::SubscriptionPermission access = access_here(from.access);
    const livekit::SubscriptionPermission& before = room_->subscriptions_.access(p).list();
    if (access.SerializeAsString() != before.SerializeAsString()) {
        (void)room_->subscriptions_.set_access(p, access);
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

void ForwardWiring::end(Participant& p, livekit::DisconnectReason reason) {
    room_->sessions_.end(p, Ending::silent(reason));
}

void ForwardWiring::handle_levels(const Participant& p,
                                  const std::vector<sfu::SpeakerLevel>& levels) {
    room_->speakers_.handle_levels(p, levels);
}

void ForwardWiring::note(ForwardedWish wish) {
    wishes_[wish.publisher_sid].push_back(std::move(wish));
}

std::vector<ForwardedWish> ForwardWiring::take_wishes(const std::string& publisher_sid) {
    const auto node = wishes_.extract(publisher_sid);
    return node.empty() ? std::vector<ForwardedWish>{} : std::move(node.mapped());
}

}  // namespace confab::room
