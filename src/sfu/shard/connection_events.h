// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the connections of a shard report after an input: states go to control and to the parts that
// wait for them, messages to the router of data, in turns (data_turns.h).
#pragma once

#include "sfu/peer/peer_table.h"
#include "sfu/shard/data_turns.h"
#include "sfu/shard/event_outlets.h"
#include "sfu/tracks/subscriptions.h"

namespace confab::sfu {

class ConnectionEvents {
  public:
    // All outlive this.
    struct Parts {
        PeerTable& peers;
        DataTurns& data;
        Subscriptions& subscriptions;
        EventOutlets& events;
        FlushQueue& queue;
    };
    explicit ConnectionEvents(const Parts& parts) : parts_(parts) {}

    // Something happened at its transport.
    void after_input(Timestamp now, ShardPeer& peer);
    // One message of each sender in turn, and what else it has to say up to its next one.
    void serve_waiting(Timestamp now);
    // A participant goes: its connections acknowledged what waits in them, and it may have gone
    // because of that. Nobody is asked whether there is room: it is one connection's window at
    // most.
    void take_rest(Timestamp now, const DataMemberGone& gone);

  private:
    void take(Timestamp now, ShardPeer& peer);
    void take_rest(Timestamp now, ShardPeer& peer);
    void handle(Timestamp now, ShardPeer& peer, peer::TransportEvent event);
    void handle_state(Timestamp now, ShardPeer& peer, const peer::StateChanged& state);
    void tell(ShardPeer& peer, PeerState state, PeerFailure failure);

    Parts parts_;
};

}  // namespace confab::sfu
