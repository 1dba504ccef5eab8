// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// World: datagrams over links, RFC 4571 streams and WebSockets over in-order paths that an outage
// holds back.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "sim/world/world.h"

namespace confab::sim {
namespace {

constexpr std::uint32_t kOutsideNetwork = 0xC633'6400;  // 198.51.100.0
constexpr Duration kStreamDelay = Duration::millis(12);
// What a blocked stream keeps; a worker's socket buffer is no larger.
constexpr std::size_t kMaxStreamWaiting = 256;
// A server closes a WebSocket that has been silent for so long (01 §7.1).
constexpr Duration kSilence = Duration::seconds(20);
constexpr Duration kWatch = Duration::seconds(5);

// The order of a map's entries is otherwise another in each run.
std::string deterministic(const livekit::SignalResponse& response) {
    std::string bytes;
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    (void)response.SerializeToCodedStream(&out);
    out.Trim();
    return bytes;
}

}  // namespace

// ---------------------------------------------------------------- datagrams

SocketAddress World::new_outside(ClientId id, client::Target target) {
    const auto host = static_cast<std::uint32_t>(id + 1);
    const SocketAddress address{IpAddress::v4(kOutsideNetwork + host), next_port_++};
    outside_[address] = {id, seats_[id].incarnation, seats_[id].client->generation(), target, true};
    return address;
}

// What the server still sends there counts as sent, and is lost.
void World::close_outside(const Seat& seat) {
    for (const SocketAddress& address : seat.outside)
        if (const auto found = outside_.find(address); found != outside_.end())
            found->second.open = false;
}

void World::transmit(NodeId node, std::size_t shard, const ice::Path& path, BytesView bytes) {
    hash_.add_datagram(now(), path.local, path.remote, bytes);
    ++stats_.datagrams;
    if (path.protocol == ice::Protocol::kTcp) return stream_to_client(path, bytes);
    const auto found = outside_.find(path.remote);
    // Checks of the candidates that clients know of themselves get nowhere.
    const bool is_private = path.remote.ip.is_v4() && path.remote.ip.bytes()[0] == 192;
    if (found == outside_.end())
        return is_private ? void() : note("datagram to an address of nobody");
    const Outside& outside = found->second;
    Seat& seat = seats_[outside.client];
    const bool there = seat.client && seat.incarnation == outside.incarnation &&
                       seat.client->generation() == outside.generation;
    if (!there) return;  // left
    seat.client->note_sent(now(), bytes);
    if (!outside.open) return;
    const Deliveries deliveries = seat.down->offer(now(), bytes.size());
    ice::Path at_client;
    at_client.remote = SfuHost::address(node, shard);
    for (std::size_t i = 0; i < deliveries.count; ++i)
        events_.plan(deliveries.at[i], [this, outside, at_client,
                                        copy = to_vector(bytes)]() mutable {
            Seat& at = seats_[outside.client];
            if (!at.client || at.incarnation != outside.incarnation) return;
            deliver_to_client(outside.client, outside.generation, outside.target, at_client, copy);
        });
}

void World::deliver_to_client(ClientId id, std::uint64_t generation, client::Target target,
                              const ice::Path& path, BytesSpan bytes) {
    Client& client = *seats_[id].client;
    if (client.generation() != generation) return;
    client::Connection* connection = client.session().connection(target);
    if (connection == nullptr) return;
    ice::Path local = path;
    local.local = connection->address();
    client.handle_packet(now(), target, local, bytes);
    turn(id);
}

void World::transmit_from_client(ClientId id, const client::Session::Outgoing& out) {
    Seat& seat = seats_[id];
    const Bytes& bytes = out.datagram.bytes;
    const ice::Path& path = out.datagram.path;
    ++stats_.datagrams;
    if (path.protocol == ice::Protocol::kTcp) {
        const auto found = seat.streams.find(path.tcp_connection);
        if (found == seat.streams.end()) return;
        Stream& stream = found->second;
        stream.last_up =
            std::max(stream.last_up, std::max(now(), seat.tcp_blocked.up) + kStreamDelay);
        events_.plan(stream.last_up,
                     [this, server = stream.of_server, node = stream.node, shard = stream.shard,
                      copy = bytes] { nodes_[node]->media().frame(shard, server, copy); });
        return;
    }
    const SocketAddress from = seat.outside[static_cast<std::size_t>(out.target)];
    hash_.add_datagram(now(), from, path.remote, bytes);
    const Deliveries deliveries = seat.up->offer(now(), bytes.size());
    for (std::size_t i = 0; i < deliveries.count; ++i)
        events_.plan(deliveries.at[i], [this, from, to = path.remote, copy = bytes] {
            const std::size_t node = SfuHost::node_of(to);
            if (node < nodes_.size()) nodes_[node]->media().deliver(from, to, copy);
        });
}

// ---------------------------------------------------------------- streams

void World::open_streams(ClientId id) {
    Client& client = *seats_[id].client;
    for (const client::Target target : {client::Target::kPublisher, client::Target::kSubscriber})
        if (client::Connection* connection = client.session().connection(target))
            for (const SocketAddress& to : connection->take_tcp_candidates())
                open_stream(id, target, to);
}

// Two ways until it is there; candidates of every generation of ICE open one.
void World::open_stream(ClientId id, client::Target target, const SocketAddress& to) {
    Seat& seat = seats_[id];
    const std::uint32_t number = next_stream_++;
    Stream stream;
    stream.target = target;
    stream.node = node_of(id);
    stream.shard = SfuHost::shard_of(to);
    stream.of_client.protocol = stream.of_server.protocol = ice::Protocol::kTcp;
    stream.of_client.tcp_connection = stream.of_server.tcp_connection = number;
    stream.of_client.local = seat.client->session().connection(target)->address();
    stream.of_client.remote = stream.of_server.local = to;
    stream.of_server.socket = SfuHost::kTcpSocket;
    stream.of_server.remote = {seat.outside[0].ip, next_port_++};
    const Timestamp at =
        std::max({now(), seat.tcp_blocked.up, seat.tcp_blocked.down}) + kStreamDelay * 2;
    events_.plan(at, [this, id, stream, number, incarnation = seat.incarnation,
                      generation = seat.generation] {
        Seat& of = seats_[id];
        if (!of.client || of.incarnation != incarnation || of.generation != generation) return;
        client::Connection* connection = of.client->session().connection(stream.target);
        if (connection == nullptr) return;
        of.streams[number] = stream;
        stream_owner_[number] = id;
        connection->tcp_opened(now(), stream.of_client);
        turn(id);
    });
}

void World::stream_to_client(const ice::Path& path, BytesView bytes) {
    const auto owner = stream_owner_.find(path.tcp_connection);
    if (owner == stream_owner_.end()) return;  // closed
    const ClientId id = owner->second;
    Seat& seat = seats_[id];
    Stream& stream = seat.streams.at(path.tcp_connection);
    seat.client->note_sent(now(), bytes);
    if (stream.waiting_down >= kMaxStreamWaiting) return;
    ++stream.waiting_down;
    stream.last_down =
        std::max(stream.last_down, std::max(now(), seat.tcp_blocked.down) + kStreamDelay);
    events_.plan(stream.last_down,
                 [this, id, number = path.tcp_connection, generation = seat.generation,
                  copy = to_vector(bytes)]() mutable {
                     const auto found = stream_owner_.find(number);
                     if (found == stream_owner_.end()) return;
                     Stream& at = seats_[id].streams.at(number);
                     --at.waiting_down;
                     deliver_to_client(id, generation, at.target, at.of_client, copy);
                 });
}

// The server hears of it a little later, as of a FIN.
void World::close_streams(ClientId id) {
    for (const auto& [number, stream] : std::exchange(seats_[id].streams, {})) {
        stream_owner_.erase(number);
        events_.plan(now() + kStreamDelay,
                     [this, path = stream.of_server, node = stream.node, shard = stream.shard] {
                         nodes_[node]->media().stream_closed(shard, path);
                     });
    }
}

// ---------------------------------------------------------------- WebSockets

Timestamp World::up_arrival(Wire& wire) {
    const Seat& seat = seats_[wire.client];
    wire.last_up =
        std::max(wire.last_up, std::max(now(), seat.signal_blocked.up) + seat.signal_delay);
    return wire.last_up;
}

Timestamp World::down_arrival(Wire& wire) {
    const Seat& seat = seats_[wire.client];
    wire.last_down =
        std::max(wire.last_down, std::max(now(), seat.signal_blocked.down) + seat.signal_delay);
    return wire.last_down;
}

void World::open_wire(ClientId id, const livekit::JoinRequest& request) {
    Seat& seat = seats_[id];
    if (seat.wire != 0) drop_wire(seat.wire, true, false);
    Wire& wire = wires_.add(id, node_of(id), seat.incarnation);
    seat.wire = wire.id;
    wire.last_heard = now();
    events_.plan(up_arrival(wire), [this, of = wire.id, request] { start_session(of, request); });
}

void World::start_session(std::uint64_t id, const livekit::JoinRequest& request) {
    Wire* wire = wires_.find(id);
    if (wire == nullptr || !wire->server_open) return;
    const Person who = person(wire->client);
    room::JoinParams params;
    params.room = room_name(who.room);
    params.grants.identity = who.identity;
    params.grants.name = who.identity;
    params.grants.video.emplace();
    params.grants.video->room_join = true;
    params.grants.video->room = params.room;
    params.grants.video->hidden = who.hidden;
    params.client = request.client_info();
    params.single_connection =
        request.has_publisher_offer() ||
        (is_in(seats_[wire->client]) && seats_[wire->client].client->session().single());
    params.auto_subscribe = request.connection_settings().auto_subscribe();
    params.auto_subscribe_data_track = request.connection_settings().auto_subscribe_data_track();
    params.reconnect = request.reconnect();
    params.reconnect_reason = request.reconnect_reason();
    params.participant_sid = request.participant_sid();
    if (request.has_publisher_offer()) params.publisher_offer = request.publisher_offer();
    wire->last_heard = now();
    if (!params.reconnect) reset_rights(wire->client);
    ControlNode& control = nodes_[wire->node]->control();
    wires_.start(*wire, control.start(params));
    watch_wire(id);
    control.turn();
}

// One side closes; the other hears of it in order, unless nobody tells it.
void World::drop_wire(std::uint64_t id, bool tell_server, bool tell_client) {
    Wire* wire = wires_.find(id);
    if (wire == nullptr) return;
    if (seats_[wire->client].wire == id) seats_[wire->client].wire = 0;
    if (tell_client && wire->client_open && seats_[wire->client].client &&
        seats_[wire->client].incarnation == wire->incarnation) {
        wire->client_open = false;
        seats_[wire->client].client->wire_closed(now());
        turn(wire->client);
        wire = wires_.find(id);
        if (wire == nullptr) return;
    }
    wire->client_open = false;
    if (tell_server && wire->server_open)
        events_.plan(up_arrival(*wire), [this, id] {
            Wire* at = wires_.find(id);
            if (at == nullptr || !at->server_open) return;
            at->server_open = false;
            const bool started = at->has_session;
            const room::SessionId session = at->session;
            const NodeId node = at->node;
            wires_.erase_if_closed(id);
            if (started) nodes_[node]->control().closed(session);
        });
    wires_.erase_if_closed(id);
}

// The server's own patience with a silent WebSocket.
void World::watch_wire(std::uint64_t id) {
    events_.plan(now() + kWatch, [this, id] {
        Wire* wire = wires_.find(id);
        if (wire == nullptr || !wire->server_open) return;
        if (now() - wire->last_heard < kSilence) return watch_wire(id);
        close(wire->node, wire->session);
    });
}

void World::send(NodeId node, room::SessionId session, const livekit::SignalResponse& response) {
    Wire* wire = wires_.find(node, session);
    if (wire == nullptr || !wire->server_open) return;
    const std::string bytes = deterministic(response);
    hash_.add(as_bytes(bytes));
    ++stats_.signals;
    Seat& seat = seats_[wire->client];
    note_published(wire->client, response);
    if (seat.incarnation == wire->incarnation) note_response(wire->client, response);
    events_.plan(down_arrival(*wire), [this, id = wire->id, bytes] {
        const Wire* at = wires_.find(id);
        if (at == nullptr || !at->client_open) return;
        Seat& to = seats_[at->client];
        const ClientId client = at->client;
        if (!to.client || to.incarnation != at->incarnation || to.wire != id) return;
        to.client->wire_message(now(), bytes);
        turn(client);
    });
}

void World::refuse(NodeId node, room::SessionId session) {
    Wire* wire = wires_.find(node, session);
    if (wire == nullptr) return;
    wire->server_open = false;
    events_.plan(down_arrival(*wire), [this, id = wire->id] {
        Wire* at = wires_.find(id);
        if (at == nullptr) return;
        const ClientId client = at->client;
        const bool wanted = at->client_open && seats_[client].wire == id && seats_[client].client;
        at->client_open = false;
        wires_.erase_if_closed(id);
        if (!wanted) return;
        seats_[client].wire = 0;
        seats_[client].client->wire_refused(now());
        turn(client);
    });
    // Its driver says once that the socket is gone.
    events_.plan(now(), [this, node, session] { nodes_[node]->control().closed(session); });
}

void World::close(NodeId node, room::SessionId session) {
    Wire* wire = wires_.find(node, session);
    if (wire == nullptr || !wire->server_open) return;
    wire->server_open = false;
    events_.plan(now(), [this, node, session] { nodes_[node]->control().closed(session); });
    events_.plan(down_arrival(*wire), [this, id = wire->id] {
        Wire* at = wires_.find(id);
        if (at == nullptr) return;
        const ClientId client = at->client;
        const bool wanted = at->client_open && seats_[client].wire == id && seats_[client].client;
        at->client_open = false;
        wires_.erase_if_closed(id);
        if (!wanted) return;
        seats_[client].wire = 0;
        seats_[client].client->wire_closed(now());
        turn(client);
    });
}

}  // namespace confab::sim
