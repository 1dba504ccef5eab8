// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Nodes of a cluster on one Redis in memory, in virtual time: registry, placement and reconciler of
// each, with clocks that are wrong, processes that stop, and all that Redis may do.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/nodes/node_reconciler.h"
#include "cluster/nodes/node_registry.h"
#include "cluster/nodes/placement.h"
#include "cluster/nodes/script/memory_scripts.h"
#include "cluster/nodes/script/scripts.h"
#include "redis/memory_server.h"
#include "rpc/bus.h"

namespace confab::cluster::nodes {

// What a registry uses of a bus, through Redis as psrpc has it: so a hang of Redis holds pings up.
class PingBus final : public rpc::Bus {
  public:
    redis::Port* port = nullptr;
    Timestamp now;
    std::string published;  // the type of the last message
    bool listens = true;

    void hear(std::string_view channel, std::string payload) {
        if (const auto it = listeners_.find(channel); it != listeners_.end())
            heard_.emplace_back(it->second, std::move(payload));
    }
    bool has_heard() const { return !heard_.empty(); }
    void handle_timeout() {
        for (auto& [listener, payload] : std::exchange(heard_, {}))
            listener(payload);
    }

    rpc::Registration subscribe(const rpc::Method& method, rpc::Topic topic,
                                rpc::Listener listener) override {
        const std::string channel = channel_of(method, topic);
        listeners_[channel] = std::move(listener);
        port->subscribe(now, channel);
        return rpc::Registration([this, channel] { listeners_.erase(channel); });
    }
    void publish(const rpc::Method& method, rpc::Topic topic, std::string message) override {
        published = method.message;
        const std::string channel = channel_of(method, topic);
        const std::array<std::string_view, 3> words = {"PUBLISH", channel, message};
        (void)port->command(now, words, {});
    }
    Result<rpc::Registration, rpc::Error> serve(const rpc::Method&, rpc::Topic, rpc::Handler,
                                                rpc::Affinity) override {
        return rpc::Registration();
    }
    Result<rpc::Registration, rpc::Error> serve_stream(const rpc::Method&, rpc::Topic,
                                                       rpc::StreamHandler) override {
        return rpc::Registration();
    }
    rpc::CallId call(Timestamp, const rpc::Method&, rpc::Topic, std::string, rpc::CallOptions,
                     rpc::Reply) override {
        return {};
    }
    rpc::CallId gather(Timestamp, const rpc::Method&, rpc::Topic, std::string, rpc::CallOptions,
                       std::function<void(rpc::Outcome)>, Callback<>) override {
        return {};
    }
    void cancel(rpc::CallId) override {}
    bool is_listening() const override { return listens; }
    void open(Timestamp, const rpc::Method&, rpc::Topic, std::string, rpc::CallOptions,
              rpc::Opened) override {}

  private:
    static std::string channel_of(const rpc::Method& method, const rpc::Topic& topic) {
        return std::string(method.service) + "|" + std::string(method.name) + "|" + topic.at(0) +
               "|REQ";
    }
    std::map<std::string, rpc::Listener, std::less<>> listeners_;
    std::deque<std::pair<rpc::Listener, std::string>> heard_;
};

// A node's way to Redis, on which it may be slower than others to find back after an outage.
class SlowPort final : public redis::Port {
  public:
    using Attach = std::function<std::unique_ptr<redis::Port>()>;

    explicit SlowPort(Attach attach) : attach_(std::move(attach)), port_(attach_()) {}

    // While Redis is away: no attempt before come_back().
    void stay_away() { port_.reset(); }
    void come_back(Timestamp now) {
        port_ = attach_();
        for (const std::string& channel : channels_)
            port_->subscribe(now, channel);
    }

    Result<void, redis::Fault> command(Timestamp now, redis::Words words,
                                       redis::Reply done) override {
        if (!port_) return fail(redis::Fault{});
        return port_->command(now, words, std::move(done));
    }
    void subscribe(Timestamp now, std::string channel) override {
        channels_.insert(channel);
        if (port_) port_->subscribe(now, std::move(channel));
    }
    void unsubscribe(Timestamp now, const std::string& channel) override {
        channels_.erase(channel);
        if (port_) port_->unsubscribe(now, channel);
    }
    bool is_up(redis::Line line) const override { return port_ && port_->is_up(line); }

