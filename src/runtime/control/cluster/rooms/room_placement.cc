// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/rooms/room_placement.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "livekit_models.pb.h"
#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

using cluster::nodes::PlaceError;

// Its errors have no code on the bus, and become 500 and "unknown" (NODE-11), but for what trying
// again may mend.
rpc::Error to_bus(const PlaceError& error) {
    switch (error.code) {
        case PlaceError::Code::kRedis:
        case PlaceError::Code::kBusy:
            return {rpc::Code::kUnavailable, error.text, {}};
        case PlaceError::Code::kNoNodes:
        case PlaceError::Code::kNodeFull:
        case PlaceError::Code::kUnknownNode:
            break;
    }
    return {rpc::Code::kUnknown, error.text, {}};
}

std::int64_t begin_of(const livekit::AgentDispatch& dispatch) {
    return dispatch.state().created_at();
}
std::int64_t begin_of(const livekit::Job& job) {
    return job.state().started_at();
}

// In the order of their beginnings.
template <typename Message>
std::vector<Message> all_of(
    const Result<cluster::store::StoredList, cluster::store::Failure>& stored) {
    std::vector<Message> result;
    if (!stored) return result;
    for (const cluster::store::Stored& one : *stored)
        if (Message message; message.ParseFromString(one.bytes))
            result.push_back(std::move(message));
    std::sort(result.begin(), result.end(), [](const Message& a, const Message& b) {
        return begin_of(a) != begin_of(b) ? begin_of(a) < begin_of(b) : a.id() < b.id();
    });
    return result;
}

}  // namespace

void RoomPlacement::find_node(Timestamp now, const std::string& room, Found found) {
    place(now, room, "", [found = std::move(found)](Result<std::string, rpc::Error> node) mutable {
        if (!node && node.error().text == cluster::nodes::kFullForCreate)
            node = tl::make_unexpected(rpc::Error{
                rpc::Code::kUnavailable, std::string(cluster::nodes::kFullForJoin), {}});  // 503
        found(std::move(node));
    });
}

void RoomPlacement::place(Timestamp now, const std::string& room, const std::string& wanted,
                          Found found) {
    if (is_here_(room)) return found(own_id_);
    placement_.select(now, room, wanted,
                      [this, room, found = std::move(found)](
                          Timestamp at, cluster::nodes::Placement::Outcome placed) mutable {
                          if (!placed) return found(tl::make_unexpected(to_bus(placed.error())));
                          const std::string node = placed->node;
                          // One that Redis does not know yet has no record there either.
                          if (node != own_id_ || !placed->is_told || is_here_(room))
                              return found(node);
                          adopt(at, room,
                                [node, found = std::move(found)]() mutable { found(node); });
                      });
}

void RoomPlacement::check_here(Timestamp now, const std::string& room, Callback<bool> here) {
    place(now, room, "",
          [this, here = std::move(here)](const Result<std::string, rpc::Error>& node) mutable {
              here(node && *node == own_id_);
          });
}

// Without a record, or with one that is none, the room is made anew.
void RoomPlacement::adopt(Timestamp now, const std::string& room, Callback<> done) {
    using Read = Result<cluster::store::RoomReader::RoomWithInternal, cluster::store::Failure>;
    reader_.room_with_internal(
        now, room, [this, room, done = std::move(done)](Timestamp at, const Read& read) mutable {
            Stored stored;
            if (!read || !stored.room.ParseFromString(read->room)) return done();
            stored.room.set_name(room);
            stored.internal = read->internal.value_or("");
            read_agents(at, std::move(stored), [this, done = std::move(done)](Stored all) mutable {
                adopt(std::move(all), std::move(done));
            });
        });
}

// What cannot be read is as if it were not there: then the room has the agents it was made with.
void RoomPlacement::read_agents(Timestamp now, Stored stored, Callback<Stored> done) {
    using Read = Result<cluster::store::StoredList, cluster::store::Failure>;
    const std::string room = stored.room.name();
    agents_.dispatches(now, room,
                       [this, room, stored = std::move(stored), done = std::move(done)](
                           Timestamp at, const Read& dispatches) mutable {
                           stored.agents.dispatches = all_of<livekit::AgentDispatch>(dispatches);
                           if (stored.agents.dispatches.empty()) return done(std::move(stored));
                           agents_.jobs(at, room,
                                        [stored = std::move(stored), done = std::move(done)](
                                            Timestamp, const Read& jobs) mutable {
                                            stored.agents.jobs = all_of<livekit::Job>(jobs);
                                            done(std::move(stored));
                                        });
                       });
}

void RoomPlacement::adopt(Stored stored, Callback<> done) {
    using Adopted = room::ServiceResult<livekit::Room>;
    const std::string room = stored.room.name();
    node_.ask<Adopted>(
        node_.shard_of(room),
        [stored = std::move(stored)](ControlPlane& plane, Callback<Adopted> answer) mutable {
            answer(plane.rooms().adopt(plane.clock(), std::move(stored.room),
                                       std::move(stored.internal), std::move(stored.agents)));
            plane.wake();
        },
        [room, done = std::move(done)](const std::optional<Adopted>& adopted) mutable {
            if (adopted && !*adopted)
                telemetry::log_warn("a stored room is not what it was and is made anew",
                                    {{"room", room}, {"reason", adopted->error().text}});
            done();
        });
}

}  // namespace confab::control
