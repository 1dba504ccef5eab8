// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the local bus: what the hub knows. Callbacks, handlers and replies reach it through
// weak pointers, so that they may outlive it.
#pragma once

#include <algorithm>
#include <compare>
#include <map>
#include <string>
#include <string_view>

#include "rpc/local_bus.h"

namespace confab::rpc {

struct Key {
    std::string_view service;
    std::string_view method;
    Topic topic;
    auto operator<=>(const Key&) const = default;
};

inline Key key_of(const Method& method, Topic topic) {
    return {method.service, method.name, std::move(topic)};
}

struct LocalHub::State : std::enable_shared_from_this<LocalHub::State> {
    struct Server {
        std::string node;
        std::shared_ptr<Handler> handler;  // one of these two
        std::shared_ptr<StreamHandler> stream_handler;
        Affinity affinity;
    };
    // Of a room each, so that there are many; ended when the last of its servers goes.
    struct Service {
        std::vector<Server> servers;
        std::size_t next = 0;  // kQueue: whose turn it is
    };
    struct Call {
        Request request;
        Reply done;                         // unary
        std::function<void(Outcome)> each;  // gather
        Callback<> finished;
    };
    using Step = std::function<void(Timestamp)>;

    // A call that has not begun is a step, too: it counts once.
    bool is_full() const {
        return std::max(calls.size(), steps.size()) + timers.size() >= kMaxPending;
    }
    void queue(Step step) { steps.push_back(std::move(step)); }
    Result<Registration, Error> add_server(Key key, Server server);
    // The server of a unary call or stream, null if there is none; `error` says why.
    const Server* select(const Key& key, const Method& method, const Request& request,
                         const CallOptions& options, Error& error);
    const Server* best(const Service& service, const Request& request, const CallOptions& options,
                       Error& error) const;
    CallId add_call(Call call);
    void start(CallId id, const Key& key, const Method& method, const CallOptions& options);
    void start_all(CallId id, const Key& key);
    void answer(CallId id, Outcome outcome);
    Reply reply_for(CallId id);
    void expire(Timestamp now);
    void set_timer(Timestamp at, Step step) {
        const std::uint64_t id = ++last_id;
        timer_order.insert({at, id});
        timers.emplace(id, std::move(step));
    }

    std::map<Key, Service> services;
    std::map<Key, std::map<std::uint64_t, std::shared_ptr<Listener>>> listeners;
    std::map<CallId, Call> calls;
    std::set<std::pair<Timestamp, CallId>> deadlines;
    // Streams' unacknowledged messages and the like.
    std::set<std::pair<Timestamp, std::uint64_t>> timer_order;
    std::map<std::uint64_t, Step> timers;
    std::deque<Step> steps;
    std::uint64_t last_id = 0;
    Snapshot counters;
};

// Both ends of a new stream: the client's and the server's.
std::pair<std::shared_ptr<Stream>, std::shared_ptr<Stream>> make_stream(
    const std::shared_ptr<LocalHub::State>& state, Duration timeout);

}  // namespace confab::rpc
