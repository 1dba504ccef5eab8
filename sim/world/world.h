// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whole servers, their clients and the network between them, on one virtual clock and one seed (02
// DES-50…54). A server is the real thing without threads and sockets: the RoomManager, sessions of
// protobuf bytes, shards. The world connects its parts, each with its own state: what one of them
// says goes to the next, is counted and is part of the run's fingerprint. Nobody comes, and nothing
// goes wrong, by itself: that is a plan's (steps.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/client/client.h"
#include "sim/net/event_queue.h"
#include "sim/net/run_hash.h"
#include "sim/net/tcp_streams.h"
#include "sim/net/udp_network.h"
#include "sim/net/web_sockets.h"
#include "sim/scenarios/people.h"
#include "sim/world/servers.h"
#include "sim/world/truth.h"

namespace confab::sim {

struct RunStats {
    std::uint64_t events = 0;
    std::uint64_t datagrams = 0;
    std::uint64_t lost = 0;     // on links
    std::uint64_t signals = 0;  // messages of WebSockets, both ways
    std::uint64_t frames = 0;   // decoded, all subscribers
    std::uint64_t freezes = 0;
    std::uint64_t switches = 0;
    std::uint64_t repaired = 0;
    std::uint64_t late = 0;  // numbers that left the server out of order
    std::uint64_t messages = 0;
    std::uint64_t plis = 0;     // that publishers got
    std::uint64_t links = 0;    // messages between shards
    std::uint64_t resumes = 0;  // sessions taken up again
    std::uint64_t rejoins = 0;  // and joined anew
    std::uint64_t moved = 0;    // participants that went on at another shard
    std::size_t most_sent = 0;  // datagrams after one input
};

class World final : private NodeHost, private ClientEnd, private SignalEnds, private Audience {
  public:
    // More events in one virtual second than this per client mean that something runs away.
    static constexpr std::uint64_t kMaxEventsPerSecond = 40'000;

    // Nobody is there yet. Both outlive it; the generator is that of the run.
    World(const Scenario& scenario, Rng& rng);

    // ---- time
    Timestamp now() const { return events_.now(); }
    EventQueue& events() { return events_; }
    void run_until(Timestamp end);

    // ---- clients
    const People& people() const { return people_; }
    // nullptr: has not come, or its process has ended.
    Client* client(ClientId id) { return seats_[id].client.get(); }
    // nullptr also for one that will not come back by itself.
    Client* present(ClientId id);
    // In the place of one that is not present().
    void join(ClientId id, bool single);
    // Its process ends; the server hears of it, or must find out.
    void kill(ClientId id, bool silently);
    // After each input: carries on what the client has to say, and when it is to be asked again.
    void turn(ClientId id);

    // ---- what is around them
    Servers& servers() { return servers_; }
    UdpNetwork& udp() { return udp_; }
    TcpStreams& streams() { return streams_; }
    WebSockets& sockets() { return sockets_; }
    Truth& truth() { return truth_; }

    // ---- what came of it
    void note(const std::string& violation) { report_.violation(now(), violation); }
    const Report& report() const { return report_; }
    std::uint64_t fingerprint() const;
    // Of clients: of those that are gone.
    RunStats stats() const;

  private:
    struct Seat {
        std::unique_ptr<Client> client;
        std::uint64_t incarnation = 0;  // counts its clients
        std::uint64_t generation = 0;   // of the client's sessions, as ports were given
        Timestamp planned = Timestamp::never();
    };

    // world.cc
    void forget(ClientId id);
    void collect(Client& client);
    void open_streams(ClientId id);
    void plan_timeout(ClientId id);

    // world_ends.cc: what the parts hand over
    void transmit(NodeId node, std::size_t shard, const ice::Path& path, BytesView bytes) override;
    void send(NodeId node, room::SessionId session,
              const livekit::SignalResponse& response) override;
    void refuse(NodeId node, room::SessionId session) override { sockets_.refuse(node, session); }
    void close(NodeId node, room::SessionId session) override { sockets_.close(node, session); }
    void media_sent(ClientId to, BytesView bytes) override;
    void media_arrived(ClientId at, client::Target target, const ice::Path& path,
                       BytesSpan bytes) override;
    void stream_opened(ClientId by, client::Target target, const ice::Path& path) override;
    room::SessionId start_session(NodeId node, ClientId by,
                                  const livekit::JoinRequest& request) override;
    void session_started(NodeId node) override { servers_.control(node).turn(); }
    void request_arrived(NodeId node, room::SessionId session, ClientId from,
                         std::string_view message) override;
    void session_closed(NodeId node, room::SessionId session) override;
    void message_arrived(ClientId at, std::string_view message) override;
    void socket_closed(ClientId at) override;
    void socket_refused(ClientId at) override;
    StreamChecker* stream(ClientId to, std::uint32_t track) override;
    void send_media(ClientId id, const client::Session::Outgoing& out);
    void announce(ClientId id, const livekit::SessionDescription& description);

    const Scenario& scenario_;
    Rng& rng_;
    EventQueue events_;
    Report report_;
    RunHash hash_;
    srtp::Engine engine_;
    RunStats stats_;
    People people_;
    Truth truth_;
    Servers servers_;
    UdpNetwork udp_;
    TcpStreams streams_;
    WebSockets sockets_;
    std::vector<Seat> seats_;  // by client
    std::uint32_t next_number_ = 1;
};

}  // namespace confab::sim
