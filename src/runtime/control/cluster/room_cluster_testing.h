// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Nodes on one Redis in memory, each with bus, record, placement and API as Cluster joins them, and
// a control plane that has no thread of its own. Time is virtual; the server API reads the real
// clock here and there, so it begins where that is once the nodes know each other.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "cluster/nodes/node_registry.h"
#include "cluster/nodes/placement.h"
#include "cluster/nodes/script/memory_scripts.h"
#include "cluster/psrpc/psrpc_bus.h"
#include "cluster/psrpc/retry.h"
#include "cluster/store/scripts_testing.h"
#include "redis/memory_server.h"
#include "runtime/control/cluster/cluster_room_service.h"
#include "runtime/control/cluster/rooms/room_placement.h"
#include "runtime/control/cluster/rooms/room_servers.h"
#include "runtime/control/shards/control_node.h"
#include "runtime/control/shards/node_room_service.h"
#include "token/room_key.h"

namespace confab::control {

// What came back: a message as it is serialised, or "code: text".
template <typename Response>
std::string text_of(const Result<Response, api::ServiceError>& result) {
    if (!result)
        return std::string(api::to_text(result.error().code)) + ": " + result.error().message;
    return result->SerializeAsString();
}

// The rooms of one node: what they are asked, and with `error` and `answer` what they say; or real
// ones behind it.
class SpyRooms final : public api::RoomServicePort {
  public:
    struct Call {
        std::string method;
        api::CallContext context;
        std::string request;  // serialised
    };
    std::vector<Call> calls;
    std::string answer;  // of every method: fields that none of the messages has
    std::optional<api::ServiceError> error;
    api::RoomServicePort* behind = nullptr;
    bool holds = false;  // whether answers wait, in held
    std::vector<std::function<void()>> held;

    // "Method tenant", of all since the last time.
    std::vector<std::string> take() {
        std::vector<std::string> taken;
        for (const Call& call : std::exchange(calls, {}))
            taken.push_back(call.method + " " + call.context.tenant);
        return taken;
    }

    void find_room(const std::string& key, Found found) override {
        calls.push_back({"find_room", {}, key});
        found(std::optional<std::string>("found by its node"));
    }
    void move_to_worker(const api::CallContext& context, const api::WorkerMove& wanted,
                        api::Reply<livekit::ParticipantInfo> reply) override {
        calls.push_back({"move_to_worker", context, wanted.room + " " + wanted.identity});
        reply(livekit::ParticipantInfo());
    }
#define CONFAB_SPY(method, Request, Response)                                                  \
    void method(const api::CallContext& context, const livekit::Request& request,              \
                api::Reply<livekit::Response> reply) override {                                \
        take_call(#method, &api::RoomServicePort::method, context, request, std::move(reply)); \
    }
    CONFAB_SPY(create_room, CreateRoomRequest, Room)
    CONFAB_SPY(list_rooms, ListRoomsRequest, ListRoomsResponse)
    CONFAB_SPY(delete_room, DeleteRoomRequest, DeleteRoomResponse)
    CONFAB_SPY(list_participants, ListParticipantsRequest, ListParticipantsResponse)
    CONFAB_SPY(get_participant, RoomParticipantIdentity, ParticipantInfo)
    CONFAB_SPY(remove_participant, RoomParticipantIdentity, RemoveParticipantResponse)
    CONFAB_SPY(update_participant, UpdateParticipantRequest, ParticipantInfo)
    CONFAB_SPY(mute_published_track, MuteRoomTrackRequest, MuteRoomTrackResponse)
    CONFAB_SPY(update_subscriptions, UpdateSubscriptionsRequest, UpdateSubscriptionsResponse)
    CONFAB_SPY(send_data, SendDataRequest, SendDataResponse)
    CONFAB_SPY(update_room_metadata, UpdateRoomMetadataRequest, Room)
    CONFAB_SPY(forward_participant, ForwardParticipantRequest, ForwardParticipantResponse)
    CONFAB_SPY(move_participant, MoveParticipantRequest, MoveParticipantResponse)
    CONFAB_SPY(perform_rpc, PerformRpcRequest, PerformRpcResponse)
#undef CONFAB_SPY

  private:
    template <typename Request, typename Response, typename Method>
    void take_call(const char* name, Method method, const api::CallContext& context,
                   const Request& request, api::Reply<Response> reply) {
        calls.push_back({name, context, request.SerializeAsString()});
        if (behind != nullptr) return (behind->*method)(context, request, std::move(reply));
        const auto later = std::make_shared<api::Reply<Response>>(std::move(reply));
        held.emplace_back([this, later] {
            if (error) return (*later)(tl::make_unexpected(*error));
            Response response;
            REQUIRE(response.ParseFromString(answer));
            (*later)(std::move(response));
        });
        if (!holds) std::exchange(held, {}).back()();
    }
};

// A control plane in the thread of the test; loop() lets it do what is posted.
class RoomsHost {
  public:
    RoomsHost(const std::string& id, std::size_t shards) : bus_(hub_, id), metrics_(id) {
        worker::MediaNodeOptions media;
        media.workers = 1;
        media.pin = false;
        media.addresses = {IpAddress::v4(0x7F000001)};
        media.control_shards = shards;
        media_ = worker::MediaNode::start(std::move(media), net::EventLoop::wall()).value();
        ControlNodeOptions options;
        options.room.node_id = id;
        options.room.media.workers.resize(1);
        options.bus = &bus_;  // so that the rooms tell what is to be stored
        options.bus_turn = [this](Timestamp now) { hub_.handle_timeout(now); };
        options.bus_deadline = [this] { return hub_.next_deadline(); };
        control_ =
            std::make_unique<ControlNode>(loop_, *media_, keys_, metrics_, std::move(options), 1);
    }
    RoomsHost(const RoomsHost&) = delete;
    RoomsHost& operator=(const RoomsHost&) = delete;
    ~RoomsHost() {
        control_->stop();
        turn();  // what the shards had posted
        control_.reset();
        media_->stop();
    }
    ControlNode& control() { return *control_; }
    void turn() {
        loop_.post([this] { loop_.stop(); });
        loop_.run();
    }
    // Until it is so, ten seconds at most.
    template <typename F>
    bool eventually(F is_so) {
        for (int i = 0; i < 2000 && !is_so(); ++i) {
            turn();
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return is_so();
    }

  private:
    net::EventLoop loop_;
    rpc::LocalHub hub_;
    rpc::LocalBus bus_;
    token::KeyMap keys_;
    telemetry::Metrics metrics_;
    std::unique_ptr<worker::MediaNode> media_;
    std::unique_ptr<ControlNode> control_;
};

struct RoomsNodeOptions {
    cluster::nodes::NodeLimits limits;
    bool allow_local = true;
    std::size_t shards = 1;
    cluster::psrpc::RetryPlan plan;
};

class RoomCluster;

class RoomsNode {
  public:
    RoomsNode(RoomCluster& world, std::string id, const RoomsNodeOptions& options);

