// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A day of a cluster in virtual time (03 OPS-04, NODE-05): people come and go by the hour, nodes
// are started and drained by what NodeScaler says. Rooms are placed and handed over by the machines
// that nodes have, through a Redis in memory, of records as nodes write them. Joins come through
// three entry nodes, which have no rooms; of the others only what they say in their records is made
// up, until they drain: from then on each is a whole node too.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/nodes/day_load_testing.h"
#include "cluster/nodes/node_scaler.h"
#include "cluster/nodes/nodes_testing.h"

namespace confab::cluster::nodes {

struct DayOptions {
    std::uint64_t seed = 1;
    double hours = 24;
    double participants = 3000;  // at the height of the day
    int burst_rooms = 100;       // within burst_length, at burst_hour
    double burst_hour = 14.5;
    Duration burst_length = Duration::seconds(2);
    std::size_t first_nodes = 1;
    Duration start_delay = Duration::seconds(120);    // from the order of a node until it serves
    Duration drain_timeout = Duration::seconds(300);  // then its rooms are handed over
    double move_rate = 20;                            // participants a second of one node
    // What a node takes: 300 participants are the load that it should have, 500 all that it can.
    double cpu_of_participant = 0.002;
    int tracks_of_participant = 4;
    std::int64_t track_limit = 2000;
};

struct DayFigures {
    std::uint64_t rooms = 0, joins = 0;
    std::uint64_t refused = 0;          // joins
    std::uint64_t refused_unasked = 0;  // of them, while no node was being started
    std::uint64_t lost = 0;             // joins that were sent to a node that is not there
    std::uint64_t cut = 0;              // participants whose node went
    std::uint64_t drains = 0, moved_rooms = 0;
    std::size_t most_nodes = 0, most_participants = 0;
    double most_load = 0;                    // of a node; 1 is all that it can
    double node_hours = 0, ideal_hours = 0;  // as few at any time as the load needs
    int burst_most = 0;                      // rooms of the fullest node after the burst …
    double burst_best = 0;                   // … and of the best spread that was possible
};

class Day {
  public:
    explicit Day(const DayOptions& options)
        : options_(options), load_(options.participants, Rng(options.seed)) {
        for (int i = 0; i < kEntries; ++i) {
            NodeOptions entry;
            entry.start = false;
            entry.seed = options.seed;
            entry.selector.sort_by = "cpuload";
            TestNode& node = cluster_.add("entry" + std::to_string(i), entry);
            node.registry.start(node.clock(), NodeState::kStartingUp);
            entries_.push_back(&node);
        }
        ScaleOptions scale;
        scale.tracks_per_node = static_cast<double>(options.track_limit) * kLimitTarget;
        // One leads throughout; how the lead passes on is the matter of node_scaler_test.cc.
        scaler_ = std::make_unique<NodeScaler>(
            entries_[0]->registry.table(), [](Timestamp) { return true; }, scale);
        scaler_->start(now());
        for (std::size_t i = 0; i < options.first_nodes; ++i)
            order(Duration::zero());
    }

    DayFigures run() {
        const Timestamp begin = now();
        midnight_ = begin + kWarmUp;
        at(midnight_, [this] { next_room(); });
        at(begin, [this] { look(); });
        at(begin, [this] { control(); });
        if (options_.burst_rooms > 0)
            at(midnight_ + hours(options_.burst_hour), [this] { burst(); });
        const Timestamp end = midnight_ + hours(options_.hours);
        while (!events_.empty() && events_.top().at <= end) {
            Event event = events_.top();
            events_.pop();
            if (event.at > now()) cluster_.pass(event.at - now());
            event.happens();
        }
        return figures_;
    }

  private:
    static constexpr int kEntries = 3;
    static constexpr Duration kWarmUp = Duration::seconds(30);
    static constexpr Duration kHeartbeat = Duration::seconds(2);
    static constexpr Duration kLook = NodeScaler::kRound;
    static constexpr Duration kControl = Duration::seconds(15);  // as a HorizontalPodAutoscaler

    enum class State : std::uint8_t { kOrdered, kServing, kDraining };
    struct Node {
        std::string id;
        State state = State::kOrdered;
        std::set<std::uint64_t> rooms;
        int participants = 0;
        Timestamp drains_since;
        Timestamp moves_at;
        TestNode* whole = nullptr;  // while it drains
        int burst = 0;              // rooms of the burst
    };
    struct Room {
        std::string node;  // empty: nobody is in yet
        int in = 0;
        bool of_burst = false;
    };
    struct Event {
        Timestamp at;
        std::uint64_t number;
        std::function<void()> happens;
        bool operator<(const Event& other) const {
            return std::pair(other.at, other.number) < std::pair(at, number);
        }
    };

    Timestamp now() const { return cluster_.now; }
    static Duration hours(double count) {
        return Duration::micros(static_cast<std::int64_t>(count * 3600e6));
    }
    double hour() const { return (now() - midnight_).to_seconds() / 3600; }
    void at(Timestamp when, std::function<void()> happens) {
        events_.push({when, ++last_event_, std::move(happens)});
    }
    static std::string name_of(std::uint64_t room) { return "room" + std::to_string(room); }

