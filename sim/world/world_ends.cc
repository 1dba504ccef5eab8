// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// World: what servers, clients and the network between them hand over.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "rtc/sdp/description/description.h"
#include "sim/world/world.h"

namespace confab::sim {
namespace {

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

room::JoinParams join_params(const Person& who, const livekit::JoinRequest& request) {
    room::JoinParams params;
    params.room = room_name(who.room);
    params.grants.identity = who.identity;
    params.grants.name = who.identity;
    params.grants.video.emplace();
    params.grants.video->room_join = true;
    params.grants.video->room = params.room;
    params.grants.video->hidden = who.hidden;
    params.client = request.client_info();
    params.auto_subscribe = request.connection_settings().auto_subscribe();
    params.auto_subscribe_data_track = request.connection_settings().auto_subscribe_data_track();
    params.reconnect = request.reconnect();
    params.reconnect_reason = request.reconnect_reason();
    params.participant_sid = request.participant_sid();
    if (request.has_publisher_offer()) params.publisher_offer = request.publisher_offer();
    return params;
}

}  // namespace

// ---------------------------------------------------------------- media

void World::transmit(NodeId node, std::size_t shard, const ice::Path& path, BytesView bytes) {
    hash_.add_datagram(now(), path.local, path.remote, bytes);
    ++stats_.datagrams;
    if (path.protocol == ice::Protocol::kTcp)
        streams_.send_down(path.tcp_connection, bytes);
    else
        udp_.send_down(servers_.nodes()[node]->media().address(shard), path.remote, bytes);
}

void World::send_media(ClientId id, const client::Session::Outgoing& out) {
    const Bytes& bytes = out.datagram.bytes;
    const ice::Path& path = out.datagram.path;
    ++stats_.datagrams;
    if (path.protocol == ice::Protocol::kTcp) return streams_.send_up(path.tcp_connection, bytes);
    hash_.add_datagram(now(), udp_.address(id, out.target), path.remote, bytes);
    udp_.send_up(id, out.target, path.remote, bytes);
}

void World::media_sent(ClientId to, BytesView bytes) {
    seats_[to].client->note_sent(now(), bytes);
}

void World::media_arrived(ClientId at, client::Target target, const ice::Path& path,
                          BytesSpan bytes) {
    Client& client = *seats_[at].client;
    client::Connection* connection = client.session().connection(target);
    if (connection == nullptr) return;
    ice::Path local = path;
    local.local = connection->address();
    client.handle_packet(now(), target, local, bytes);
    turn(at);
}

void World::stream_opened(ClientId by, client::Target target, const ice::Path& path) {
    client::Connection* connection = seats_[by].client->session().connection(target);
    if (connection == nullptr) return;
    connection->tcp_opened(now(), path);
    turn(by);
}

// ---------------------------------------------------------------- signalling, at the server

room::SessionId World::start_session(NodeId node, ClientId by,
                                     const livekit::JoinRequest& request) {
    room::JoinParams params = join_params(people_.at(by), request);
    Client* client = present(by);
    params.single_connection =
        request.has_publisher_offer() || (client != nullptr && client->session().single());
    if (!params.reconnect) truth_.begin_session(now(), by);
    return servers_.control(node).start(params);
}

void World::request_arrived(NodeId node, room::SessionId session, ClientId from,
                            std::string_view message) {
    livekit::SignalRequest request;
    (void)request.ParseFromArray(message.data(), static_cast<int>(message.size()));
    truth_.note_request(now(), from, request);
    servers_.control(node).request(session, request);
}

void World::session_closed(NodeId node, room::SessionId session) {
    servers_.control(node).closed(session);
}

void World::send(NodeId node, room::SessionId session, const livekit::SignalResponse& response) {
    const auto peer = sockets_.peer_of(node, session);
    if (!peer) return;
    std::string bytes = deterministic(response);
    hash_.add(as_bytes(bytes));
    ++stats_.signals;
    truth_.note_response(now(), peer->client, response);
    if (peer->is_there) {
        if (response.has_offer())
            announce(peer->client, response.offer());
        else if (response.has_answer() && seats_[peer->client].client->session().single())
            announce(peer->client, response.answer());
    }
    sockets_.send_down(node, session, std::move(bytes));
}

// The server has told the client which streams come.
void World::announce(ClientId id, const livekit::SessionDescription& description) {
    Client& client = *seats_[id].client;
    const auto parsed = sdp::parse(description.sdp());
    if (!parsed) return note("a description that can not be read");
    std::vector<SubscriptionPlan> plans;
    for (const auto& [sid, stream] : client::streams_of(*parsed)) {
        const std::uint32_t number = truth_.track_number(sid);
        if (number == 0) {
            note("a track that nobody published is offered");
            continue;
        }
        plans.push_back({number, stream.kind, stream.ssrc, stream.rtx_ssrc, stream.payload_type,
                         stream.rtx_payload_type});
    }
    std::set<std::uint32_t> before;
    for (const auto& [track, stream] : client.subscriber().streams())
        before.insert(track);
    client.announce(now(), plans);
    for (const SubscriptionPlan& plan : plans)
        if (!before.contains(plan.track)) truth_.stream_began(now(), id, plan.track);
}

StreamChecker* World::stream(ClientId to, std::uint32_t track) {
    Client* client = seats_[to].client.get();
    return client == nullptr ? nullptr : client->subscriber().find(track);
}

// ---------------------------------------------------------------- signalling, at the client

void World::message_arrived(ClientId at, std::string_view message) {
    seats_[at].client->wire_message(now(), message);
    turn(at);
}

void World::socket_closed(ClientId at) {
    seats_[at].client->wire_closed(now());
    turn(at);
}

void World::socket_refused(ClientId at) {
    seats_[at].client->wire_refused(now());
    turn(at);
}

}  // namespace confab::sim
