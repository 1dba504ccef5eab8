// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What decides who publishes and who gets what. The world knows only this face of it, so that the
// commands of one run may come from a table (direct_control.h) or from the room layer.
#pragma once

#include <cstdint>

#include "sfu/shard/commands.h"
#include "sim/client/client.h"

namespace confab::sim {

using ClientId = std::size_t;  // of the scenario; joins again under the same number

// What a control plane may do to the world.
class ControlHost {
  public:
    virtual ~ControlHost() = default;
    virtual Timestamp now() const = 0;
    virtual std::size_t shards() const = 0;
    virtual SocketAddress server_address(std::size_t shard) const = 0;
    virtual void command(std::size_t shard, sfu::Command command) = 0;
    // The client's end of signalling: instant and lossless. Null when it is not there.
    virtual Client* client(ClientId id) = 0;
};

// What stands at the end of a run for one subscriber of one track.
struct Expectation {
    ClientId subscriber = 0;
    std::uint32_t track = 0;
    bool flows = false;        // both connected, wanted, not muted, and nothing changed lately
    std::uint8_t spatial = 0;  // layers that should come then
    std::uint8_t temporal = 0;
};

class Control {
  public:
    virtual ~Control() = default;
    // The client object exists and has not sent anything.
    virtual void join(ClientId id, bool ice_lite) = 0;
    // The client object is still there.
    virtual void leave(ClientId id) = 0;
    virtual void publish(ClientId id, sfu::MediaKind kind, std::size_t layers, bool obstinate) = 0;
    virtual void unpublish(ClientId id) = 0;  // the last track
    virtual void set_muted(ClientId id, std::size_t track, bool muted) = 0;
    // Of the `track`-th subscription of the client.
    virtual void update_settings(ClientId id, std::size_t track,
                                 sfu::DownTrackSettings settings) = 0;
    virtual void restart_ice(ClientId id) = 0;
    virtual void handle_event(std::size_t shard, const sfu::Event& event) = 0;
    // Both ends of the client's connection are up.
    virtual bool connected(ClientId id) const = 0;
    virtual std::vector<Expectation> expectations() const = 0;
};

}  // namespace confab::sim
