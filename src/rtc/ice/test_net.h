// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests: agents on a virtual network with delay, loss, address translation and late timers.
// Time jumps from event to event; one seed decides everything.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "base/state/hand_over_testing.h"
#include "rtc/ice/agent.h"

namespace confab::ice::test {

inline SocketAddress addr(const char* text) {
    return *SocketAddress::parse(text);
}

inline LocalCandidate udp(const char* text, std::uint16_t socket = 0) {
    return LocalCandidate{socket, Protocol::kUdp, addr(text)};
}
inline LocalCandidate tcp(const char* text, std::uint16_t socket = 9) {
    return LocalCandidate{socket, Protocol::kTcp, addr(text)};
}
inline RemoteCandidate remote(const char* text, CandidateType type = CandidateType::kHost) {
    return RemoteCandidate{Protocol::kUdp, addr(text), type,
                           wire::candidate_priority(
                               wire::type_preference(type, wire::CandidateTransport::kUdp), 65535)};
}

inline Credentials credentials(const std::string& name) {
    return {name + "Ufrag", name + "PasswordOf22Characters"};
}

struct Node {
    Agent agent;
    std::vector<Event> events;
    std::vector<Timestamp> event_times;
    bool muted = false;  // nothing it sends arrives

    AgentConfig config;

    Node(AgentConfig c, std::uint64_t seed) : agent(c, Rng(seed)), config(std::move(c)) {}
    // At random where HandOvers say so: by what takes over from its bytes.
    void may_move(Timestamp now) {
        if (HandOvers::due(20)) hand_over(agent, Agent(config, Rng(seeds_.u64())), now);
    }

    std::size_t count(State state) const {
        return static_cast<std::size_t>(
            std::count_if(events.begin(), events.end(), [state](const Event& event) {
                const auto* change = std::get_if<StateChanged>(&event);
                return change != nullptr && change->state == state;
            }));
    }
    // When the state was reached for the last time; never() if it was not.
    Timestamp when(State state) const {
        Timestamp found = Timestamp::never();
        for (std::size_t i = 0; i < events.size(); ++i)
            if (const auto* change = std::get_if<StateChanged>(&events[i]);
                change != nullptr && change->state == state)
                found = event_times[i];
        return found;
    }

  private:
    Rng seeds_{4711};
};

class Net {
  public:
    explicit Net(std::uint64_t seed = 1) : rng_(seed) {}

    Duration delay = Duration::millis(10);
    double loss = 0;
    Duration max_timer_lateness = Duration::zero();
    Timestamp now = Timestamp::micros(1'000'000);
    std::uint64_t hash = 0;  // of everything that was sent

    // Packets from `inside` appear to come from `outside`, and only then come back.
    void translate(const char* inside, const char* outside) {
        outside_[addr(inside)] = addr(outside);
        inside_[addr(outside)] = addr(inside);
    }
    void attach(Node& node, const std::vector<LocalCandidate>& sockets) {
        nodes_.push_back(&node);
        for (const auto& s : sockets)
            homes_[s.base] = Home{&node, s.socket};
    }
    // A stream of TCP; the numbers on both sides differ.
    void connect_tcp(Node& opener, const Path& opener_path, Node& listener,
                     const Path& listener_path) {
        streams_.push_back({&opener, opener_path, &listener, listener_path});
    }

    void run_for(Duration length) { run_until(now + length); }
    void run_until(Timestamp end) {
        for (Node* node : nodes_)
            drain(*node);
        while (true) {
            Timestamp next = flights_.empty() ? Timestamp::never() : flights_.begin()->first;
            Node* timer = nullptr;
            for (Node* node : nodes_) {
                const Timestamp due = lateness_applied(*node);
                if (due < next) next = due, timer = node;
            }
            if (next > end) break;
            now = std::max(now, next);
            for (Node* node : nodes_)
                node->may_move(now);
            if (timer != nullptr) {
                timer->agent.handle_timeout(now);
                drain(*timer);
                lateness_[timer] = random_lateness();
            } else {
                deliver();
            }
        }
        now = std::max(now, end);
    }
    template <typename Done>
    bool run_while_not(Done done, Duration limit) {
        const Timestamp end = now + limit;
        for (Node* node : nodes_)
            drain(*node);
        while (now < end && !done())
            run_for(Duration::millis(1));
        return done();
    }

    void drain(Node& node) {
        while (const auto out = node.agent.poll_transmit())
            transmit(node, *out);
        while (auto event = node.agent.poll_event()) {
            node.events.push_back(*event);
            node.event_times.push_back(now);
        }
    }

  private:
    struct Home {
        Node* node = nullptr;
        std::uint16_t socket = 0;
    };
    struct Flight {
        Node* to = nullptr;
        Path path;
        Bytes bytes;
    };
    struct Stream {
        Node* opener;
        Path opener_path;
        Node* listener;
        Path listener_path;
    };

