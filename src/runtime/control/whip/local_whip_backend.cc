// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/whip/local_whip_backend.h"

namespace confab::control {
namespace {

api::WhipOutcome refused(int status, std::string text) {
    return tl::make_unexpected(api::HttpError{status, std::move(text)});
}

}  // namespace

void LocalWhipBackend::ask(const std::string& room, Callback<ControlPlane&, Reply> question,
                           Reply reply) {
    node_.ask<api::WhipOutcome>(
        node_.shard_of(room), std::move(question),
        [reply = std::move(reply)](std::optional<api::WhipOutcome> outcome) mutable {
            reply(outcome ? *std::move(outcome) : refused(503, "no response from servers"));
        });
}

void LocalWhipBackend::create(WhipJoin join, Reply reply) {
    if (over_limit_ && over_limit_())
        return reply(refused(503, "node has exceeded its configured limit"));
    const std::string room = join.params.room;
    ask(
        room,
        [join = std::move(join)](ControlPlane& plane, Reply answer) mutable {
            if (join.room_must_exist && !plane.rooms().has_room(join.params.room))
                return answer(refused(404, "requested room does not exist"));
            plane.whip().create(std::move(join), std::move(answer));
        },
        std::move(reply));
}

void LocalWhipBackend::abandon(const std::string& room, const std::string& identity,
                               std::uint64_t request) {
    node_.run_in(node_.shard_of(room), [room, identity, request](ControlPlane& plane) {
        plane.whip().abandon(room, identity, request);
    });
}

void LocalWhipBackend::patch(WhipRequest request, Reply reply) {
    const std::string room = request.room;
    ask(
        room,
        [request = std::move(request)](ControlPlane& plane, Reply answer) {
            plane.whip().patch(request, std::move(answer));
        },
        std::move(reply));
}

void LocalWhipBackend::remove(WhipRequest request, Reply reply) {
    const std::string room = request.room;
    ask(
        room,
        [request = std::move(request)](ControlPlane& plane, Reply answer) {
            plane.whip().remove(request, std::move(answer));
        },
        std::move(reply));
}

}  // namespace confab::control