    // ---------------------------------------------------------------- people
    void next_room() {
        begin_room(false);
        at(now() + load_.next_room(hour()), [this] { next_room(); });
    }
    void begin_room(bool of_burst) {
        const std::uint64_t id = ++figures_.rooms;
        rooms_[id].of_burst = of_burst;
        const int size = load_.size();
        at(now() + load_.length(), [this, id] { end_room(id); });
        join(id);
        for (int i = 1; i < size; ++i)
            at(now() + load_.arrival(), [this, id] { join(id); });
    }
    void burst() {
        double rooms = 0;
        double participants = 0;
        for (const auto& [id, node] : nodes_) {
            rooms += static_cast<double>(node.rooms.size());
            participants += node.participants;
        }
        // As placement counts: participants in rooms of the mean size.
        for (const auto& [id, node] : nodes_)
            if (node.state == State::kServing)
                before_burst_[id] = node.participants / std::max(1.0, participants) * rooms;
        for (int i = 0; i < options_.burst_rooms; ++i)
            at(now() + options_.burst_length * i / options_.burst_rooms,
               [this] { begin_room(true); });
        at(now() + options_.burst_length + Duration::seconds(1), [this] { weigh_burst(); });
    }
    // The least that the fullest can have: rooms poured into the emptiest nodes, like water.
    void weigh_burst() {
        std::vector<double> loads;
        double most = 0;
        for (const auto& [id, load] : before_burst_) {
            loads.push_back(load);
            const auto node = nodes_.find(id);
            if (node != nodes_.end()) most = std::max(most, load + node->second.burst);
        }
        std::sort(loads.begin(), loads.end());
        double level = 0;
        double sum = options_.burst_rooms;
        for (std::size_t i = 0; i < loads.size(); ++i) {
            sum += loads[i];
            level = sum / static_cast<double>(i + 1);
            if (i + 1 < loads.size() && level <= loads[i + 1]) break;
        }
        figures_.burst_best = std::max(level, loads.empty() ? 0 : loads.back());
        figures_.burst_most = static_cast<int>(std::lround(most));
    }
    void join(std::uint64_t id) {
        if (!rooms_.contains(id)) return;
        ++figures_.joins;
        TestNode& entry = *entries_[load_.below(entries_.size())];
        entry.placement.select(
            now(), name_of(id), "",
            [this, id](Timestamp, const Placement::Outcome& outcome) { take_join(id, outcome); });
    }
    void take_join(std::uint64_t id, const Placement::Outcome& outcome) {
        const auto room = rooms_.find(id);
        if (room == rooms_.end()) return;
        if (!outcome) {
            ++figures_.refused;
            if (ordered_ == 0) ++figures_.refused_unasked;
            return;
        }
        const auto found = nodes_.find(outcome->node);
        if (found == nodes_.end() || found->second.state == State::kOrdered) {
            ++figures_.lost;
            return;
        }
        if (room->second.node.empty()) {
            room->second.node = outcome->node;
            found->second.rooms.insert(id);
            if (room->second.of_burst) ++found->second.burst;
        }
        ++room->second.in;
        ++nodes_.at(room->second.node).participants;
    }
    void end_room(std::uint64_t id) {
        const auto room = rooms_.find(id);
        if (!room->second.node.empty()) {
            Node& node = nodes_.at(room->second.node);
            node.rooms.erase(id);
            node.participants -= room->second.in;
        }
        rooms_.erase(room);
        cluster_.run({"HDEL", kRoomsKey, name_of(id)});
    }

