// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/rooms/room_placement.h"

#include <memory>
#include <utility>

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
    using Stored = Result<cluster::store::RoomReader::RoomWithInternal, cluster::store::Failure>;
    reader_.room_with_internal(
        now, room, [this, room, done = std::move(done)](Timestamp, Stored stored) mutable {
            livekit::Room record;
            if (!stored || !record.ParseFromString(stored->room)) return done();
            record.set_name(room);
            using Adopted = room::ServiceResult<livekit::Room>;
            node_.ask<Adopted>(
                node_.shard_of(room),
                [record = std::move(record), internal = stored->internal.value_or("")](
                    ControlPlane& plane, Callback<Adopted> answer) {
                    answer(plane.rooms().adopt(plane.clock(), record, internal));
                    plane.wake();
                },
                [room, done = std::move(done)](const std::optional<Adopted>& adopted) mutable {
                    if (adopted && !*adopted)
                        telemetry::log_warn("a stored room is not what it was and is made anew",
                                            {{"room", room}, {"reason", adopted->error().text}});
                    done();
                });
        });
}

}  // namespace confab::control
