// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What makes a node one of many (03 sections 1 to 4): its Redis, the bus to the others, its record,
// where rooms are, what is stored of those that are here, and signalling from and to other nodes.
// All of it lives on the first loop; the machines are in src/cluster/, this joins them.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/callback.h"
#include "base/result.h"
#include "base/time.h"
#include "cluster/nodes/node_reconciler.h"
#include "cluster/nodes/node_registry.h"
#include "cluster/nodes/placement.h"
#include "cluster/psrpc/psrpc_bus.h"
#include "cluster/psrpc/retry.h"
#include "cluster/relay/media_end.h"
#include "cluster/relay/signal_end.h"
#include "cluster/store/dispatch_store.h"
#include "cluster/store/notices.h"
#include "cluster/store/rooms/agent_records.h"
#include "cluster/store/rooms/room_orphans.h"
#include "cluster/store/rooms/room_reader.h"
#include "cluster/store/rooms/room_records.h"
#include "cluster/tokens/shared_revocations.h"
#include "runtime/control/cluster/cluster_room_service.h"
#include "runtime/control/cluster/cluster_services.h"
#include "runtime/control/cluster/links/cluster_links.h"
#include "runtime/control/cluster/relay_backend.h"
#include "runtime/control/cluster/relayed_sessions.h"
#include "runtime/control/cluster/rooms/room_copies.h"
#include "runtime/control/cluster/rooms/room_mover.h"
#include "runtime/control/cluster/rooms/room_placement.h"
#include "runtime/control/cluster/rooms/room_servers.h"
#include "runtime/control/cluster/scaling.h"
#include "runtime/control/cluster/whip/cluster_whip.h"
#include "runtime/control/cluster/whip/whip_servers.h"
#include "runtime/control/shards/control_node.h"
#include "runtime/control/shards/node_room_service.h"
#include "runtime/net/redis/redis_driver.h"

namespace confab::control {

struct ClusterOptions {
    std::function<std::unique_ptr<redis::Driven>(redis::Events events, Timestamp now)> machine;
    net::RedisDriverOptions driver;
    std::string place;                // of Redis, for the log
    bool listeners_are_known = true;  // false of a Redis Cluster (psrpc::Settings)
    bool store_keys_apart = false;    // true of a Redis Cluster (store::RoomScripts)
    cluster::nodes::RegistryOptions registry;
    cluster::nodes::PlacementOptions placement;
    cluster::nodes::ScaleOptions scale;
    ScaleCommandOptions scale_command;
    cluster::relay::Settings relay;
    cluster::psrpc::RetryPlan retry;
    cluster::services::IngressAddresses ingress;
    std::vector<std::string> egress_ids;  // whose services are asked; as services::ByClusterId
    std::vector<std::string> sip_ids;
    token::Limits limits;
    net::WebSocketOptions websocket;
    double move_rate = 20;  // of move_rooms()
    std::uint64_t seed = 0;
    std::optional<SocketAddress> links;  // where to take links from other nodes; none: no links
    std::function<void()> on_id_in_use;  // this process has to end
    Duration connect_patience = Duration::seconds(10);  // how long a start waits for Redis
};

class Cluster {
  public:
    // How long the end waits for what Redis has still to be told.
    static constexpr Duration kFlushPatience = Duration::seconds(3);

    // Connects, and runs the loop for that. The error is a text for the operator.
    static Result<std::unique_ptr<Cluster>, std::string> connect(net::EventLoop& loop,
                                                                 telemetry::Metrics& metrics,
                                                                 ClusterOptions options);
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    rpc::Bus& bus() { return *bus_; }
    // For ControlNodeOptions.
    void turn(Timestamp now);
    Timestamp next_deadline() const;

    // Of this node alone.
    struct Own {
        NodeRoomService& rooms;
        SignalBackend& signal;
        WhipBackend& whip;
        std::function<bool()> over_limit;  // as for LocalSignalBackend
    };
    // Once there are rooms: registers this node, and is asked by others from now on. All must
    // outlive what the others still ask.
    void open(ControlNode& node, const Own& own, cluster::nodes::NodeRegistry::Figures figures);
    // After open(): of all nodes.
    api::RoomServicePort& rooms() { return *service_; }
    SignalBackend& signal() { return *backend_; }
    WhipBackend& whip() { return *whip_; }
    api::ServicePorts services() { return services_->ports(); }

    // Whether a room is, or is to be, at this node.
    void check_here(const std::string& room, Callback<bool> here);

    // New rooms go to other nodes.
    void drain();
    // They come here again, and rooms that are here stay.
    void undrain();
    // The rooms that are here go on at other nodes, ClusterOptions::move_rate participants in a
    // second: their clients are sent there. `done` when none is left here, or none that somebody
    // takes.
    void move_rooms(std::function<void()> done);
    // After the rooms have ended: withdraws this node. `done` when Redis has it, or in time.
    void close(std::function<void()> done);

