// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What other nodes may ask of the rooms and participants that are here (03 RPC-02 … RPC-04): served
// on the bus for as long as they are, and answered by this node's rooms like calls of the API.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/ports.h"
#include "rpc/bus.h"
#include "runtime/control/cluster/rooms/room_mover.h"

namespace confab::control {

class RoomServers {
  public:
    using CreateRoom = std::function<void(const api::CallContext&, livekit::CreateRoomRequest,
                                          api::Reply<livekit::Room>)>;

    // `rooms` are those of this node alone. `create`: RPC-02, on the topic of this node.
    RoomServers(rpc::Bus& bus, api::RoomServicePort& rooms, const std::string& node,
                CreateRoom create);
    RoomServers(const RoomServers&) = delete;
    RoomServers& operator=(const RoomServers&) = delete;

    // Who moves participants to other rooms and has them seen there, which may be at other nodes;
    // without it nobody does. It must outlive this.
    void set_relocations(api::RoomServicePort& all) { relocations_ = &all; }

    // By keys. Of a room that is here already: no harm.
    void add_room(const std::string& room);
    void remove_room(const std::string& room);
    void add_participant(const std::string& room, const std::string& identity);
    void remove_participant(const std::string& room, const std::string& identity);

    bool has(const std::string& room) const { return rooms_here_.contains(room); }
    std::size_t size() const { return rooms_here_.size(); }
    // Each with the number of its participants.
    std::deque<RoomMover::Room> list() const;

  private:
    using Kept = std::vector<rpc::Registration>;
    struct Room {
        Kept kept;
        std::set<std::string> identities;
    };
    struct Shared {  // by participants of one topic
        Kept kept;
        std::size_t participants = 0;
    };
    template <typename Request>
    rpc::Affinity of_rooms_here() const;
    template <auto kCall, typename Request, typename Response>
    void serve(const rpc::Method& method, rpc::Topic topic, Kept& kept);
    template <auto kCall, typename Request, typename Response>
    void serve_relocation(const rpc::Method& method, rpc::Topic topic, Kept& kept);
    void release(const std::string& topic);

    rpc::Bus& bus_;
    api::RoomServicePort& rooms_;
    api::RoomServicePort* relocations_ = nullptr;
    Kept node_;
    std::map<std::string, Room> rooms_here_;
    std::map<std::string, Shared> participants_;  // by topic
};

}  // namespace confab::control
