// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Checks of servers: whom they know, and what they keep.
#include <algorithm>
#include <map>

#include "sim/world/checks.h"

namespace confab::sim {
namespace {

// What everybody must agree on about a participant.
std::string summary(const livekit::ParticipantInfo& info) {
    std::vector<std::string> tracks;
    for (const livekit::TrackInfo& track : info.tracks())
        tracks.push_back(track.sid() + (track.muted() ? " muted" : ""));
    std::sort(tracks.begin(), tracks.end());
    std::string text = info.identity() + " " + info.sid() + " state " +
                       std::to_string(info.state()) + " metadata " + info.metadata() + " may " +
                       std::to_string(info.permission().can_publish() ? 1 : 0) +
                       std::to_string(info.permission().can_subscribe() ? 1 : 0) +
                       std::to_string(info.permission().can_publish_data() ? 1 : 0);
    for (const std::string& track : tracks)
        text += ", " + track;
    return text;
}

// By identity.
struct ServerRoster {
    std::set<std::string> known;
    std::map<std::string, std::string> visible;  // with their summaries
};

ServerRoster server_roster(World& world, std::size_t room) {
    livekit::ListParticipantsRequest request;
    request.set_room(room_name(room));
    const NodeId node = world.servers().home_of(room);
    ServerRoster roster;
    const auto list = world.servers().control(node).rooms().list_participants(request);
    for (const auto& info : list.participants()) {
        if (!roster.known.insert(info.identity()).second)
            world.note("two participants are " + info.identity());
        if (!info.permission().hidden()) roster.visible[info.identity()] = summary(info);
    }
    return roster;
}

void check_known(World& world, const ServerRoster& server, const std::set<std::string>& present) {
    for (const std::string& identity : present)
        if (!server.known.contains(identity)) world.note("the server does not know " + identity);
    for (const std::string& identity : server.known)
        if (!present.contains(identity))
            world.note("the server keeps " + identity + ", who is gone");
}

void check_seen(World& world, const ServerRoster& server, Client& client) {
    std::map<std::string, std::string> seen;
    for (const auto& info : client.session().roster().others())
        if (!seen.emplace(info->identity(), summary(*info)).second)
            world.note(client.name() + ": sees " + info->identity() + " twice");
    for (const auto& [identity, text] : server.visible) {
        if (identity == client.identity()) continue;
        const auto found = seen.find(identity);
        if (found == seen.end())
            world.note(client.name() + ": does not see " + identity);
        else if (found->second != text)
            world.note(client.name() + ": sees [" + found->second + "] where the server has [" +
                       text + "]");
    }
    for (const auto& [identity, text] : seen)
        if (!server.visible.contains(identity))
            world.note(client.name() + ": sees " + identity + ", who is not there");
}

void check_roster(World& world, std::size_t room) {
    std::vector<Client*> clients;
    std::set<std::string> present;
    for (ClientId id = 0; id < world.people().size(); ++id) {
        Client* client = world.people().at(id).room == room ? world.present(id) : nullptr;
        if (client == nullptr) continue;
        clients.push_back(client);
        present.insert(client->identity());
    }
    const ServerRoster server = server_roster(world, room);
    check_known(world, server, present);
    for (Client* client : clients)
        if (client->settled()) check_seen(world, server, *client);
}

void check_empty(World& world, Node& node) {
    const auto check_left = [&](std::uint64_t left, const std::string& what) {
        if (left != 0) world.note(std::to_string(left) + " " + what + " left");
    };
    const room::RoomManager::Snapshot control = node.control().rooms().snapshot();
    check_left(control.rooms, "rooms");
    check_left(control.participants, "participants");
    check_left(control.sessions, "sessions");
    check_left(control.effects_waiting, "effects");
    SfuHost& media = node.media();
    if (!media.queues_empty()) world.note("messages wait between idle shards");
    for (std::size_t i = 0; i < media.size(); ++i) {
        const sfu::ShardSnapshot s = media.snapshot(i);
        const std::string of = "of shard " + std::to_string(i);
        check_left(s.peers, "peers " + of);
        check_left(s.receivers, "receivers " + of);
        check_left(s.tracks, "tracks " + of);
        check_left(s.down_tracks, "down-tracks " + of);
        check_left(s.packets_in_use, "packets " + of);
        if (s.links_dropped != 0) world.note("link messages dropped by shard " + std::to_string(i));
        if (s.events_dropped != 0) world.note("events dropped by shard " + std::to_string(i));
    }
}

}  // namespace

void check_rosters(World& world) {
    std::set<std::size_t> rooms;
    for (ClientId id = 0; id < world.people().size(); ++id) {
        const std::size_t room = world.people().at(id).room;
        if (rooms.insert(room).second) check_roster(world, room);
    }
}

void check_empty(World& world) {
    for (const auto& node : world.servers().nodes())
        check_empty(world, *node);
}

}  // namespace confab::sim