    // GET / (NODE-15): empty when all is well; a node without Redis goes on with what it has.
    bool is_connected() const;
    bool is_ready() const;
    struct Snapshot {
        std::size_t nodes = 0;         // alive, this one too
        std::uint64_t nodes_lost = 0;  // that fell silent
        std::optional<UnixTime> heartbeat;
        std::size_t relayed_out = 0;  // WebSockets here, rooms elsewhere
        std::size_t relayed_in = 0;
        std::size_t rooms = 0;  // here
        std::size_t links = 0;  // to other nodes, up
        bool connected = false;
        std::uint64_t connections_lost = 0;  // to Redis
        std::uint64_t copies_ended = 0;      // of rooms that another node has
        std::uint64_t rooms_moved = 0;       // by move_rooms()
    };
    Snapshot snapshot() const;
    // The nodes by their records, this one too; none before open().
    struct SeenNode {
        cluster::nodes::NodeRecord record;
        bool silent = false;
        bool self = false;
    };
    friend std::vector<SeenNode> seen_nodes(const Cluster& cluster);
    // Writes all figures, for a scrape.
    void collect(telemetry::Metrics& metrics) const;

  private:
    Cluster(net::EventLoop& loop, telemetry::Metrics& metrics, ClusterOptions options);
    Result<void, std::string> dial();
    redis::Events events();
    cluster::nodes::Clock clock() const;
    void wake();
    void heard(Timestamp now, std::string_view channel, const std::string& payload);
    void came_up(Timestamp now, redis::Line line);
    void went_down(Timestamp now, redis::Line line, const redis::Fault& fault);
    void make_nodes(cluster::nodes::NodeRegistry::Figures figures);
    void make_store();
    void make_rooms(api::RoomServicePort& rooms);
    void make_relay(const Own& own);
    void make_services();
    void create_here(api::RoomServicePort& rooms, const api::CallContext& context,
                     livekit::CreateRoomRequest request, api::Reply<livekit::Room> reply);
    bool is_dead(const std::string& node);
    void store(StoreEffect effect);
    void take_registry_events(Timestamp now);
    void note_copy(Timestamp now, const std::string& room, const std::string& holder);
    void take_copies(Timestamp now);
    void move_room(Timestamp now, const std::string& room, Callback<> moved);
    void end_here(const std::string& room, room::RoomEnd end);
    void take_orphans(Timestamp now);
    void finish_closing();

    net::EventLoop& loop_;
    telemetry::Metrics& metrics_;
    ClusterOptions options_;
    std::unique_ptr<net::RedisDriver> redis_;
    std::unique_ptr<cluster::psrpc::PsrpcBus> bus_;
    std::unique_ptr<cluster::psrpc::Retrier> retrier_;
    cluster::store::Notices notices_;

    // From open() on.
    ControlNode* node_ = nullptr;
    std::unique_ptr<cluster::nodes::NodeRegistry> registry_;
    std::unique_ptr<cluster::nodes::Placement> placement_;
    std::unique_ptr<cluster::nodes::NodeReconciler> reconciler_;
    std::unique_ptr<Scaling> scaling_;
    std::unique_ptr<cluster::store::RoomReader> reader_;
    std::unique_ptr<cluster::store::RoomRecords> records_;
    std::unique_ptr<cluster::store::DispatchStore> agents_;
    std::unique_ptr<cluster::store::AgentRecords> agent_records_;
    std::unique_ptr<cluster::store::RoomOrphans> orphans_;
    std::unique_ptr<ClusterLinks> links_;  // null: signalling goes by Redis alone
    std::unique_ptr<cluster::tokens::SharedRevocations> revocations_;
    std::unique_ptr<RoomPlacement> rooms_;
    std::unique_ptr<RoomServers> servers_;
    std::unique_ptr<RelayedSessions> relayed_;
    std::unique_ptr<cluster::relay::MediaEnd> media_end_;
    std::unique_ptr<cluster::relay::SignalEnd> signal_end_;
    std::unique_ptr<RelayBackend> backend_;
    std::unique_ptr<WhipServers> whip_servers_;
    std::unique_ptr<ClusterWhip> whip_;
    std::unique_ptr<ClusterRoomService> service_;
    std::unique_ptr<ClusterServices> services_;
    // Nodes that the records do not have, and when that was seen first.
    std::map<std::string, Timestamp> unknown_;
    RoomCopies copies_;
    RoomMover mover_;

    std::array<bool, 2> told_down_{};  // by line
    Snapshot counters_;
    bool woken_ = false;
    std::function<void()> on_first_up_;
    std::function<void()> closed_;
    Timestamp close_by_;
    bool withdrawn_ = false;
    net::EventLoop::Timer close_timer_;
};

}  // namespace confab::control
