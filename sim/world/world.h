// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One run: whole servers, their clients, the network between them and the steps of a scenario, all
// on one virtual clock and one seed (02 DES-50…54). A server is the real thing without threads and
// sockets: the RoomManager, sessions of protobuf bytes, shards. The same scenario and seed give the
// same datagrams.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/client/client.h"
#include "sim/net/event_queue.h"
#include "sim/net/run_hash.h"
#include "sim/world/node.h"
#include "sim/world/rights.h"
#include "sim/world/scenario.h"
#include "sim/world/wires.h"

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
    std::size_t most_sent = 0;  // datagrams after one input
};

struct RunResult {
    std::uint64_t hash = 0;
    std::uint64_t violations = 0;
    std::vector<std::string> texts;
    RunStats stats;
    bool ok() const { return violations == 0; }
};

class World final : private NodeHost, private DataRules {
  public:
    // More events in one virtual second than this per client mean that something runs away.
    static constexpr std::uint64_t kMaxEventsPerSecond = 40'000;

    World(const Scenario& scenario, std::uint64_t seed);
    ~World() override;

    // The scenario, the healing, the farewell.
    RunResult run();

  private:
    // NodeHost
    void transmit(NodeId node, std::size_t shard, const ice::Path& path, BytesView bytes) override;
    void send(NodeId node, room::SessionId session,
              const livekit::SignalResponse& response) override;
    void refuse(NodeId node, room::SessionId session) override;
    void close(NodeId node, room::SessionId session) override;
    // DataRules
    std::string objection(Timestamp now, std::uint32_t person,
                          const DataStamp& stamp) const override;

    // Until when each direction is held back.
    struct Blocked {
        Timestamp up;
        Timestamp down;
    };
    // A stream to the server's passive candidate (RFC 4571 frames, in order).
    struct Stream {
        client::Target target = client::Target::kPublisher;
        ice::Path of_client;
        ice::Path of_server;
        NodeId node = 0;
        std::size_t shard = 0;
        Timestamp last_up;
        Timestamp last_down;
        std::size_t waiting_down = 0;
    };
    struct Seat {
        std::unique_ptr<Client> client;
        std::unique_ptr<Link> up;
        std::unique_ptr<Link> down;
        std::array<SocketAddress, client::kTargets> outside;  // as the server sees the client
        std::map<std::uint32_t, Stream> streams;
        Timestamp planned = Timestamp::never();
        std::uint64_t incarnation = 0;
        std::uint64_t generation = 0;  // of the client's sessions, as addresses were given
        std::uint64_t wire = 0;        // its WebSocket, 0 for none
        Duration signal_delay;
        Blocked signal_blocked;
        Blocked tcp_blocked;
        LinkProfile up_profile;
        LinkProfile down_profile;
        // What the server was told last.
        bool may_publish = true;
        bool may_subscribe = true;
        bool may_send_data = true;
        bool open_to_all = true;           // what it publishes
        std::set<std::uint32_t> disabled;  // track numbers
        bool heard_last_word = false;      // was there when everybody fell silent
    };

    // world.cc: people and time
    Person person(ClientId id) const;
    // Of its identity in its room, from 1.
    std::uint32_t number_of(ClientId id) const;
    std::uint32_t called_by(ClientId id, ClientId to) const;
    NodeId node_of(ClientId id) const { return person(id).room % nodes_.size(); }
    ControlNode& control_of(ClientId id) { return nodes_[node_of(id)]->control(); }
    bool same_room(ClientId a, ClientId b) const { return person(a).room == person(b).room; }
    void join(ClientId id, const Step& step);
    void forget(ClientId id);
    void kill(ClientId id, bool silently);
    void turn(ClientId id);
    void plan_timeout(ClientId id);
    void talk(ClientId id);
    void say_everything(ClientId id);

    // world_steps.cc
    void apply(const Step& step);
    void act(Seat& seat, const Step& step);
    void cut(Seat& seat, const Step& step);
    void permission(ClientId id, std::uint64_t bits);
    void service(const Step& step);
    void set_links(Seat& seat, const LinkProfile& up, const LinkProfile& down);

