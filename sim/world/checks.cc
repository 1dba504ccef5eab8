// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Checks of clients: who is in, what they see and what they get.
#include "sim/world/checks.h"

#include <algorithm>

namespace confab::sim {
namespace {

// What flows shows up within this time.
constexpr Duration kVideoGap = Duration::millis(1500);
constexpr Duration kAudioGap = Duration::millis(400);

// Connected, so that it can be asked for what it has.
Client* settled(World& world, ClientId id) {
    Client* client = world.present(id);
    return client != nullptr && client->settled() ? client : nullptr;
}

}  // namespace

void check_present(World& world) {
    for (ClientId id = 0; id < world.people().size(); ++id)
        if (Client* client = world.client(id))
            if (!client->session().roster().let_go().empty())
                world.note(client->name() +
                           ": is told that somebody left who is there anew [SIG-133]");
    for (ClientId id = 0; id < world.people().size(); ++id)
        if (const Client* client = world.present(id))
            if (!client->settled())
                world.note(client->name() + ": not connected after all links healed");
}

// ---------------------------------------------------------------- media

namespace {

struct Flow {
    World& world;
    ClientId from;
    ClientId to;
    bool full_layers;
};

// Whether anything of the one may reach the other.
bool is_open(const Flow& flow) {
    const Truth::Standing& to = flow.world.truth().of(flow.to);
    const Truth::Standing& from = flow.world.truth().of(flow.from);
    const People& people = flow.world.people();
    return people.same_room(flow.to, flow.from) && to.may_subscribe && from.may_publish &&
           from.open_to_all && !people.at(flow.from).hidden;
}

void check_stream(const Flow& flow, StreamChecker& stream, int wanted, const std::string& name) {
    const Duration gap = flow.world.now() - stream.last_content();
    if (gap > (stream.is_video() ? kVideoGap : kAudioGap))
        return flow.world.note(name + ": nothing came for " + std::to_string(gap.ms()) + " ms");
    if (!stream.is_video() || !flow.full_layers) return;
    const StreamChecker::Seen seen = stream.take_seen();
    if (seen.layer != wanted || seen.temporal != 2)
        flow.world.note(name + ": layer " + std::to_string(seen.layer) + "." +
                        std::to_string(seen.temporal) + " instead of " + std::to_string(wanted) +
                        ".2");
}

void check(const Flow& flow) {
    Client* to = settled(flow.world, flow.to);
    Client* from = settled(flow.world, flow.from);
    if (to == nullptr || from == nullptr || !is_open(flow)) return;
    const auto published = from->session().tracks().cids();
    for (const OwnTrack& track : from->tracks().all()) {
        const bool there = std::ranges::find(published, track.cid()) != published.end();
        const auto wanted = to->wanted_layer(track.number);
        const bool muted = track.muted || flow.world.truth().is_muted(track.number);
        if (!there || muted || !wanted) continue;
        const std::string name =
            to->name() + " track " + std::to_string(track.number) + " of " + from->name();
        StreamChecker* stream = to->subscriber().find(track.number);
        if (stream == nullptr) {
            flow.world.note(name + ": no stream");
            continue;
        }
        const auto layer = std::min<std::size_t>(track.layers - 1, *wanted);
        Flow expected = flow;
        expected.full_layers = flow.full_layers && !to->subscriber().is_narrow();
        check_stream(expected, *stream, static_cast<int>(layer), name);
    }
}

}  // namespace

void check_flow(World& world, bool full_layers) {
    for (ClientId to = 0; to < world.people().size(); ++to)
        for (ClientId from = 0; from < world.people().size(); ++from)
            if (to != from) check({world, from, to, full_layers});
}

void check_flow_of(World& world, ClientId id, bool full_layers) {
    if (settled(world, id) == nullptr)
        return world.note("client " + std::to_string(id) + ": not connected in time");
    for (ClientId other = 0; other < world.people().size(); ++other) {
        if (other == id) continue;
        check({world, other, id, full_layers});
        check({world, id, other, full_layers});
    }
}

// ---------------------------------------------------------------- messages

namespace {

// DataChecker has seen to the order.
void check_messages_to(World& world, ClientId receiver, ClientId sender) {
    Client* from = world.present(sender);
    Client* to = world.present(receiver);
    const Truth::Standing& standing = world.truth().of(sender);
    if (from == nullptr || to == nullptr || !standing.may_send_data) return;
    const DataChecker& says = from->messages().checker();
    const auto check = [&](const char* what, const DataChecker::Stream& stream) {
        const std::uint32_t sent = says.count_sent(stream);
        const std::uint32_t got = to->messages().checker().expected(stream);
        if (got != sent)
            world.note(to->name() + ": has " + std::to_string(got) + " of " + std::to_string(sent) +
                       " " + what + " of " + from->name());
    };
    check("messages", {DataKind::kReliable, says.speaker(), 0});
    check("lossy messages", {DataKind::kLossy, says.speaker(), 0});
    // What is never shown can not be asked for (SIG-132).
    const bool known = !world.people().at(sender).hidden || to->messages().auto_subscribed();
    const bool heard = world.truth().of(receiver).may_subscribe && standing.open_to_all;
    if (!known || !heard || !to->messages().wants_tracks()) return;
    for (const std::uint32_t track : from->messages().tracks())
        check("packets on a data track", {DataKind::kTrack, says.speaker(), track});
}

}  // namespace

void check_messages(World& world, const std::set<ClientId>& heard) {
    for (const ClientId sender : heard)
        for (const ClientId receiver : heard)
            if (sender != receiver && world.people().same_room(sender, receiver))
                check_messages_to(world, receiver, sender);
}

}  // namespace confab::sim