    // ---------------------------------------------------------------- nodes
    void order(Duration delay) {
        const std::string id = "n" + std::to_string(++last_node_);
        nodes_[id].id = id;
        ++ordered_;
        at(now() + delay, [this, id] {
            --ordered_;
            nodes_.at(id).state = State::kServing;
            beat(id);
        });
    }
    NodeFigures figures_of(const Node& node) const {
        NodeFigures figures;
        figures.num_rooms = static_cast<std::int32_t>(node.rooms.size());
        figures.num_clients = node.participants;
        figures.num_tracks_in = node.participants;
        figures.num_tracks_out = node.participants * (options_.tracks_of_participant - 1);
        figures.cpu_load = static_cast<float>(std::min(1.0, load_of(node)));
        return figures;
    }
    double load_of(const Node& node) const {
        return node.participants * options_.cpu_of_participant;
    }
    void beat(const std::string& id) {
        const auto found = nodes_.find(id);
        if (found == nodes_.end()) return;
        const Node& node = found->second;
        if (node.whole != nullptr) {
            node.whole->figures = figures_of(node);
        } else {
            NodeRecord record;
            record.id = id;
            record.num_cpus = 2;
            record.limits = NodeLimits{options_.track_limit, 0};
            record.stats.emplace().updated_at = entries_[0]->clock().wall.s();
            record.stats->figures = figures_of(node);
            const std::string bytes = write_record(record);
            cluster_.run({"HSET", kNodesKey, id, bytes});
        }
        at(now() + kHeartbeat, [this, id] { beat(id); });
    }
    void drain(Node& node) {
        ++figures_.drains;
        node.state = State::kDraining;
        node.drains_since = node.moves_at = now();
        NodeOptions options;
        options.start = false;
        options.seed = options_.seed;
        options.limits = {options_.track_limit, 0};
        options.selector.sort_by = "cpuload";
        node.whole = &cluster_.add(node.id, options);
        node.whole->figures = figures_of(node);
        node.whole->registry.start(node.whole->clock(), NodeState::kShuttingDown);
        at(now() + Duration::seconds(1), [this, id = node.id] { go_on_draining(id); });
    }
    void go_on_draining(const std::string& id) {
        Node& node = nodes_.at(id);
        if (node.rooms.empty() && moving_[id] == 0) return withdraw(id);
        if (now() - node.drains_since >= options_.drain_timeout && now() >= node.moves_at &&
            moving_[id] == 0 && !node.rooms.empty())
            move(node, *node.rooms.begin());
        at(now() + Duration::millis(250), [this, id] { go_on_draining(id); });
    }
    void move(Node& node, std::uint64_t id) {
        ++moving_[node.id];
        const double participants = std::max(1, rooms_.at(id).in);
        node.moves_at =
            now() +
            Duration::micros(static_cast<std::int64_t>(participants / options_.move_rate * 1e6));
        node.whole->placement.hand_over(
            now(), name_of(id),
            [this, from = node.id, id](Timestamp, const Placement::Outcome& outcome) {
                --moving_[from];
                take_move(from, id, outcome);
            });
    }
    void take_move(const std::string& from, std::uint64_t id, const Placement::Outcome& outcome) {
        const auto room = rooms_.find(id);
        if (room == rooms_.end()) {  // it has ended meanwhile
            cluster_.run({"HDEL", kRoomsKey, name_of(id)});
            return;
        }
        Node& old = nodes_.at(from);
        old.rooms.erase(id);
        old.participants -= room->second.in;
        if (!outcome) {  // as the server: they are cut when it ends
            figures_.cut += static_cast<std::uint64_t>(room->second.in);
            room->second = {};
            cluster_.run({"HDEL", kRoomsKey, name_of(id)});
            return;
        }
        ++figures_.moved_rooms;
        Node& next = nodes_.at(outcome->node);
        next.rooms.insert(id);
        next.participants += room->second.in;
        room->second.node = next.id;
    }
    void withdraw(const std::string& id) {
        TestNode& whole = *nodes_.at(id).whole;
        whole.registry.stop(whole.clock(), [](Timestamp) {});
        at(now() + Duration::seconds(1), [this, id] {
            // Who joined while Redis was told.
            figures_.cut += static_cast<std::uint64_t>(nodes_.at(id).participants);
            for (const std::uint64_t room : nodes_.at(id).rooms)
                rooms_.at(room) = {};
            cluster_.kill(id);
            moving_.erase(id);
            nodes_.erase(id);
        });
    }

    // ---------------------------------------------------------------- who looks
    void look() {
        scaler_->handle_timeout(now());
        int participants = 0;
        for (const auto& [id, node] : nodes_) {
            participants += node.participants;
            figures_.most_load = std::max(figures_.most_load, load_of(node));
        }
        const ScaleOptions scale;
        const double needed =
            std::ceil(participants * options_.cpu_of_participant / scale.cpu_target);
        const double part = kLook.to_seconds() / 3600;
        figures_.ideal_hours += std::max(1.0, needed) * part;
        figures_.node_hours += static_cast<double>(nodes_.size()) * part;
        figures_.most_nodes = std::max(figures_.most_nodes, nodes_.size());
        figures_.most_participants =
            std::max(figures_.most_participants, static_cast<std::size_t>(participants));
        at(now() + kLook, [this] { look(); });
    }
    // What is outside, and goes by the metrics: HorizontalPodAutoscaler, or a script.
    void control() {
        const NodeScaler::Snapshot& said = scaler_->snapshot();
        std::size_t there = 0;
        for (const auto& [id, node] : nodes_)
            if (node.state != State::kDraining) ++there;
        for (; there < said.desired; ++there)
            order(options_.start_delay);
        if (said.drain) {
            const auto node = nodes_.find(*said.drain);
            if (node != nodes_.end() && node->second.state == State::kServing) drain(node->second);
        }
        at(now() + kControl, [this] { control(); });
    }

    DayOptions options_;
    DayLoad load_;
    Cluster cluster_;
    std::vector<TestNode*> entries_;
    std::unique_ptr<NodeScaler> scaler_;
    Timestamp midnight_;
    std::priority_queue<Event> events_;
    std::uint64_t last_event_ = 0;
    std::map<std::uint64_t, Room> rooms_;
    std::map<std::string, Node> nodes_;
    std::map<std::string, int> moving_;  // rooms under way, by the node they leave
    std::map<std::string, double> before_burst_;
    std::size_t ordered_ = 0;
    std::uint64_t last_node_ = 0;
    DayFigures figures_;
};

}  // namespace confab::cluster::nodes
