// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What other nodes ask for WHIP clients of theirs whose rooms are here (03 RPC-23, RPC-24): new
// sessions on the topic of this node, and requests of those there are on theirs.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "rpc/bus.h"
#include "runtime/control/whip/whip_backend.h"
#include "token/limits.h"

namespace confab::control {

class WhipServers {
  public:
    // Whether this node has the room, or may have it; the answer may come later (NODE-10).
    using CheckRoom = std::function<void(const std::string& room, Callback<bool> here)>;

    // `whip`: the sessions of this node alone. All must outlive this.
    WhipServers(rpc::Bus& bus, WhipBackend& whip, const std::string& node, token::Limits limits,
                CheckRoom check_room);
    WhipServers(const WhipServers&) = delete;
    WhipServers& operator=(const WhipServers&) = delete;

    // WhipSessions::Named, of all shards.
    void set_named(const std::string& room, const std::string& identity, bool there);
    std::size_t size() const { return participants_.size(); }

  private:
    struct Shared {  // by sessions of one topic (RPC-30)
        std::vector<rpc::Registration> kept;
        std::size_t sessions = 0;
    };
    void serve_create(const std::string& node);
    void serve_session(const rpc::Topic& topic, std::vector<rpc::Registration>& kept);

    rpc::Bus& bus_;
    WhipBackend& whip_;
    token::Limits limits_;
    CheckRoom check_room_;
    std::vector<rpc::Registration> node_;
    std::map<std::string, Shared> participants_;  // by topic
};

}  // namespace confab::control
