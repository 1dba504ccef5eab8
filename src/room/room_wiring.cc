// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/room_wiring.h"

#include "room/room.h"

namespace confab::room {

// ---------------------------------------------------------------- data

// The connection on which data goes to it.
DataHost::Peers RoomWiring::data_peers(const Participant& p) const {
    const PeerLink* down = room_->negotiation_.primary(p);
    const PeerLink* publisher = room_->negotiation_.publisher(p);
    const PeerLink* other = down == publisher ? room_->negotiation_.downstream(p) : publisher;
    const auto id = [](const PeerLink* link) {
        return link == nullptr ? sfu::PeerId() : link->id();
    };
    return {id(down), other == down ? sfu::PeerId() : id(other), id(publisher),
            id(room_->negotiation_.downstream(p))};
}

bool RoomWiring::grants_access(const Participant& publisher, const Participant& to,
                               const std::string& track_sid) const {
    return room_->subscriptions_.grants_access(publisher, to, track_sid);
}

void RoomWiring::data_tracks_changed(Participant& publisher) {
    // Who has a data track, or had one, is a publisher as well.
    if (!publisher.info.is_publisher()) {
        publisher.info.set_is_publisher(true);
        room_->roster_.count(publisher);
        room_->news_.counts_changed();
    }
    room_->changed(publisher, true);
}

// ---------------------------------------------------------------- negotiation

std::vector<sdp::PendingTrack> RoomWiring::pending_tracks(const Participant& p) const {
    return room_->publications_.pending_sections(p);
}

bool RoomWiring::publishes_on(const Participant& p, std::string_view mid) const {
    return room_->publications_.publishes_on(p, mid);
}

void RoomWiring::offer_answered(Participant& p, const sdp::Answer& answer) {
    room_->publications_.take_sections(p, answer);
}

void RoomWiring::senders_bound(Participant& p, const std::vector<sdp::BoundSender>& bound) {
    room_->subscriptions_.bind(p, bound);
}

void RoomWiring::link_added(const Participant& p) {
    room_->data_.update(p);
}

void RoomWiring::no_data_wanted(Participant& p) {
    room_->data_.expect_no_channels(p);
}

void RoomWiring::negotiation_failed(Participant& p) {
    room_->sessions_.end(p, Ending::full_reconnect());
}

// ---------------------------------------------------------------- publications

std::optional<Uplink> RoomWiring::uplink(const Participant& p) const {
    const PeerLink* link = room_->negotiation_.publisher(p);
    if (link == nullptr) return std::nullopt;
    return Uplink{link->id(), link->ever_connected, link->connected_at};
}

std::vector<sdp::PublishSection> RoomWiring::late_sections(Participant& p) {
    return room_->negotiation_.match_late(p);
}

void RoomWiring::track_announced(const Publication& track) {
    Participant& publisher = *track.publisher;
    publisher.info.set_is_publisher(true);
    room_->roster_.count(publisher);
    room_->changed(publisher, true);
    room_->webhook("track_published", &publisher, &track.track->info);
    room_->dispatches_.published(publisher);
    room_->egress_.published(publisher, track.track->info);
    room_->news_.counts_changed();
    room_->subscriptions_.track_announced(track);
}

void RoomWiring::codec_added(const Publication& track) {
    room_->subscriptions_.codec_added(track);
}

void RoomWiring::codec_changed(const Publication& track) {
    room_->subscriptions_.renew(track, Subscriptions::Renewed::kWithoutItsCodec);
}

void RoomWiring::sizes_changed(const Publication& track) {
    apply_sizes(room_->subscriptions_, track);
}

void RoomWiring::track_ending(const Publication& track) {
    // While those who heard it still subscribe (IN-31).
    for (const CodecSlot& slot : track.track->slots)
        if (slot.receiver) room_->speakers_.remove(*slot.receiver);
    room_->speakers_.tell_changes();
    room_->subscriptions_.track_ended(track.track->info.sid());
    for (const CodecSlot& slot : track.track->slots)
        if (slot.receiver) room_->quality_.forget(*track.publisher, slot.receiver->value());
}

void RoomWiring::track_unpublished(Participant& publisher, const livekit::TrackInfo& track) {
    room_->webhook("track_unpublished", &publisher, &track);
    if (!publisher.closing) room_->changed(publisher, true);
}

void RoomWiring::tracks_changed(Participant& publisher) {
    room_->changed(publisher, true);
}

// ---------------------------------------------------------------- subscriptions

Publication RoomWiring::find_publication(const std::string& sid) const {
    return room_->publications_.announced().find(sid);
}

std::vector<Publication> RoomWiring::publications() const {
    return room_->publications_.announced().all();
}

std::vector<Publication> RoomWiring::publications_of(const Participant& publisher) const {
    return room_->publications_.announced().of(publisher);
}

// What is wanted of a participant that is elsewhere is for the room where it is.
void RoomWiring::quality_wanted(const Publication& track, const QualityWish& wish) {
    if (track.track->borrowed)
        return room_->forward_wiring_.note(
            {track.publisher->sid(), track.track->info.sid(), wish, {}, false});
    room_->publications_.announced().want_quality(track, wish);
}

void RoomWiring::quality_unwanted(const Publication& track, sfu::DownTrackId by) {
    if (track.track->borrowed)
        return room_->forward_wiring_.note(
            {track.publisher->sid(), track.track->info.sid(), {}, by, false});
    room_->publications_.announced().unwant_quality(track, by);
}

void RoomWiring::track_subscribed(const Publication& track) {
    if (track.track->borrowed)
        return room_->forward_wiring_.note(
            {track.publisher->sid(), track.track->info.sid(), {}, {}, true});
    room_->publications_.announced().subscribed(track);
}

void RoomWiring::codec_regressed(const Publication& track) {
    room_->publications_.regressed(track);
}

void RoomWiring::hearing_changed(Participant& p, std::uint64_t publisher) {
    if (const Participant* speaker = room_->roster_.find_number(publisher))
        room_->speakers_.hearing_changed(p, *speaker);
}

std::optional<Downlink> RoomWiring::downlink(const Participant& p) const {
    const PeerLink* link = room_->negotiation_.downstream(p);
    if (link == nullptr) return std::nullopt;
    return Downlink{link->id(), link->connected(), link->connected_at};
}

void RoomWiring::section_needed(Participant& p, sdp::Sender sender) {
    room_->negotiation_.add_sender(p, std::move(sender));
}

void RoomWiring::section_dropped(Participant& p, sfu::DownTrackId id, bool in_use) {
    room_->quality_.forget(p, id.value());
    room_->negotiation_.remove_sender(p, id.value(), in_use);
}

void RoomWiring::subscriber_stuck(Participant& p) {
    room_->sessions_.end(p, Ending::full_reconnect());
}

// ---------------------------------------------------------------- agents

const std::string& RoomWiring::room_name() const {
    return room_->news_.info().name();
}

const std::string& RoomWiring::room_key() const {
    return room_->key();
}

livekit::Room RoomWiring::job_room() const {
    livekit::Room room = room_->news_.told();
    room.clear_turn_password();
    return room;
}

livekit::ParticipantInfo RoomWiring::describe(const Participant& p) const {
    return room_->describe(p);
}

void RoomWiring::job_webhook(const char* event, const livekit::Job& job) {
    room_->job_webhook(event, job);
}

void RoomWiring::remove_agent(Participant& p) {
    room_->sessions_.end(p, {livekit::PARTICIPANT_REMOVED});
}

}  // namespace confab::room
