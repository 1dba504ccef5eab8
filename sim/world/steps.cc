// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/steps.h"

#include "base/check.h"
#include "sim/world/checks.h"

namespace confab::sim {
namespace {

// What a person wants to send and to get.
void wish(Client& client, const Step& step) {
    switch (step.kind) {
        case StepKind::kPublishAudio:
            return client.tracks().publish(MediaKind::kAudio, step.layers, step.value != 0);
        case StepKind::kPublishVideo:
            return client.tracks().publish(MediaKind::kVideo, step.layers, step.value != 0);
        case StepKind::kUnpublish:
            return client.tracks().unpublish();
        case StepKind::kMute:
        case StepKind::kUnmute:
            return client.tracks().set_muted(step.value, step.kind == StepKind::kMute);
        case StepKind::kAccess:
            return client.tracks().set_access(step.value != 0);
        case StepKind::kSettings:
            return client.update_settings(step.value, step.settings);
        case StepKind::kBandwidth:
            return client.subscriber().set_bandwidth(step.value);
        case StepKind::kPublishData:
            return client.messages().publish_track();
        case StepKind::kUnpublishData:
            return client.messages().unpublish_track();
        case StepKind::kDataWish:
            return client.messages().want_tracks(step.value != 0);
        default:
            CONFAB_CHECK(false);  // a kind of step that nobody carries out
    }
}

}  // namespace

Steps::Steps(const Scenario& scenario, World& world, Chatter& chatter)
    : scenario_(scenario), world_(world), chatter_(chatter) {
    for (const Step& step : scenario_.steps)
        world_.events().plan(kRunStart + step.at, [this, &step] { apply(step); });
}

void Steps::apply(const Step& step) {
    const ClientId id = step.client;
    if (id >= world_.people().size()) return;
    switch (step.kind) {
        case StepKind::kJoin:
            join(step);
            break;
        case StepKind::kKill:
            world_.kill(id, step.value != 0);
            break;
        case StepKind::kExpectFlow:
            check_flow_of(world_, id, scenario_.expects_full_layers);
            break;
        case StepKind::kLinks:
            world_.udp().set_profiles(id, step.up, step.down);
            break;
        case StepKind::kOutage:
            cut(step);
            break;
        case StepKind::kPermission:
            permission(step);
            break;
        case StepKind::kServerMute:
        case StepKind::kMetadata:
        case StepKind::kMove:
        case StepKind::kRemove:
        case StepKind::kDeleteRoom:
            service(step);
            break;
        default:
            if (Client* client = world_.present(id)) act(*client, step);
            break;
    }
    world_.turn(id);
}

void Steps::join(const Step& step) {
    if (world_.present(step.client) != nullptr) return;
    world_.join(step.client, step.value == 0);
    if (scenario_.messages) chatter_.begin(step.client);
}

void Steps::cut(const Step& step) {
    const Timestamp until = world_.now() + Duration::millis(static_cast<std::int64_t>(step.value));
    const Directions which{(step.scope & kOnlyDown) == 0, (step.scope & kOnlyUp) == 0};
    if ((step.scope & kCutUdp) != 0) world_.udp().cut(step.client, which, until);
    if ((step.scope & kCutTcp) != 0) world_.streams().cut(step.client, which, until);
    if ((step.scope & kCutSignal) != 0) world_.sockets().cut(step.client, which, until);
}

// What somebody who is there does, and what happens to it.
void Steps::act(Client& client, const Step& step) {
    const ClientId id = step.client;
    switch (step.kind) {
        case StepKind::kLeave:
            client.leave();
            world_.turn(id);
            return world_.kill(id, false);
        case StepKind::kIceRestart:
            if (client.settled()) client.session().restart_ice(world_.now());
            return;
        case StepKind::kNatRebind:
            return world_.udp().rebind(id);
        case StepKind::kSignalReset:
            return world_.sockets().reset(id);
        case StepKind::kFlood:
            return flood(client, step);
        default:
            return wish(client, step);
    }
}

void Steps::flood(Client& client, const Step& step) {
    if (!client.settled() || !world_.truth().of(step.client).may_send_data || chatter_.is_over())
        return;
    for (std::uint64_t i = 0; i < step.value; ++i)
        (void)client.say(world_.now(), DataKind::kReliable, 0, {});
}

// ---------------------------------------------------------------- service calls

void Steps::permission(const Step& step) {
    const People& people = world_.people();
    const Person& who = people.at(step.client);
    livekit::UpdateParticipantRequest request;
    request.set_room(people.room_of(step.client));
    request.set_identity(who.identity);
    livekit::ParticipantPermission& permission = *request.mutable_permission();
    permission.set_can_publish((step.value & kMayPublish) != 0);
    permission.set_can_subscribe((step.value & kMaySubscribe) != 0);
    permission.set_can_publish_data((step.value & kMaySendData) != 0);
    permission.set_hidden(who.hidden);
    ControlNode& control = world_.servers().control(world_.servers().home_of(who.room));
    const auto done = control.service([&](room::RoomManager& rooms, const room::Clock& clock) {
        return rooms.update_participant(clock, request);
    });
    if (!done) return;
    world_.truth().permit(world_.now(), step.client, permission);
    for (const ClientId same : people.same_person(step.client)) {
        Client* client = world_.client(same);
        if (client == nullptr) continue;
        client->messages().new_speaker();
        world_.truth().standing_changed(world_.now(), same);
    }
    // What was under way may be dropped.
    for (ClientId other = 0; other < people.size(); ++other)
        if (Client* client = world_.client(other)) client->messages().forget(world_.now());
}

void Steps::service(const Step& step) {
    const Person& who = world_.people().at(step.client);
    const std::string room = room_name(who.room);
    ControlNode& control = world_.servers().control(world_.servers().home_of(who.room));
    control.service([&](room::RoomManager& rooms, const room::Clock& clock) {
        if (step.kind == StepKind::kDeleteRoom) {
            livekit::DeleteRoomRequest request;
            request.set_room(room);
            return rooms.delete_room(clock, request).has_value();
        }
        if (step.kind == StepKind::kRemove) {
            livekit::RoomParticipantIdentity request;
            request.set_room(room);
            request.set_identity(who.identity);
            return rooms.remove_participant(clock, request).has_value();
        }
        if (step.kind == StepKind::kMove) {
            const auto to = static_cast<sfu::WorkerIndex>(step.value % scenario_.shards);
            return rooms.relocations(clock).workers().begin(room, who.identity, to).has_value();
        }
        if (step.kind == StepKind::kMetadata) {
            livekit::UpdateParticipantRequest request;
            request.set_room(room);
            request.set_identity(who.identity);
            request.set_metadata("m" + std::to_string(step.at.ms()));
            return rooms.update_participant(clock, request).has_value();
        }
        return mute(rooms, clock, step);
    });
}

bool Steps::mute(room::RoomManager& rooms, const room::Clock& clock, const Step& step) {
    Client* client = world_.present(step.client);
    if (client == nullptr || client->tracks().all().empty()) return false;
    const std::size_t index = step.value % client->tracks().all().size();
    const OwnTrack& track = client->tracks().all()[index];
    livekit::MuteRoomTrackRequest request;
    request.set_room(world_.people().room_of(step.client));
    request.set_identity(client->identity());
    request.set_track_sid(client->session().tracks().sid(track.cid()));
    request.set_muted(true);
    if (request.track_sid().empty() || !rooms.mute_published_track(clock, request)) return false;
    world_.truth().mute(world_.now(), track.number);
    client->tracks().set_muted(index, true);
    return true;
}

}  // namespace confab::sim
