// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: what its parts need of each other.
#include "room/room.h"

namespace confab::room {

// ---------------------------------------------------------------- for subscriptions

Publication Room::find_publication(const std::string& sid) const {
    const TrackRef found = find_track(sid);
    return {found.publisher, found.track};
}

std::vector<Publication> Room::publications() const {
    std::vector<Publication> result;
    for (const Participant* publisher : publishers()) {
        const auto tracks = publications_of(*publisher);
        result.insert(result.end(), tracks.begin(), tracks.end());
    }
    return result;
}

std::vector<Publication> Room::publications_of(const Participant& publisher) const {
    std::vector<Publication> result;
    Participant* owner = find(publisher.identity());
    for (const auto& [sid, track] : publisher.publish.tracks())
        if (track.announced) result.push_back({owner, &track});
    return result;
}

void Room::quality_wanted(const Publication& of, const QualityWish& wish) {
    const TrackRef track = find_track(of.track->info.sid());
    const std::uint64_t by = wish.by.value();
    Dynacast& dynacast = track.track->dynacast;
    if (wish.instead_of) dynacast.want(scope_->now(), *wish.instead_of, by, std::nullopt);
    dynacast.want(scope_->now(), wish.codec, by, wish.quality);
    poll_dynacast(*track.publisher, *track.track);
}

void Room::quality_unwanted(const Publication& of, sfu::DownTrackId by) {
    const TrackRef track = find_track(of.track->info.sid());
    track.track->dynacast.remove(scope_->now(), by.value());
    poll_dynacast(*track.publisher, *track.track);
}

void Room::track_subscribed(const Publication& of) {
    const TrackRef track = find_track(of.track->info.sid());
    if (std::exchange(track.track->told_subscribed, true)) return;
    livekit::SignalResponse response;
    response.mutable_track_subscribed()->set_track_sid(track.track->info.sid());
    track.publisher->signal.send(std::move(response));
}

void Room::codec_regressed(const Publication& of) {
    find_track(of.track->info.sid()).track->regressed = true;
}

std::optional<Downlink> Room::downlink(const Participant& p) const {
    const PeerLink* link = negotiation_.downstream(p);
    if (link == nullptr) return std::nullopt;
    return Downlink{link->id(), link->connected, link->connected_at};
}

void Room::section_needed(Participant& p, sdp::Sender sender) {
    negotiation_.add_sender(p, std::move(sender));
}

void Room::section_dropped(Participant& p, sfu::DownTrackId id, bool in_use) {
    quality_.forget(p, id.value());
    negotiation_.remove_sender(p, id.value(), in_use);
}

void Room::subscriber_stuck(Participant& p) {
    full_reconnect(p);
}

void Room::subscribe_existing(Participant& p) {
    subscriptions_.subscribe_existing(p);
    if (!p.closing) data_.reconcile(p);  // a subscription that is stuck may have ended it
}

}  // namespace confab::room
