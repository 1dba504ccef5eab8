// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions of rooms that are here whose WebSockets are at other nodes (03 NODE-20 … NODE-22): each
// is a session of its room's shard with a sink that sends what it hears back to the relay. The
// relay lives on the first loop, so that everything goes over by posting.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "cluster/relay/media_end.h"
#include "runtime/control/shards/control_node.h"

namespace confab::control {

class RelayedSessions final : public cluster::relay::MediaHost {
  public:
    using Id = cluster::relay::SessionId;

    // Whether this node has the room, or may have it; the answer may come later (NODE-10).
    using CheckRoom = std::function<void(const std::string& room, Callback<bool> here)>;

    // `over_limit` as for LocalSignalBackend; may be empty.
    RelayedSessions(ControlNode& node, CheckRoom check_room, std::function<bool()> over_limit);
    ~RelayedSessions() override;
    RelayedSessions(const RelayedSessions&) = delete;
    RelayedSessions& operator=(const RelayedSessions&) = delete;

    // Before anything is served; it must outlive what the shards still post.
    void set_relay(cluster::relay::MediaEnd& relay) { relay_ = &relay; }
    std::size_t size() const { return sessions_.size(); }

    void start(Id session, cluster::relay::SessionStart start) override;
    void readable(Id session) override;
    void closed(Id session, const rpc::Error& cause) override;

  private:
    class Sink;
    struct Far;      // what the shard knows of a session
    struct Session;  // what this loop knows of it

    std::optional<rpc::Error> refusal_of_node(const cluster::relay::SessionStart& start) const;
    void begin(Id session, cluster::relay::SessionStart start);
    void ask(Id id, Session& session, Callback<ControlPlane&> what);
    void answered(Id session);
    void hold(Id session, Timestamp until);
    void over(Id session);

    ControlNode& node_;
    CheckRoom check_room_;
    std::function<bool()> over_limit_;
    cluster::relay::MediaEnd* relay_ = nullptr;
    std::shared_ptr<RelayedSessions*> self_;  // emptied at the end, for what is still posted
    std::unordered_map<Id, std::unique_ptr<Session>> sessions_;
};

// What a session starts with, in the terms of the room machines.
room::JoinParams to_room(cluster::relay::SessionStart start);

}  // namespace confab::control
