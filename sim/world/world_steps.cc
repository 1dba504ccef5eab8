// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// World: the steps of a plan. What does not fit the moment is left out.
#include "base/check.h"
#include "sim/world/world.h"

namespace confab::sim {
namespace {

// What of both directions an outage takes.
template <typename Blocked>
void hold(Blocked& blocked, std::uint64_t scope, Timestamp until) {
    if ((scope & kOnlyDown) == 0) blocked.up = std::max(blocked.up, until);
    if ((scope & kOnlyUp) == 0) blocked.down = std::max(blocked.down, until);
}

// What a person wants to send and to get.
void wish(Client& client, const Step& step) {
    switch (step.kind) {
        case StepKind::kPublishAudio:
            return client.publish(MediaKind::kAudio, step.layers, step.value != 0);
        case StepKind::kPublishVideo:
            return client.publish(MediaKind::kVideo, step.layers, step.value != 0);
        case StepKind::kUnpublish:
            return client.unpublish();
        case StepKind::kMute:
        case StepKind::kUnmute:
            return client.set_muted(step.value, step.kind == StepKind::kMute);
        case StepKind::kSettings:
            return client.update_settings(step.value, step.settings);
        case StepKind::kBandwidth:
            return client.subscriber().set_bandwidth(step.value);
        case StepKind::kPublishData:
            return client.publish_data();
        case StepKind::kUnpublishData:
            return client.unpublish_data();
        case StepKind::kDataWish:
            return client.want_data(step.value != 0);
        case StepKind::kAccess:
            return client.set_access(step.value != 0);
        default:
            CONFAB_CHECK(false);  // a kind of step that nobody carries out
    }
}

}  // namespace

void World::set_links(Seat& seat, const LinkProfile& up, const LinkProfile& down) {
    seat.up_profile = up;
    seat.down_profile = down;
    if (seat.up) seat.up->set_profile(up);
    if (seat.down) seat.down->set_profile(down);
}

void World::cut(Seat& seat, const Step& step) {
    const Timestamp until = now() + Duration::millis(static_cast<std::int64_t>(step.value));
    if ((step.scope & kCutUdp) != 0) {
        if (seat.up && (step.scope & kOnlyDown) == 0) seat.up->set_outage(until);
        if (seat.down && (step.scope & kOnlyUp) == 0) seat.down->set_outage(until);
    }
    if ((step.scope & kCutTcp) != 0) hold(seat.tcp_blocked, step.scope, until);
    if ((step.scope & kCutSignal) != 0) hold(seat.signal_blocked, step.scope, until);
}

void World::apply(const Step& step) {
    if (step.client >= seats_.size()) return;
    const ClientId id = step.client;
    switch (step.kind) {
        case StepKind::kJoin:
            join(id, step);
            break;
        case StepKind::kKill:
            kill(id, step.value != 0);
            break;
        case StepKind::kExpectFlow:
            check_flow_of(id);
            break;
        case StepKind::kLinks:
            set_links(seats_[id], step.up, step.down);
            break;
        case StepKind::kOutage:
            cut(seats_[id], step);
            break;
        case StepKind::kPermission:
        case StepKind::kServerMute:
        case StepKind::kMetadata:
        case StepKind::kRemove:
        case StepKind::kDeleteRoom:
            service(step);
            break;
        default:
            if (step.kind == StepKind::kBandwidth) bandwidth_limited_ = true;
            if (is_in(seats_[id])) act(seats_[id], step);
            break;
    }
    turn(id);
}

// What somebody who is there does, and what happens to it.
void World::act(Seat& seat, const Step& step) {
    const ClientId id = step.client;
    Client& client = *seat.client;
    switch (step.kind) {
        case StepKind::kLeave:
            client.leave();
            turn(id);
            kill(id, false);
            break;
        case StepKind::kIceRestart:
            if (client.settled()) client.session().restart_ice(now());
            break;
        case StepKind::kNatRebind:
            close_outside(seat);
            seat.outside = {new_outside(id, client::Target::kPublisher),
                            new_outside(id, client::Target::kSubscriber)};
            break;
        case StepKind::kSignalReset:
            if (seat.wire != 0) drop_wire(seat.wire, true, true);
            break;
        case StepKind::kFlood:
            if (!client.settled() || !seat.may_send_data || over_) break;
            for (std::uint64_t i = 0; i < step.value; ++i)
                (void)client.say(now(), DataKind::kReliable, 0, {});
            break;
        default:
            wish(client, step);
            break;
    }
}

// ---------------------------------------------------------------- service calls

void World::permission(ClientId id, std::uint64_t bits) {
    livekit::UpdateParticipantRequest request;
    request.set_room(room_name(person(id).room));
    request.set_identity(person(id).identity);
    livekit::ParticipantPermission& permission = *request.mutable_permission();
    permission.set_can_publish((bits & kMayPublish) != 0);
    permission.set_can_subscribe((bits & kMaySubscribe) != 0);
    permission.set_can_publish_data((bits & kMaySendData) != 0);
    permission.set_hidden(person(id).hidden);
    const auto done =
        control_of(id).service([&](room::RoomManager& rooms, const room::Clock& clock) {
            return rooms.update_participant(clock, request);
        });
    if (!done) return;
    // Whoever of that identity is there.
    for (ClientId same = 0; same < seats_.size(); ++same) {
        if (number_of(same) != number_of(id)) continue;
        Seat& seat = seats_[same];
        seat.may_publish = permission.can_publish();
        seat.may_subscribe = permission.can_subscribe();
        seat.may_send_data = permission.can_publish_data();
        if (!seat.client) continue;
        // What was under way may be dropped.
        seat.client->new_speaker(next_number_++);
        apply_truths(same);
    }
    rights_.set(now(), {Right::kSendData, number_of(id), 0}, permission.can_publish_data());
    rights_.set(now(), {Right::kHear, number_of(id), 0}, permission.can_subscribe());
    for (Seat& other : seats_)
        if (other.client) other.client->forget_messages();
}

void World::service(const Step& step) {
    const std::string identity = person(step.client).identity;
    Seat& seat = seats_[step.client];
    if (step.kind == StepKind::kPermission) return permission(step.client, step.value);
    const std::string room = room_name(person(step.client).room);
    control_of(step.client).service([&](room::RoomManager& rooms, const room::Clock& clock) {
        if (step.kind == StepKind::kDeleteRoom) {
            livekit::DeleteRoomRequest request;
            request.set_room(room);
            return rooms.delete_room(clock, request).has_value();
        }
        if (step.kind == StepKind::kRemove) {
            livekit::RoomParticipantIdentity request;
            request.set_room(room);
            request.set_identity(identity);
            return rooms.remove_participant(clock, request).has_value();
        }
        if (step.kind == StepKind::kMetadata) {
            livekit::UpdateParticipantRequest request;
            request.set_room(room);
            request.set_identity(identity);
            request.set_metadata("m" + std::to_string(step.at.ms()));
            return rooms.update_participant(clock, request).has_value();
        }
        if (!is_in(seat) || seat.client->tracks().empty()) return false;
        const auto& tracks = seat.client->tracks();
        const OwnTrack& track = tracks[step.value % tracks.size()];
        livekit::MuteRoomTrackRequest request;
        request.set_room(room);
        request.set_identity(identity);
        request.set_track_sid(seat.client->session().tracks().sid(track.cid()));
        request.set_muted(true);
        if (request.track_sid().empty() || !rooms.mute_published_track(clock, request))
            return false;
        muted_.insert(track.number);
        apply_truth_to_all(track.number);
        seat.client->set_muted(step.value % tracks.size(), true);
        return true;
    });
}

}  // namespace confab::sim
