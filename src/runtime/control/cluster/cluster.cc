// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/cluster.h"

#include <array>
#include <utility>

#include "runtime/control/cluster/cluster_metrics.h"
#include "runtime/telemetry/log.h"
#include "token/room_key.h"

namespace confab::control {

namespace nodes = cluster::nodes;
namespace store = cluster::store;

namespace {

// Different machines draw different numbers from one seed (the increment of SplitMix64).
std::uint64_t seed_of(std::uint64_t seed, std::uint64_t which) {
    return seed + which * 0x9E3779B97F4A7C15ULL;
}

const char* name_of(redis::Line line) {
    return line == redis::Line::kCommands ? "commands" : "channels";
}

const char* name_of(nodes::TableEvent::Kind kind) {
    using Kind = nodes::TableEvent::Kind;
    switch (kind) {
        case Kind::kCame:
            return "a node is there";
        case Kind::kDied:
            return "a node is gone";
        case Kind::kSkewed:
            return "the clock of a node is wrong";
        case Kind::kHeard:
            return "the record of a node is not written";
        case Kind::kStands:
            break;
    }
    return "a node stands still";
}

// What room_node_map says, empty if nothing; `wake` before it is told.
void route_of(redis::Port& redis, const std::string& room, std::function<void()> wake,
              RoomPlacement::Found found) {
    const std::array<std::string_view, 3> words = {"HGET", "room_node_map", room};
    const auto waiting = std::make_shared<RoomPlacement::Found>(std::move(found));
    const auto taken = redis.command(
        net::EventLoop::now(), words,
        [wake = std::move(wake), waiting](Timestamp,
                                          const Result<redis::Value, redis::Fault>& reply) {
            wake();
            if (reply && !reply->is_error()) return (*waiting)(reply->text);
            (*waiting)(tl::make_unexpected(
                rpc::Error{rpc::Code::kUnavailable, reply ? reply->text : reply.error().text, {}}));
        });
    if (!taken)
        (*waiting)(
            tl::make_unexpected(rpc::Error{rpc::Code::kUnavailable, taken.error().text, {}}));
}

void store_agents(store::AgentRecords& records, Timestamp now, const StoreEffect& effect) {
    if (const auto* wanted = std::get_if<room::StoreDispatch>(&effect))
        records.put_dispatch(now, wanted->room, wanted->dispatch.id(),
                             wanted->dispatch.SerializeAsString());
    else if (const auto* unwanted = std::get_if<room::RemoveDispatch>(&effect))
        records.remove_dispatch(now, unwanted->room, unwanted->id);
    else if (const auto* job = std::get_if<room::StoreJob>(&effect))
        records.put_job(now, job->room, job->job.id(), job->job.SerializeAsString());
    else if (const auto* gone = std::get_if<room::RemoveJob>(&effect))
        records.remove_job(now, gone->room, gone->id);
}

}  // namespace

Cluster::Cluster(net::EventLoop& loop, telemetry::Metrics& metrics, ClusterOptions options)
    : loop_(loop),
      metrics_(metrics),
      options_(std::move(options)),
      notices_([](Timestamp, const store::Notice& notice) {
          telemetry::log_warn("the store of the cluster",
                              {{"key", notice.key},
                               telemetry::LogField::if_any("field", notice.field),
                               {"problem", notice.text}});
      }),
      mover_(options_.move_rate,
             [this](Timestamp now, const std::string& room, Callback<> moved) {
                 move_room(now, room, std::move(moved));
             }),
      close_timer_(loop) {}

Cluster::~Cluster() = default;

nodes::Clock Cluster::clock() const {
    return {net::EventLoop::now(), net::EventLoop::wall()};
}

// ---------------------------------------------------------------- Redis

Result<std::unique_ptr<Cluster>, std::string> Cluster::connect(net::EventLoop& loop,
                                                               telemetry::Metrics& metrics,
                                                               ClusterOptions options) {
    std::unique_ptr<Cluster> cluster(new Cluster(loop, metrics, std::move(options)));
    CONFAB_TRY_VOID(cluster->dial());
    return cluster;
}

Result<void, std::string> Cluster::dial() {
    const Timestamp now = net::EventLoop::now();
    CONFAB_TRY(redis_,
               net::RedisDriver::make(loop_, options_.machine(events(), now), options_.driver));
    const auto wall = [](Timestamp at) {
        return net::EventLoop::wall() + (at - net::EventLoop::now());
    };
    bus_ = std::make_unique<cluster::psrpc::PsrpcBus>(
        *redis_, cluster::psrpc::Settings{options_.registry.id, options_.listeners_are_known}, wall,
        seed_of(options_.seed, 1));
    retrier_ = std::make_unique<cluster::psrpc::Retrier>(*bus_, seed_of(options_.seed, 2));
    bool up = false;
    bool over = false;
    const auto stop_once = [&] {
        if (!std::exchange(over, true)) loop_.stop();
    };
    on_first_up_ = [&] {
        up = is_connected();
        if (up) stop_once();
    };
    net::EventLoop::Timer patience(loop_);
    patience.set(now + options_.connect_patience, stop_once);
    loop_.run();
    on_first_up_ = nullptr;
    if (up) {
        telemetry::log_info("connected to Redis", {{"redis", options_.place}});
        return {};
    }
    return fail("no connection to Redis (" + options_.place + "): " + redis_->trouble());
}

redis::Events Cluster::events() {
    return {[this](Timestamp now, std::string_view channel, const std::string& payload) {
                heard(now, channel, payload);
            },
            [this](Timestamp now, const std::string& channel) {
                bus_->handle_subscribed(now, channel);
                wake();
            },
            [this](Timestamp now, redis::Line line) { came_up(now, line); },
            [this](Timestamp now, redis::Line line, const redis::Fault& fault) {
                went_down(now, line, fault);
            },
            [this](Timestamp now, const std::string& channel, const std::string& error) {
                telemetry::log_error("Redis refuses a channel",
                                     {{"channel", channel},
                                      {"error", error},
                                      {"remedy", "give its user the channels &*|*"}});
                bus_->handle_refused(now, channel, error);
                wake();
            }};
}

void Cluster::heard(Timestamp now, std::string_view channel, const std::string& payload) {
    bus_->handle_message(now, channel, payload);
    wake();
}

void Cluster::came_up(Timestamp now, redis::Line line) {
    bus_->handle_up(now, line);
    if (on_first_up_) on_first_up_();
    if (registry_) {
        telemetry::log_info("connected to Redis again", {{"connection", name_of(line)}});
        registry_->handle_up(clock());
        told_down_[static_cast<std::size_t>(line)] = false;
        if (is_connected()) {
            signal_end_->handle_recovery(now);
            media_end_->handle_recovery(now);
        }
        if (line == redis::Line::kCommands) {
            if (links_) links_->handle_up(now);
            placement_->handle_up(now);
            placement_->recheck(now);
            records_->handle_up(now);
            agent_records_->handle_up(now);
            orphans_->handle_up(now);
            scaling_->handle_up(now);
        }
        revocations_->handle_up(now);
    }
    wake();
}

void Cluster::went_down(Timestamp now, redis::Line line, const redis::Fault& fault) {
    bus_->handle_down(now, line, fault);
    if (registry_) {
        registry_->handle_down(clock());
        if (line == redis::Line::kCommands) placement_->handle_down(now);
        signal_end_->handle_outage();
        media_end_->handle_outage();
    }
    // Each further attempt ends here too.
    if (registry_ && !told_down_[static_cast<std::size_t>(line)]) ++counters_.connections_lost;
    if (registry_ && !std::exchange(told_down_[static_cast<std::size_t>(line)], true)) {
        telemetry::log_error(
            "the connection to Redis is lost: calls go on, what is for other nodes waits",
            {{"connection", name_of(line)}, {"reason", fault.text}});
    }
    wake();
}

// ---------------------------------------------------------------- turns

// What is used outside of a turn of the loop's own gets one.
void Cluster::wake() {
    if (!node_ || std::exchange(woken_, true)) return;
    loop_.post([this] { woken_ = false; });
}

void Cluster::turn(Timestamp now) {
    bus_->handle_timeout(now);
    retrier_->handle_timeout(now);
    if (!registry_) return;
    services_->handle_timeout(clock());
    registry_->handle_timeout(clock());
    if (links_) links_->handle_timeout(now, registry_->table());
    take_registry_events(now);
    placement_->handle_timeout(now);
    take_copies(now);
    reconciler_->handle_timeout(now);
    take_orphans(now);
    scaling_->handle_timeout(now);
    records_->handle_timeout(now);
    agent_records_->handle_timeout(now);
    orphans_->handle_timeout(now);
    revocations_->handle_timeout(now);
    signal_end_->handle_timeout(now);
    media_end_->handle_timeout(now);
    backend_->take_events();
    mover_.handle_timeout(now);
    if (links_) links_->flush();
    bus_->handle_timeout(now);
    if (closed_) finish_closing();
}

Timestamp Cluster::next_deadline() const {
    Timestamp next = earlier(bus_->next_deadline(), retrier_->next_deadline());
    if (!registry_) return next;
    for (const Timestamp one :
         {registry_->next_deadline(), placement_->next_deadline(), reconciler_->next_deadline(),
          records_->next_deadline(), agent_records_->next_deadline(), orphans_->next_deadline(),
          revocations_->next_deadline(), signal_end_->next_deadline(), media_end_->next_deadline(),
          mover_.next_deadline(), services_->next_deadline(), scaling_->next_deadline()})
        next = earlier(next, one);
    return links_ ? earlier(next, links_->next_deadline()) : next;
}

// ---------------------------------------------------------------- rooms

void Cluster::open(ControlNode& node, const Own& own, nodes::NodeRegistry::Figures figures) {
    node_ = &node;
    make_nodes(std::move(figures));
    make_store();
    make_rooms(own.rooms);
    make_relay(own);
    service_ = std::make_unique<ClusterRoomService>(ClusterRoomService::Parts{
        own.rooms, *rooms_, *servers_, *reader_, *orphans_, *retrier_, options_.retry,
        options_.registry.id, [this](const std::string& other) { return is_dead(other); },
        [this](const std::string& room, RoomPlacement::Found found) {
            route_of(*redis_, room, [this] { wake(); }, std::move(found));
        },
        [&rooms = own.rooms](const SendAway& wanted,
                             api::Reply<livekit::MoveParticipantResponse> reply) {
            rooms.send_away(wanted, std::move(reply));
        },
        [&rooms = own.rooms](const livekit::RoomParticipantIdentity& who) { rooms.revoke(who); }});
    servers_->set_relocations(*service_);
    make_services();
    node.set_revoked([this](const token::Revocations::Record& record) {
        revocations_->tell(net::EventLoop::now(), record);
        wake();
    });
    node.set_store([this](StoreEffect effect) { store(std::move(effect)); });
    own.rooms.set_when_stored([this](const std::string& key, Duration patience, Callback<> done) {
        records_->when_stored(net::EventLoop::now(), key, patience, std::move(done));
        wake();
    });
    if (const auto served = media_end_->serve(); !served)
        telemetry::log_error("cannot be asked by other nodes", {{"error", served.error().text}});
    registry_->start(clock(), nodes::NodeState::kServing);
    registry_->handle_up(clock());
    reconciler_->start(net::EventLoop::now());
    scaling_->start(net::EventLoop::now());
    wake();
}

void Cluster::make_nodes(nodes::NodeRegistry::Figures figures) {
    if (options_.links) {
        links_ = std::make_unique<ClusterLinks>(ClusterLinks::Parts{
            loop_, *redis_, notices_, *bus_, options_.registry.id, *options_.links,
            seed_of(options_.seed, 8),
            [this](Timestamp now, const std::string& node) { registry_->prove_dead(now, node); },
            [this](Timestamp now, const std::string& node) {
                registry_->note(now, node, nodes::NodeTable::Sign::kHeard);
            },
            [this](Timestamp now, const std::string& node, bool stands) {
                if (stands) registry_->note(now, node, nodes::NodeTable::Sign::kStands);
                signal_end_->node_stands(node, stands);
                media_end_->node_stands(node, stands);
            }});
        options_.registry.link = links_->listen();
        links_->handle_up(net::EventLoop::now());
    }
    const auto rng = [this](std::uint64_t which) { return Rng(seed_of(options_.seed, which)); };
    registry_ = std::make_unique<nodes::NodeRegistry>(*redis_, *bus_, options_.registry,
                                                      std::move(figures), rng(3));
    placement_ =
        std::make_unique<nodes::Placement>(*redis_, *registry_, options_.placement, rng(4));
    reconciler_ = std::make_unique<nodes::NodeReconciler>(*redis_, *registry_, rng(5));
    scaling_ = std::make_unique<Scaling>(
        Scaling::Parts{loop_, metrics_, *redis_, registry_->table(),
                       [this](Timestamp now) { return reconciler_->is_leader(now); }},
        options_.scale, options_.scale_command);
}

void Cluster::make_store() {
    using Form = store::RoomScripts::Form;
    const Form form = options_.store_keys_apart ? Form::kApart : Form::kTogether;
    reader_ = std::make_unique<store::RoomReader>(*redis_, notices_);
    agents_ = std::make_unique<store::DispatchStore>(*redis_, notices_);
    agent_records_ = std::make_unique<store::AgentRecords>(*agents_);
    records_ = std::make_unique<store::RoomRecords>(
        *redis_, notices_, options_.registry.id,
        [this](Timestamp now, const std::string& room, const std::string& other) {
            note_copy(now, room, other);
        },
        form);
    orphans_ = std::make_unique<store::RoomOrphans>(
        *redis_, notices_,
        [this](Timestamp now, const std::string& name, const std::string&) {
            telemetry::log_info("a room of a node that died has ended", {{"room", name}});
            reconciler_->settle(now, name);
        },
        form);
    revocations_ = std::make_unique<cluster::tokens::SharedRevocations>(
        *redis_, notices_, *bus_, node_->revocations(),
        [](Timestamp at) { return net::EventLoop::wall() + (at - net::EventLoop::now()); });
    revocations_->handle_up(net::EventLoop::now());
}

void Cluster::make_rooms(api::RoomServicePort& rooms) {
    rooms_ = std::make_unique<RoomPlacement>(
        *placement_, *reader_, *agents_, *node_, options_.registry.id,
        [this](const std::string& room) { return servers_ && servers_->has(room); });
    servers_ = std::make_unique<RoomServers>(
        *bus_, rooms, options_.registry.id,
        [this, &rooms](const api::CallContext& context, livekit::CreateRoomRequest request,
                       api::Reply<livekit::Room> reply) {
            create_here(rooms, context, std::move(request), std::move(reply));
        });
}

// Another node has chosen this one.
void Cluster::create_here(api::RoomServicePort& rooms, const api::CallContext& context,
                          livekit::CreateRoomRequest request, api::Reply<livekit::Room> reply) {
    const std::string key = token::room_key(context.tenant, request.name());
    rooms_->place(context.now, key, options_.registry.id,
                  [&rooms, context, request = std::move(request), reply = std::move(reply)](
                      const Result<std::string, rpc::Error>& placed) mutable {
                      if (!placed)
                          return reply(tl::make_unexpected(api::service_error(placed.error())));
                      rooms.create_room(context, request, std::move(reply));
                  });
    wake();
}

void Cluster::make_relay(const Own& own) {
    const std::string& id = options_.registry.id;
    const auto check = [this](const std::string& room, Callback<bool> here) {
        check_here(room, std::move(here));
    };
    relayed_ = std::make_unique<RelayedSessions>(*node_, check, own.over_limit);
    rpc::Bus& bus = links_ ? links_->bus() : *bus_;
    media_end_ = std::make_unique<cluster::relay::MediaEnd>(bus, *relayed_, id, options_.relay,
                                                            options_.limits);
    relayed_->set_relay(*media_end_);
    signal_end_ = std::make_unique<cluster::relay::SignalEnd>(bus, *rooms_, id, options_.relay,
                                                              seed_of(options_.seed, 6));
    backend_ = std::make_unique<RelayBackend>(own.signal, *signal_end_, *rooms_, id,
                                              options_.websocket, metrics_, [this] { wake(); });
    whip_servers_ = std::make_unique<WhipServers>(*bus_, own.whip, id, options_.limits, check);
    whip_ = std::make_unique<ClusterWhip>(ClusterWhip::Parts{
        own.whip, *rooms_, [this](const std::string& room) { return servers_->has(room); },
        *reader_, *retrier_, options_.retry, id, [this] { wake(); }});
    node_->set_whip_named([this](const std::string& room, const std::string& identity, bool there) {
        whip_servers_->set_named(room, identity, there);
        wake();
    });
}

void Cluster::make_services() {
    services_ = std::make_unique<ClusterServices>(
        ClusterServices::Parts{
            *redis_, *bus_, *retrier_, options_.retry, notices_, *reader_, *service_, *node_,
            [this](const livekit::WebhookEvent& event, const std::string& tenant) {
                node_->webhooks().send(event, tenant);
            },
            options_.ingress, options_.egress_ids, options_.sip_ids, [this] { wake(); }},
        net::EventLoop::now(), seed_of(options_.seed, 7));
}

// One that is not in the records may have come since they were read: they are read again first.
bool Cluster::is_dead(const std::string& node) {
    constexpr std::size_t kMaxUnknown = 1000;
    const nodes::NodeTable& table = registry_->table();
    if (node.empty() || !table.is_loaded()) return false;
    if (table.find(node) != nullptr) return !table.is_usable(node);
    if (unknown_.size() >= kMaxUnknown) unknown_.clear();
    const Timestamp now = net::EventLoop::now();
    const auto [seen, is_new] = unknown_.try_emplace(node, now);
    if (is_new) registry_->refresh(now, [](Timestamp) {});
    return table.asked() >= seen->second;
}

void Cluster::check_here(const std::string& room, Callback<bool> here) {
    rooms_->check_here(net::EventLoop::now(), room, std::move(here));
    wake();
}

void Cluster::store(StoreEffect effect) {
    const Timestamp now = net::EventLoop::now();
    if (const auto* room = std::get_if<room::StoreRoom>(&effect)) {
        const std::string& key = room->room.name();
        servers_->add_room(key);
        records_->set_room(now, key, room->room.SerializeAsString(), room->internal);
    } else if (const auto* there = std::get_if<room::StoreParticipant>(&effect)) {
        servers_->add_participant(there->room, there->info.identity());
        records_->set_participant(now, there->room, there->info.identity(),
                                  there->info.SerializeAsString());
    } else if (const auto* gone = std::get_if<room::RemoveParticipant>(&effect)) {
        servers_->remove_participant(gone->room, gone->identity);
        records_->remove_participant(now, gone->room, gone->identity);
    } else if (const auto* over = std::get_if<room::RemoveRoom>(&effect)) {
        servers_->remove_room(over->room);
        records_->close(now, over->room);
        agent_records_->close(over->room);
        placement_->release(now, over->room);
    } else {
        store_agents(*agent_records_, now, effect);
    }
    wake();
}

// ---------------------------------------------------------------- other nodes

void Cluster::take_registry_events(Timestamp now) {
    using Kind = nodes::RegistryEvent::Kind;
    while (const auto event = registry_->poll_event()) {
        switch (event->kind) {
            case Kind::kRegistered:
                telemetry::log_info("this node is one of the cluster",
                                    {{"nodeID", options_.registry.id}});
                break;
            case Kind::kNode:
                using Told = nodes::TableEvent::Kind;
                telemetry::log_info(name_of(event->node.kind),
                                    {{"nodeID", event->node.node}, {"what", event->node.text}});
                if (event->node.kind != Told::kDied) break;
                signal_end_->node_died(event->node.node);
                media_end_->node_died(event->node.node);
                break;
            case Kind::kWasAway:
            case Kind::kRecordLost:
                telemetry::log_warn("others may have taken this node for dead",
                                    {{"what", event->text}});
                placement_->recheck(now);
                records_->handle_up(now);
                agent_records_->handle_up(now);
                break;
            case Kind::kIdInUse:
                telemetry::log_error("this node cannot be one of the cluster",
                                     {{"problem", event->text}});
                if (options_.on_id_in_use) options_.on_id_in_use();
                break;
            case Kind::kIdTaken:
            case Kind::kLoopStuck:
                telemetry::log_error("this node in its cluster", {{"problem", event->text}});
                break;
        }
    }
}

void Cluster::note_copy(Timestamp now, const std::string& room, const std::string& holder) {
    copies_.note(now, room, holder);
    registry_->refresh(now, [](Timestamp) {});
}

void Cluster::take_copies(Timestamp now) {
    while (const auto conflict = placement_->poll_conflict())
        note_copy(now, conflict->room, conflict->holder);
    if (copies_.is_empty()) return;
    for (const RoomCopies::Copy& copy : copies_.take(registry_->table())) {
        telemetry::log_error(
            "another node has this room too: the one here ends, its clients go there",
            {{"room", copy.room}, {"nodeID", copy.holder}});
        ++counters_.copies_ended;
        end_here(copy.room, room::RoomEnd::kCopy);
    }
}

void Cluster::end_here(const std::string& room, room::RoomEnd end) {
    node_->run_in(node_->shard_of(room), [room, end](ControlPlane& plane) {
        if (hand_over(plane.rooms(), plane.clock(), room, end)) plane.wake();
    });
}

void Cluster::take_orphans(Timestamp now) {
    while (const auto orphan = reconciler_->poll_event()) {
        telemetry::log_info("a room has lost its node",
                            {{"room", orphan->room}, {"nodeID", orphan->node}});
        orphans_->orphaned(now, orphan->room, orphan->node);
    }
}

// ---------------------------------------------------------------- the end

void Cluster::drain() {
    if (!registry_) return;
    registry_->set_state(clock(), nodes::NodeState::kShuttingDown);
    wake();
}

void Cluster::undrain() {
    if (!registry_) return;
    mover_.stop();
    registry_->set_state(clock(), nodes::NodeState::kServing);
    wake();
}

void Cluster::move_rooms(std::function<void()> done) {
    if (!registry_) return done();
    std::deque<RoomMover::Room> rooms = servers_->list();
    telemetry::log_info("the rooms go on at other nodes", {{"rooms", rooms.size()}});
    mover_.start(net::EventLoop::now(), std::move(rooms), std::move(done));
    wake();
}

void Cluster::move_room(Timestamp now, const std::string& room, Callback<> moved) {
    placement_->hand_over(now, room,
                          [this, room, moved = std::move(moved)](
                              Timestamp, const nodes::Placement::Outcome& placed) mutable {
                              moved();
                              if (!placed)
                                  return telemetry::log_warn(
                                      "a room finds no other node",
                                      {{"room", room}, {"reason", placed.error().text}});
                              if (placed->node == options_.registry.id) return;
                              telemetry::log_info("a room goes on at another node",
                                                  {{"room", room}, {"nodeID", placed->node}});
                              ++counters_.rooms_moved;
                              end_here(room, room::RoomEnd::kMoves);
                          });
}

void Cluster::close(std::function<void()> done) {
    if (!registry_) return done();
    media_end_->stop();
    closed_ = std::move(done);
    close_by_ = net::EventLoop::now() + kFlushPatience;
    close_timer_.set(close_by_, [this] { finish_closing(); });
    registry_->stop(clock(), [this](Timestamp) { withdrawn_ = true; });
    wake();
}

void Cluster::finish_closing() {
    const bool done = withdrawn_ && records_->snapshot().waiting == 0;
    if (!closed_ || (!done && net::EventLoop::now() < close_by_)) return;
    close_timer_.cancel();
    std::exchange(closed_, nullptr)();
}

bool Cluster::is_connected() const {
    return redis_->is_up(redis::Line::kCommands) && redis_->is_up(redis::Line::kChannels);
}

bool Cluster::is_ready() const {
    return registry_ && registry_->is_ready(net::EventLoop::now());
}

Cluster::Snapshot Cluster::snapshot() const {
    Snapshot result = counters_;
    result.connected = is_connected();
    if (!registry_) return result;
    const nodes::NodeTable::Snapshot table = registry_->table().snapshot();
    result.nodes = table.alive;
    result.nodes_lost = table.lost;
    result.heartbeat = registry_->last_heartbeat();
    result.relayed_out = signal_end_->snapshot().sessions;
    result.relayed_in = media_end_->snapshot().sessions;
    result.links = links_ ? links_->size() : 0;
    result.rooms = servers_->size();
    return result;
}

std::vector<Cluster::SeenNode> seen_nodes(const Cluster& cluster) {
    std::vector<Cluster::SeenNode> seen;
    if (!cluster.registry_) return seen;
    for (const auto& [id, entry] : cluster.registry_->table().entries())
        seen.push_back({entry.record, entry.presence == nodes::NodeTable::Presence::kSilent,
                        id == cluster.registry_->id()});
    return seen;
}

void Cluster::collect(telemetry::Metrics& metrics) const {
    control::collect(metrics, bus_->metrics());
    control::collect(metrics, snapshot());
    if (scaling_) scaling_->collect(metrics);
}

}  // namespace confab::control