    Duration random_lateness() {
        return Duration::micros(static_cast<std::int64_t>(
            rng_.below(static_cast<std::uint64_t>(max_timer_lateness.us()) + 1)));
    }
    Timestamp lateness_applied(Node& node) { return node.agent.next_deadline() + lateness_[&node]; }

    void transmit(Node& from, const Transmit& out) {
        for (const std::uint8_t byte : out.bytes())
            hash = (hash ^ byte) * 0x100000001B3ULL;
        hash += static_cast<std::uint64_t>(now.us());
        if (from.muted) return;
        if (out.path.protocol == Protocol::kTcp) {
            for (const Stream& s : streams_) {
                if (s.opener == &from && s.opener_path == out.path)
                    fly(*s.listener, s.listener_path, out);
                if (s.listener == &from && s.listener_path == out.path)
                    fly(*s.opener, s.opener_path, out);
            }
            return;
        }
        if (rng_.unit() < loss) return;
        SocketAddress source = out.path.local;
        if (const auto it = outside_.find(source); it != outside_.end()) source = it->second;
        SocketAddress target = out.path.remote;
        if (const auto it = inside_.find(target); it != inside_.end())
            target = it->second;
        else if (outside_.count(target) != 0)
            return;  // a private address is not reached from outside
        const auto home = homes_.find(target);
        if (home == homes_.end()) return;
        fly(*home->second.node, Path{home->second.socket, Protocol::kUdp, 0, target, source}, out);
    }
    void fly(Node& to, const Path& path, const Transmit& out) {
        const Bytes bytes = to_vector(out.bytes());
        flights_.emplace(now + delay, Flight{&to, path, bytes});
    }
    void deliver() {
        const Flight flight = flights_.begin()->second;
        flights_.erase(flights_.begin());
        flight.to->agent.handle_packet(now, flight.path, flight.bytes);
        drain(*flight.to);
    }

    Rng rng_;
    std::vector<Node*> nodes_;
    std::map<Node*, Duration> lateness_;
    std::map<SocketAddress, Home> homes_;
    std::map<SocketAddress, SocketAddress> outside_, inside_;
    std::vector<Stream> streams_;
    std::multimap<Timestamp, Flight> flights_;
};

// Two agents with one UDP socket each, credentials and candidates exchanged.
struct Couple {
    std::vector<LocalCandidate> a_sockets{udp("198.51.100.1:7882")};
    std::vector<LocalCandidate> b_sockets{udp("198.51.100.2:5000")};
    Net net;
    Node a, b;

    static AgentConfig config(const char* name, Role role, bool lite,
                              std::vector<LocalCandidate> sockets) {
        AgentConfig c;
        c.local = credentials(name);
        c.role = role;
        c.lite = lite;
        c.candidates = std::move(sockets);
        return c;
    }
    Couple(Role a_role, bool a_lite, Role b_role, bool b_lite, std::uint64_t seed = 1)
        : net(seed),
          a(config("alice", a_role, a_lite, a_sockets), 2 * seed + 100),
          b(config("bobby", b_role, b_lite, b_sockets), 2 * seed + 101) {
        net.attach(a, a_sockets);
        net.attach(b, b_sockets);
    }
    explicit Couple(std::uint64_t seed = 1)
        : Couple(Role::kControlling, false, Role::kControlled, false, seed) {}

    void exchange_credentials() {
        a.agent.set_remote_credentials(net.now, b.agent.local_credentials());
        b.agent.set_remote_credentials(net.now, a.agent.local_credentials());
    }
    void exchange_candidates() {
        a.agent.add_remote_candidate(net.now, remote("198.51.100.2:5000"));
        b.agent.add_remote_candidate(net.now, remote("198.51.100.1:7882"));
    }
    void start() {
        exchange_credentials();
        exchange_candidates();
    }
    bool both_connected() const {
        return a.agent.state() == State::kConnected && b.agent.state() == State::kConnected;
    }
    bool connect(Duration limit = Duration::seconds(5)) {
        return net.run_while_not([this] { return both_connected(); }, limit);
    }
    // What one agent would see of a check that the other side's holder of credentials sends.
    static Bytes check(const Credentials& from, const Credentials& to, Role role,
                       bool use_candidate = false, std::uint64_t tie_breaker = 7,
                       std::uint8_t id = 1) {
        CheckRequest request;
        request.id.fill(id);
        request.priority = wire::candidate_priority(110, 65535);
        request.role = role;
        request.tie_breaker = tie_breaker;
        request.use_candidate = use_candidate;
        return build_check(request, CredentialPair{from, to});
    }
};

}  // namespace confab::ice::test
