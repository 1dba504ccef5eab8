// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The WebSockets of a run: which client and which session of the server they join, and how far each
// direction has come. Messages arrive in order; an outage holds them back, as TCP does.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "base/time.h"
#include "room/scope/types.h"

namespace confab::sim {

struct Wire {
    std::uint64_t id = 0;
    std::size_t client = 0;
    std::size_t node = 0;
    std::uint64_t incarnation = 0;  // of the client
    room::SessionId session;        // none before the server has started it
    bool has_session = false;
    bool client_open = true;
    bool server_open = true;
    Timestamp last_up;
    Timestamp last_down;
    Timestamp last_heard;  // by the server
};

class Wires {
  public:
    Wire& add(std::size_t client, std::size_t node, std::uint64_t incarnation) {
        Wire& wire = wires_[++last_];
        wire.id = last_;
        wire.client = client;
        wire.node = node;
        wire.incarnation = incarnation;
        return wire;
    }
    void start(Wire& wire, room::SessionId session) {
        wire.session = session;
        wire.has_session = true;
        by_session_[{wire.node, session}] = wire.id;
    }
    Wire* find(std::uint64_t id) {
        const auto found = wires_.find(id);
        return found == wires_.end() ? nullptr : &found->second;
    }
    Wire* find(std::size_t node, room::SessionId session) {
        const auto found = by_session_.find({node, session});
        return found == by_session_.end() ? nullptr : find(found->second);
    }
    // Once both ends are closed.
    void erase_if_closed(std::uint64_t id) {
        const Wire* wire = find(id);
        if (wire == nullptr || wire->client_open || wire->server_open) return;
        if (wire->has_session) by_session_.erase({wire->node, wire->session});
        wires_.erase(id);
    }

  private:
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, Wire> wires_;
    std::map<std::pair<std::size_t, room::SessionId>, std::uint64_t> by_session_;
};

}  // namespace confab::sim