    void handle_timeout(Timestamp now) {
        bus.handle_timeout(now);
        retrier.handle_timeout(now);
        registry.handle_timeout(clock());
        while (registry.poll_event()) {
        }
        placement.handle_timeout(now);
        orphans.handle_timeout(now);
    }
    Timestamp next_deadline() const {
        Timestamp next = earlier(bus.next_deadline(), retrier.next_deadline());
        next = earlier(next, earlier(registry.next_deadline(), placement.next_deadline()));
        return earlier(next, orphans.next_deadline());
    }
    // Its rooms are real ones from now on.
    void have_rooms() { rooms.behind = &service; }

    RoomCluster& world;
    std::string id;
    bool frozen = false;  // SIGSTOP
    cluster::nodes::NodeFigures figures;
    cluster::store::Notices notices{[](Timestamp, const cluster::store::Notice&) {}};
    std::vector<std::string> ended;      // rooms of dead nodes
    std::vector<std::string> revoked;    // "key identity time"
    std::vector<std::string> sent_away;  // "key identity name sid", to rooms of other nodes
    RoomsHost host;
    NodeRoomService service{host.control(), {}};
    SpyRooms rooms;
    std::unique_ptr<redis::Port> port;
    cluster::psrpc::PsrpcBus bus;
    cluster::psrpc::Retrier retrier;
    cluster::nodes::NodeRegistry registry;
    cluster::nodes::Placement placement;
    cluster::store::RoomReader reader;
    cluster::store::RoomOrphans orphans;
    cluster::store::DispatchStore agents;
    RoomPlacement places;
    RoomServers servers;
    ClusterRoomService api;