  private:
    Attach attach_;
    std::set<std::string> channels_;
    std::unique_ptr<redis::Port> port_;
};

struct NodeOptions {
    SelectorText selector;
    std::string region;
    std::string ip = "10.0.0.1";
    NodeLimits limits;
    bool allow_local = true;
    Duration skew;  // of its wall clock
    std::uint64_t seed = 1;
    bool start = true;
};

class Cluster;

class TestNode {
  public:
    TestNode(Cluster& cluster, const std::string& id, const NodeOptions& options);

    Clock clock() const;
    void handle_timeout();
    Timestamp next_deadline() const;

    // A room is placed and, if `wait` allows, answered: the node's id, or the error's text.
    std::string place(const std::string& room, const std::string& wanted = "",
                      Duration wait = Duration::millis(10));
    // Answered later, into a list.
    void place_into(std::vector<std::string>& out, const std::string& room,
                    const std::string& wanted = "");
    // What the registry told, one each: "came b", "died b", "away", "lost" …
    std::vector<std::string> take_events() { return std::exchange(events, {}); }
    std::size_t count(const std::string& event) const {
        return static_cast<std::size_t>(std::count(events.begin(), events.end(), event));
    }

    Cluster& cluster;
    Duration skew;
    bool frozen = false;  // SIGSTOP
    PingBus bus;
    std::unique_ptr<SlowPort> port;
    NodeFigures figures;
    NodeRegistry registry;
    Placement placement;
    NodeReconciler reconciler;
    std::vector<std::string> events;
    std::vector<std::string> texts;
    std::optional<PlaceError> error;  // of the last place()
    std::vector<RoomConflict> conflicts;
    std::vector<RoomOrphaned> orphans;
    bool takes_orphans = true;

  private:
    std::unique_ptr<redis::Port> attach();
};

class Cluster {
  public:
    Cluster() { add_scripts(server.store()); }

    TestNode& add(const std::string& id, const NodeOptions& options = {}) {
        auto& node = nodes[id] = std::make_unique<TestNode>(*this, id, options);
        return *node;
    }
    // kill -9
    void kill(const std::string& id) { nodes.erase(id); }
    TestNode& operator[](const std::string& id) { return *nodes.at(id); }

    void pass(Duration time) {
        const Timestamp end = now + time;
        for (;;) {
            Timestamp next = server.next_deadline();
            for (const auto& [id, node] : nodes)
                next = earlier(next, node->next_deadline());
            if (next > end) break;
            now = std::max(now, next);
            server.handle_timeout(now);
            for (const auto& [id, node] : nodes)
                if (node->next_deadline() <= now) node->handle_timeout();
        }
        now = end;
    }
    void pass_seconds(std::int64_t seconds) { pass(Duration::seconds(seconds)); }
    // How long until it is so; a minute at most.
    template <typename F>
    Duration until(F is_so) {
        const Timestamp begin = now;
        while (!is_so() && now - begin < Duration::seconds(60))
            pass(Duration::millis(10));
        return now - begin;
    }
    std::optional<NodeRecord> record(const std::string& id) {
        const auto* all = server.store().hash(kNodesKey);
        if (all == nullptr || !all->contains(id)) return std::nullopt;
        return read_record(all->find(id)->second);
    }
    std::string holder(const std::string& room) {
        const auto* all = server.store().hash(kRoomsKey);
        return all == nullptr || !all->contains(room) ? "" : all->find(room)->second;
    }
    void run(std::initializer_list<std::string_view> words) {
        const std::vector<std::string_view> all(words);
        server.store().run(now, all);
    }