    // world_network.cc: datagrams, streams, WebSockets
    SocketAddress new_outside(ClientId id, client::Target target);
    void close_outside(const Seat& seat);
    void stream_to_client(const ice::Path& path, BytesView bytes);
    void deliver_to_client(ClientId id, std::uint64_t generation, client::Target target,
                           const ice::Path& path, BytesSpan bytes);
    void transmit_from_client(ClientId id, const client::Session::Outgoing& out);
    void open_streams(ClientId id);
    void open_stream(ClientId id, client::Target target, const SocketAddress& to);
    void close_streams(ClientId id);
    void open_wire(ClientId id, const livekit::JoinRequest& request);
    void start_session(std::uint64_t wire, const livekit::JoinRequest& request);
    void drop_wire(std::uint64_t wire, bool tell_server, bool tell_client);
    void watch_wire(std::uint64_t wire);
    Timestamp up_arrival(Wire& wire);
    Timestamp down_arrival(Wire& wire);

    // world_truth.cc: what should be, and whether it is
    void note_request(ClientId id, const livekit::SignalRequest& request);
    void note_published(ClientId id, const livekit::SignalResponse& response);
    void note_response(ClientId id, const livekit::SignalResponse& response);
    void announce(ClientId id, const livekit::SessionDescription& description);
    void apply_truth(ClientId id, std::uint32_t track, Duration delay);
    void apply_truth_to_all(std::uint32_t track);
    void apply_truths(ClientId id);
    void reset_rights(ClientId id);
    void note_data_wishes(ClientId id, const livekit::UpdateDataSubscription& update);
    void note_access(ClientId id, const livekit::SubscriptionPermission& access);

    // world_run.cc: phases and their checks
    void run_until(Timestamp end);
    void heal();
    void check_present();
    void check_rosters(std::size_t room);
    void check_flow();
    void check_flow_of(ClientId id);
    void check_flow_to(ClientId subscriber, ClientId owner);
    void check_messages();
    void check_messages_to(ClientId receiver, ClientId sender);
    void farewell();
    void check_empty();
    void check_empty(Node& node);
    void collect(Seat& seat);
    void note(const std::string& what) { report_.violation(events_.now(), what); }

    Timestamp now() const { return events_.now(); }
    bool is_in(const Seat& seat) const {
        return seat.client && seat.client->phase() != Client::Phase::kGone;
    }

    Scenario scenario_;
    Rng rng_;
    EventQueue events_;
    Report report_;
    RunHash hash_;
    srtp::Engine engine_;
    std::vector<std::unique_ptr<Node>> nodes_;
    Wires wires_;
    std::vector<Seat> seats_;
    struct Outside {
        ClientId client = 0;
        std::uint64_t incarnation = 0;
        std::uint64_t generation = 0;
        client::Target target = client::Target::kPublisher;
        bool open = true;  // false: the NAT has forgotten the port
    };
    std::map<SocketAddress, Outside> outside_;
    std::map<std::uint32_t, ClientId> stream_owner_;
    std::map<std::string, std::uint32_t> track_numbers_;  // by sid, as the server told publishers
    std::map<std::uint32_t, ClientId> track_owners_;      // by number
    std::map<std::string, std::uint32_t> data_track_numbers_;
    Rights rights_;
    std::set<std::uint32_t> muted_;  // track numbers
    std::uint16_t next_port_ = 20'000;
    std::uint32_t next_number_ = 1;
    std::uint32_t next_stream_ = 1;
    std::uint64_t bugs_before_ = 0;
    bool bandwidth_limited_ = false;  // somebody reported a narrow downlink
    bool over_ = false;               // the farewell: nobody comes back
    RunStats stats_;
};

std::string room_name(std::size_t room);
RunResult run_scenario(const Scenario& scenario, std::uint64_t seed);

}  // namespace confab::sim