  private:
    cluster::nodes::Clock clock() const;
    redis::Events events();
    bool is_dead(const std::string& node) const {
        return !node.empty() && registry.table().is_loaded() && !registry.table().is_usable(node);
    }
    void create_here(const api::CallContext& context, const livekit::CreateRoomRequest& request,
                     api::Reply<livekit::Room> reply);
    void route_of(const std::string& room, RoomPlacement::Found found);
};

class RoomCluster {
  public:
    // Nodes "a", "b" …, who know each other.
    explicit RoomCluster(std::size_t count = 2, const RoomsNodeOptions& options = {}) {
        cluster::nodes::add_scripts(server.store());
        cluster::store::testing::add_scripts(server.store());
        for (std::size_t i = 0; i < count; ++i) {
            const std::string id(1, static_cast<char>('a' + i));
            nodes[id] = std::make_unique<RoomsNode>(*this, id, options);
        }
        now = net::EventLoop::now() - kSetUp;
        for (auto& [id, node] : nodes)
            node->registry.start({now, wall_at(now)}, cluster::nodes::NodeState::kServing);
        pass(kSetUp);
        for (auto& [id, node] : nodes)
            for (auto& [other, theirs] : nodes)
                REQUIRE(node->registry.table().is_usable(other));
    }

    RoomsNode& a() { return *nodes.at("a"); }
    RoomsNode& b() { return *nodes.at("b"); }
    // kill -9
    void kill(const std::string& id) { nodes.erase(id); }
    UnixTime wall_at(Timestamp at) const { return wall0_ + (at - Timestamp()); }

    // Lets everything happen that is due within this time.
    void pass(Duration time) {
        const Timestamp end = now + time;
        for (Timestamp next = next_deadline(); next <= end; next = next_deadline()) {
            now = std::max(now, next);
            server.handle_timeout(now);
            for (auto& [id, node] : nodes)
                if (!node->frozen && node->next_deadline() <= now) node->handle_timeout(now);
        }
        now = end;
    }
    Timestamp next_deadline() const {
        Timestamp next = server.next_deadline();
        for (const auto& [id, node] : nodes)
            if (!node->frozen) next = earlier(next, node->next_deadline());
        return next;
    }

    // The real clock goes on meanwhile, on a busy machine a while.
    void catch_up() {
        const Timestamp real = net::EventLoop::now();
        if (now < real) pass(real - now);
    }
    // What came back, as soon as it has; "waiting" if it has not by then.
    std::string answered(const std::shared_ptr<std::string>& answer, Duration wait = kUsual) {
        for (const Timestamp end = now + wait; *answer == "waiting" && now < end;)
            pass(std::min(Duration::millis(5), end - now));
        return *answer;
    }

    // A call of the API of a node, and what has come back of it by `wait`, or "waiting".
    template <typename Request, typename Response>
    std::string ask(RoomsNode& node,
                    void (api::RoomServicePort::*method)(const api::CallContext&, const Request&,
                                                         api::Reply<Response>),
                    const Request& request, const std::string& tenant = "",
                    Duration wait = kUsual) {
        return answered(start(node, method, request, tenant), wait);
    }
    template <typename Request, typename Response>
    std::shared_ptr<std::string> start(RoomsNode& node,
                                       void (api::RoomServicePort::*method)(const api::CallContext&,
                                                                            const Request&,
                                                                            api::Reply<Response>),
                                       const Request& request, const std::string& tenant = "") {
        catch_up();
        const auto answer = std::make_shared<std::string>("waiting");
        (node.api.*method)({now, std::nullopt, tenant}, request,
                           [answer](const Result<Response, api::ServiceError>& result) {
                               CHECK(*answer == "waiting");
                               *answer = text_of(result);
                           });
        return answer;
    }