    Timestamp now = Timestamp::micros(1'000'000);
    UnixTime wall0 = UnixTime::micros(1'795'161'952'300'000);
    redis::MemoryServer server;
    std::map<std::string, std::unique_ptr<TestNode>> nodes;
};

inline RegistryOptions registry_options(const std::string& id, const NodeOptions& options) {
    RegistryOptions all;
    all.id = id;
    all.ip = options.ip;
    all.region = options.region;
    all.num_cpus = 2;
    all.version = "1.13.5";
    all.limits = options.limits;
    return all;
}

inline TestNode::TestNode(Cluster& world, const std::string& id, const NodeOptions& options)
    : cluster(world),
      skew(options.skew),
      port(std::make_unique<SlowPort>([this] { return attach(); })),
      registry(
          *port, bus, registry_options(id, options), [this] { return figures; },
          Rng(options.seed * 1000 + std::hash<std::string>()(id))),
      placement(*port, registry,
                {*check_selector(options.selector, options.region), options.allow_local},
                Rng(options.seed * 1000 + 1 + std::hash<std::string>()(id))),
      reconciler(*port, registry, Rng(options.seed * 1000 + 2 + std::hash<std::string>()(id))) {
    bus.port = port.get();
    bus.now = world.now;
    if (options.start) registry.start(clock(), NodeState::kServing);
}

inline std::unique_ptr<redis::Port> TestNode::attach() {
    redis::Events told;
    told.on_message = [this](Timestamp, std::string_view channel, std::string payload) {
        bus.hear(channel, std::move(payload));
    };
    told.on_up = [this](Timestamp, redis::Line line) {
        if (line != redis::Line::kCommands) return;
        registry.handle_up(clock());
        placement.handle_up(cluster.now);
        placement.recheck(cluster.now);
    };
    told.on_down = [this](Timestamp, redis::Line line, const redis::Fault&) {
        if (line != redis::Line::kCommands) return;
        registry.handle_down(clock());
        placement.handle_down(cluster.now);
    };
    return cluster.server.attach(cluster.now, std::move(told));
}

inline Clock TestNode::clock() const {
    return {cluster.now, cluster.wall0 + (cluster.now - Timestamp()) + skew};
}

inline Timestamp TestNode::next_deadline() const {
    if (frozen) return Timestamp::never();
    if (bus.has_heard()) return Timestamp();
    return earlier(registry.next_deadline(),
                   earlier(placement.next_deadline(), reconciler.next_deadline()));
}

inline void TestNode::handle_timeout() {
    bus.now = cluster.now;
    bus.handle_timeout();
    registry.handle_timeout(clock());
    placement.handle_timeout(cluster.now);
    reconciler.handle_timeout(cluster.now);
    while (const auto event = registry.poll_event()) {
        static constexpr const char* kWords[] = {"registered", "",       "away", "lost",
                                                 "taken",      "in use", "stuck"};
        static constexpr const char* kNode[] = {"came ", "died ", "skewed ", "stands ", "heard "};
        const bool is_node = event->kind == RegistryEvent::Kind::kNode;
        events.push_back(is_node ? kNode[static_cast<int>(event->node.kind)] + event->node.node
                                 : kWords[static_cast<int>(event->kind)]);
        texts.push_back(is_node ? event->node.text : event->text);
        if (event->kind == RegistryEvent::Kind::kWasAway ||
            event->kind == RegistryEvent::Kind::kRecordLost)
            placement.recheck(cluster.now);
    }
    while (auto conflict = placement.poll_conflict())
        conflicts.push_back(*std::move(conflict));
    while (takes_orphans) {
        auto orphan = reconciler.poll_event();
        if (!orphan) break;
        orphans.push_back(*std::move(orphan));
    }
}

inline void TestNode::place_into(std::vector<std::string>& out, const std::string& room,
                                 const std::string& wanted) {
    placement.select(cluster.now, room, wanted,
                     [this, &out](Timestamp, const Placement::Outcome& outcome) {
                         if (!outcome) error = outcome.error();
                         out.push_back(outcome ? outcome->node : outcome.error().text);
                     });
}

inline std::string TestNode::place(const std::string& room, const std::string& wanted,
                                   Duration wait) {
    const auto said = std::make_shared<std::string>("waiting");
    placement.select(cluster.now, room, wanted,
                     [this, said](Timestamp, const Placement::Outcome& outcome) {
                         if (!outcome) error = outcome.error();
                         *said = outcome ? outcome->node : outcome.error().text;
                     });
    cluster.pass(wait);
    return *said;
}

}  // namespace confab::cluster::nodes
