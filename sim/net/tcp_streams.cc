// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/net/tcp_streams.h"

namespace confab::sim {

TcpStreams::TcpStreams(std::size_t clients, EventQueue& events, ClientEnd& client_end,
                       ServerEnd& server_end)
    : events_(events), client_end_(client_end), server_end_(server_end), lines_(clients) {}

TcpStreams::Stream TcpStreams::make_stream(ClientId id, std::uint32_t number,
                                           const Opening& opening) {
    Stream stream;
    stream.client = id;
    stream.target = opening.target;
    ice::Path& of_client = stream.of_client;
    of_client.protocol = ice::Protocol::kTcp;
    of_client.tcp_connection = number;
    of_client.local = opening.inside;
    of_client.remote = opening.listener;
    stream.of_server = {opening.node, opening.shard, of_client};
    ice::Path& of_server = stream.of_server.path;
    of_server.socket = opening.socket;
    of_server.local = opening.listener;
    of_server.remote = opening.outside;
    return stream;
}

void TcpStreams::open(ClientId id, const Opening& opening) {
    const std::uint32_t number = next_number_++;
    const Line& line = lines_[id];
    const Timestamp at = std::max({events_.now(), line.blocked.up, line.blocked.down}) + kDelay * 2;
    events_.plan(at,
                 [this, number, session = line.session, stream = make_stream(id, number, opening)] {
                     if (lines_[stream.client].session != session) return;
                     streams_[number] = stream;
                     client_end_.stream_opened(stream.client, stream.target, stream.of_client);
                 });
}

void TcpStreams::close_all(ClientId id) {
    ++lines_[id].session;
    std::erase_if(streams_, [&](const auto& entry) {
        const Stream& stream = entry.second;
        if (stream.client != id) return false;
        events_.plan(events_.now() + kDelay, [this, of_server = stream.of_server] {
            server_end_.stream_closed(of_server);
        });
        return true;
    });
}

void TcpStreams::send_up(std::uint32_t number, BytesView frame) {
    const auto found = streams_.find(number);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    const Timestamp passes = std::max(events_.now(), lines_[stream.client].blocked.up);
    stream.last_up = std::max(stream.last_up, passes + kDelay);
    events_.plan(stream.last_up, [this, of_server = stream.of_server, copy = to_vector(frame)] {
        server_end_.frame_arrived(of_server, copy);
    });
}

void TcpStreams::send_down(std::uint32_t number, BytesView frame) {
    const auto found = streams_.find(number);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    client_end_.media_sent(stream.client, frame);
    if (stream.waiting_down >= kMaxWaiting) return;
    ++stream.waiting_down;
    const Timestamp passes = std::max(events_.now(), lines_[stream.client].blocked.down);
    stream.last_down = std::max(stream.last_down, passes + kDelay);
    events_.plan(stream.last_down, [this, number, copy = to_vector(frame)]() mutable {
        const auto at = streams_.find(number);
        if (at == streams_.end()) return;
        --at->second.waiting_down;
        const Stream of = at->second;  // what arrives may end the stream
        client_end_.media_arrived(of.client, of.target, of.of_client, copy);
    });
}

}  // namespace confab::sim