    // ---- Redis, as from outside. A field of a hash: "-" if it is not there.
    std::string field(std::string_view key, std::string_view name) {
        const auto* hash = server.store().hash(key);
        if (hash == nullptr) return "-";
        const auto it = hash->find(name);
        return it == hash->end() ? "-" : it->second;
    }
    void set(std::string_view key, std::string_view name, std::string_view value) {
        const std::array<std::string_view, 4> words = {"HSET", key, name, value};
        (void)server.store().run(now, words);
    }
    // What a node has stored of a room, or of who is there.
    void store_room(const std::string& key, const std::string& sid = "RM_aaaabbbbcccc") {
        set("rooms", key, room_record(key, sid).SerializeAsString());
    }
    static livekit::Room room_record(const std::string& key, const std::string& sid) {
        livekit::Room room;
        room.set_sid(sid);
        room.set_name(key);
        room.set_creation_time(1'699'999'000);
        room.set_empty_timeout(300);
        room.set_metadata("kept");
        return room;
    }
    void store_participant(const std::string& key, const std::string& identity) {
        livekit::ParticipantInfo info;
        info.set_identity(identity);
        set("room_participants:" + key, identity, info.SerializeAsString());
    }

    static constexpr Duration kSetUp = Duration::seconds(10);
    static constexpr Duration kUsual = Duration::seconds(1);
    Timestamp now = net::EventLoop::now() - kSetUp;
    redis::MemoryServer server;
    std::map<std::string, std::unique_ptr<RoomsNode>> nodes;

  private:
    UnixTime wall0_ = net::EventLoop::wall() + (Timestamp() - net::EventLoop::now());
};

// ---------------------------------------------------------------- as Cluster does it

inline RoomsNode::RoomsNode(RoomCluster& cluster, std::string name, const RoomsNodeOptions& options)
    : world(cluster),
      id(std::move(name)),
      host(id, options.shards),
      port(world.server.attach(world.now, events())),
      bus(
          *port, {id, true}, [this](Timestamp at) { return world.wall_at(at); },
          std::hash<std::string>()(id)),
      retrier(bus, 2),
      registry(
          *port, bus,
          [&] {
              cluster::nodes::RegistryOptions own;
              own.id = id;
              own.ip = "10.0.0.1";
              own.num_cpus = 2;
              own.limits = options.limits;
              return own;
          }(),
          [this] { return figures; }, Rng(3)),
      placement(*port, registry, {{}, options.allow_local}, Rng(4)),
      reader(*port, notices),
      orphans(*port, notices,
              [this](Timestamp, const std::string& room, const std::string&) {
                  ended.push_back(room);
              }),
      agents(*port, notices),
      places(placement, reader, agents, host.control(), id,
             [this](const std::string& room) { return servers.has(room); }),
      servers(bus, rooms, id,
              [this](const api::CallContext& context, const livekit::CreateRoomRequest& request,
                     api::Reply<livekit::Room> reply) {
                  create_here(context, request, std::move(reply));
              }),
      api(ClusterRoomService::Parts{
          rooms, places, servers, reader, orphans, retrier, options.plan, id,
          [this](const std::string& node) { return is_dead(node); },
          [this](const std::string& room, RoomPlacement::Found found) {
              route_of(room, std::move(found));
          },
          [this](const SendAway& wanted, api::Reply<livekit::MoveParticipantResponse> reply) {
              sent_away.push_back(wanted.room + " " + wanted.identity + " " + wanted.to.name() +
                                  " " + wanted.to.sid());
              reply(livekit::MoveParticipantResponse());
          },
          [this](const livekit::RoomParticipantIdentity& who) {
              revoked.push_back(who.room() + " " + who.identity() + " " +
                                std::to_string(who.revoke_token_ts()));
          }}) {
    servers.set_relocations(api);
    rooms.answer = std::string("\xc2\x3e\x01", 3) + id;  // field 1000
}

inline cluster::nodes::Clock RoomsNode::clock() const {
    return {world.now, world.wall_at(world.now)};
}

inline redis::Events RoomsNode::events() {
    return {
        [this](Timestamp now, std::string_view channel, const std::string& payload) {
            if (!frozen) bus.handle_message(now, channel, payload);
        },
        [this](Timestamp now, const std::string& channel) { bus.handle_subscribed(now, channel); },
        [this](Timestamp now, redis::Line line) {
            bus.handle_up(now, line);
            registry.handle_up(clock());
            if (line == redis::Line::kCommands) orphans.handle_up(now);
        },
        [this](Timestamp now, redis::Line line, const redis::Fault& fault) {
            bus.handle_down(now, line, fault);
            registry.handle_down(clock());
        },
        {}};
}

inline void RoomsNode::create_here(const api::CallContext& context,
                                   const livekit::CreateRoomRequest& request,
                                   api::Reply<livekit::Room> reply) {
    places.place(context.now, token::room_key(context.tenant, request.name()), id,
                 [this, context, request,
                  reply = std::move(reply)](const Result<std::string, rpc::Error>& placed) mutable {
                     if (!placed)
                         return reply(tl::make_unexpected(api::service_error(placed.error())));
                     rooms.create_room(context, request, std::move(reply));
                 });
}

inline void RoomsNode::route_of(const std::string& room, RoomPlacement::Found found) {
    const std::array<std::string_view, 3> words = {"HGET", "room_node_map", room};
    const auto waiting = std::make_shared<RoomPlacement::Found>(std::move(found));
    const auto answer = [waiting](Timestamp, const Result<redis::Value, redis::Fault>& reply) {
        if (reply) return (*waiting)(reply->text);
        (*waiting)(
            tl::make_unexpected(rpc::Error{rpc::Code::kUnavailable, reply.error().text, {}}));
    };
    if (const auto taken = port->command(world.now, words, answer); !taken)
        answer(world.now, tl::make_unexpected(taken.error()));
}

}  // namespace confab::control
