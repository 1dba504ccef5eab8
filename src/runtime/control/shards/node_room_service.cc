// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/shards/node_room_service.h"

#include <map>
#include <string>

#include "runtime/telemetry/log.h"

namespace confab::control {

using Port = api::RoomServicePort;

namespace {

constexpr Duration kLongest = Duration::seconds(60);

// As of a node that does not answer on the bus (API-W7).
api::ServiceError no_response() {
    return api::service_error(api::ErrorCode::kUnavailable, "no response from servers");
}

// docs/design/moving.md
api::ServiceError apart() {
    return api::service_error(
        api::ErrorCode::kFailedPrecondition,
        "the rooms are on different control threads: with confab.control_threads: 1 participants "
        "are forwarded between all rooms");
}

// The same call with the keys of the caller's rooms in place of their names.
template <typename Request>
Request by_key(const api::CallContext& context, Request request) {
    const auto key = [&](const std::string& name) { return token::room_key(context.tenant, name); };
    request.set_room(key(request.room()));
    if constexpr (requires { request.destination_room(); })
        request.set_destination_room(key(request.destination_room()));
    return request;
}

}  // namespace

template <typename Request>
bool NodeRoomService::together(const Request& request) const {
    return node_.shard_of(request.room()) == node_.shard_of(request.destination_room());
}

template <typename Request, typename Response>
void NodeRoomService::pass(const std::string& room, Method<Request, Response> method,
                           const api::CallContext& context, const Request& request,
                           api::Reply<Response> reply) {
    using Outcome = Result<Response, api::ServiceError>;
    node_.ask<Outcome>(
        node_.shard_of(room),
        [method, context, request](ControlPlane& plane, api::Reply<Response> answer) {
            (plane.service().*method)(context, request, std::move(answer));
        },
        [reply = std::move(reply)](std::optional<Outcome> outcome) mutable {
            reply(outcome ? *std::move(outcome) : tl::make_unexpected(no_response()));
        });
}

template <typename Request, typename Response>
void NodeRoomService::pass_named(Method<Request, Response> method, const api::CallContext& context,
                                 const Request& request, api::Reply<Response> reply) {
    const Request keyed = by_key(context, request);
    pass(keyed.room(), method, context, keyed, std::move(reply));
}

// The shard answers after the turn of the call, so that what is to be stored of it is here first.
template <typename Request, typename Response>
void NodeRoomService::pass_change(const std::string& room, Method<Request, Response> method,
                                  const api::CallContext& context, const Request& request,
                                  api::Reply<Response> reply) {
    if (!when_stored_) return pass(room, method, context, request, std::move(reply));
    using Outcome = Result<Response, api::ServiceError>;
    // Who asks must not give up, and ask again, what is done.
    const Duration patience = context.timeout.value_or(kLongest) / 2;
    node_.ask<Outcome>(
        node_.shard_of(room),
        [method, context, request](ControlPlane& plane, api::Reply<Response> answer) {
            api::Reply<Response> later = [&plane,
                                          answer = std::move(answer)](Outcome outcome) mutable {
                plane.after_turn(
                    [answer = std::move(answer), outcome = std::move(outcome)]() mutable {
                        answer(std::move(outcome));
                    });
            };
            (plane.service().*method)(context, request, std::move(later));
        },
        [this, room, patience, reply = std::move(reply)](std::optional<Outcome> outcome) mutable {
            if (!outcome) return reply(tl::make_unexpected(no_response()));
            if (!*outcome) return reply(*std::move(outcome));
            when_stored_(room, patience,
                         [reply = std::move(reply), outcome = *std::move(outcome)]() mutable {
                             reply(std::move(outcome));
                         });
        });
}

template <typename Request, typename Response>
void NodeRoomService::pass_named_change(Method<Request, Response> method,
                                        const api::CallContext& context, const Request& request,
                                        api::Reply<Response> reply) {
    const Request keyed = by_key(context, request);
    pass_change(keyed.room(), method, context, keyed, std::move(reply));
}

void NodeRoomService::revoke(const livekit::RoomParticipantIdentity& who) {
    using Outcome = token::Revocations::Outcome;
    const UnixTime before = token::revocation_time(who.revoke_token_ts());
    const Outcome outcome =
        node_.revoke(token::Revocations::record_of(who.room(), who.identity(), before));
    const token::RoomName room = token::split_room_key(who.room());
    telemetry::log_info("tokens revoked", {{"room", room.name},
                                           telemetry::LogField::if_any("tenant", room.tenant),
                                           {"participant", who.identity()},
                                           {"before", before.s()}});
    if (outcome == Outcome::kForgotOther)
        telemetry::log_warn(
            "too many revocations, the oldest is forgotten",
            {{"room", room.name}, telemetry::LogField::if_any("tenant", room.tenant)});
}

livekit::ListRoomsResponse merge_rooms(const livekit::ListRoomsRequest& request,
                                       std::vector<livekit::ListRoomsResponse> lists) {
    std::map<std::string, livekit::Room> by_name;
    for (livekit::ListRoomsResponse& list : lists)
        for (livekit::Room& room : *list.mutable_rooms()) {
            livekit::Room& place = by_name[room.name()];
            place = std::move(room);
        }
    livekit::ListRoomsResponse merged;
    if (request.names().empty()) {
        for (auto& [name, room] : by_name)
            *merged.add_rooms() = std::move(room);
        return merged;
    }
    for (const std::string& name : request.names())
        if (const auto room = by_name.find(name); room != by_name.end())
            *merged.add_rooms() = room->second;
    return merged;
}

void NodeRoomService::list_rooms(const api::CallContext& context,
                                 const livekit::ListRoomsRequest& request,
                                 api::Reply<livekit::ListRoomsResponse> reply) {
    using Lists = std::vector<std::optional<livekit::ListRoomsResponse>>;
    livekit::ListRoomsRequest keyed = request;
    for (std::string& name : *keyed.mutable_names())
        name = token::room_key(context.tenant, name);
    if (node_.size() == 1)
        return node_.first().service().list_rooms(context, keyed, std::move(reply));
    node_.gather<livekit::ListRoomsResponse>(
        [keyed = std::move(keyed), tenant = context.tenant](ControlPlane& plane) {
            return plane.rooms().list_rooms(keyed, tenant);
        },
        kShardPatience,
        [request, reply = std::move(reply)](Lists answers) mutable {
            std::vector<livekit::ListRoomsResponse> lists;
            for (auto& answer : answers) {
                if (!answer)  // a list without its rooms would be a lie
                    return reply(tl::make_unexpected(no_response()));
                lists.push_back(std::move(*answer));
            }
            reply(merge_rooms(request, std::move(lists)));
        });
}

void NodeRoomService::find_room(const std::string& key, Found found) {
    using Node = Result<std::optional<std::string>, api::ServiceError>;
    node_.ask<Node>(
        node_.shard_of(key),
        [key](ControlPlane& plane, Found answer) {
            plane.service().find_room(key, std::move(answer));
        },
        [found = std::move(found)](std::optional<Node> node) mutable {
            found(node ? *std::move(node) : tl::make_unexpected(no_response()));
        });
}

void NodeRoomService::create_room(const api::CallContext& context,
                                  const livekit::CreateRoomRequest& request,
                                  api::Reply<livekit::Room> reply) {
    if (over_limit_ && over_limit_())
        return reply(tl::make_unexpected(api::native_error(
            api::ErrorCode::kUnknown, "reached configured limit for node")));  // CON-32
    livekit::CreateRoomRequest keyed = request;
    keyed.set_name(token::room_key(context.tenant, request.name()));
    pass_change(keyed.name(), &Port::create_room, context, keyed, std::move(reply));
}
void NodeRoomService::delete_room(const api::CallContext& context,
                                  const livekit::DeleteRoomRequest& request,
                                  api::Reply<livekit::DeleteRoomResponse> reply) {
    pass_named_change(&Port::delete_room, context, request, std::move(reply));
}
void NodeRoomService::list_participants(const api::CallContext& context,
                                        const livekit::ListParticipantsRequest& request,
                                        api::Reply<livekit::ListParticipantsResponse> reply) {
    pass_named(&Port::list_participants, context, request, std::move(reply));
}
void NodeRoomService::get_participant(const api::CallContext& context,
                                      const livekit::RoomParticipantIdentity& request,
                                      api::Reply<livekit::ParticipantInfo> reply) {
    pass_named(&Port::get_participant, context, request, std::move(reply));
}
// TOK-14: revoked whether it is there or not, since it may come back meanwhile; and before it is
// removed, as a join that follows is posted behind this.
void NodeRoomService::remove_participant(const api::CallContext& context,
                                         const livekit::RoomParticipantIdentity& named,
                                         api::Reply<livekit::RemoveParticipantResponse> reply) {
    const livekit::RoomParticipantIdentity request = by_key(context, named);
    if (request.revoke_token_ts() > 0) revoke(request);
    pass_change(request.room(), &Port::remove_participant, context, request, std::move(reply));
}
void NodeRoomService::update_participant(const api::CallContext& context,
                                         const livekit::UpdateParticipantRequest& request,
                                         api::Reply<livekit::ParticipantInfo> reply) {
    pass_named_change(&Port::update_participant, context, request, std::move(reply));
}
void NodeRoomService::mute_published_track(const api::CallContext& context,
                                           const livekit::MuteRoomTrackRequest& request,
                                           api::Reply<livekit::MuteRoomTrackResponse> reply) {
    pass_named_change(&Port::mute_published_track, context, request, std::move(reply));
}
void NodeRoomService::update_subscriptions(const api::CallContext& context,
                                           const livekit::UpdateSubscriptionsRequest& request,
                                           api::Reply<livekit::UpdateSubscriptionsResponse> reply) {
    pass_named(&Port::update_subscriptions, context, request, std::move(reply));
}
void NodeRoomService::send_data(const api::CallContext& context,
                                const livekit::SendDataRequest& request,
                                api::Reply<livekit::SendDataResponse> reply) {
    pass_named(&Port::send_data, context, request, std::move(reply));
}
void NodeRoomService::update_room_metadata(const api::CallContext& context,
                                           const livekit::UpdateRoomMetadataRequest& request,
                                           api::Reply<livekit::Room> reply) {
    pass_named_change(&Port::update_room_metadata, context, request, std::move(reply));
}
void NodeRoomService::forward_participant(const api::CallContext& context,
                                          const livekit::ForwardParticipantRequest& request,
                                          api::Reply<livekit::ForwardParticipantResponse> reply) {
    if (!together(by_key(context, request))) return reply(tl::make_unexpected(apart()));
    pass_named(&Port::forward_participant, context, request, std::move(reply));
}
void NodeRoomService::move_to_worker(const api::CallContext& context, const api::WorkerMove& wanted,
                                     api::Reply<livekit::ParticipantInfo> reply) {
    api::WorkerMove keyed = wanted;
    keyed.room = token::room_key(context.tenant, wanted.room);
    pass(keyed.room, &Port::move_to_worker, context, keyed, std::move(reply));
}

void NodeRoomService::move_participant(const api::CallContext& context,
                                       const livekit::MoveParticipantRequest& request,
                                       api::Reply<livekit::MoveParticipantResponse> reply) {
    const livekit::MoveParticipantRequest keyed = by_key(context, request);
    if (!together(keyed)) return move_apart(keyed, std::move(reply));
    pass(keyed.room(), &Port::move_participant, context, keyed, std::move(reply));
}

// Ids of the media plane name their control shard, so that its connections stay behind: it joins
// the other room anew, of itself, as one of another node. For nobody no room is made.
void NodeRoomService::move_apart(const livekit::MoveParticipantRequest& keyed,
                                 api::Reply<livekit::MoveParticipantResponse> reply) {
    using There = room::ServiceResult<livekit::ParticipantInfo>;
    livekit::RoomParticipantIdentity who;
    who.set_room(keyed.room());
    who.set_identity(keyed.identity());
    node_.ask<There>(
        node_.shard_of(keyed.room()),
        [who](ControlPlane& plane, Callback<There> answer) {
            answer(plane.rooms().get_participant(who));
        },
        [this, keyed, reply = std::move(reply)](const std::optional<There>& there) mutable {
            if (!there) return reply(tl::make_unexpected(no_response()));
            if (!*there) return reply(tl::make_unexpected(to_api(there->error())));
            send_to_shard(keyed, std::move(reply));
        });
}

void NodeRoomService::send_to_shard(const livekit::MoveParticipantRequest& keyed,
                                    api::Reply<livekit::MoveParticipantResponse> reply) {
    using Prepared = room::ServiceResult<livekit::Room>;
    node_.ask<Prepared>(
        node_.shard_of(keyed.destination_room()),
        [key = keyed.destination_room()](ControlPlane& plane, Callback<Prepared> answer) {
            answer(plane.rooms().relocations(plane.clock()).prepare(key));
            plane.wake();
        },
        [this, keyed, reply = std::move(reply)](const std::optional<Prepared>& room) mutable {
            if (!room) return reply(tl::make_unexpected(no_response()));
            if (!*room) return reply(tl::make_unexpected(to_api(room->error())));
            send_away({keyed.room(), keyed.identity(), **room}, std::move(reply));
        });
}
void NodeRoomService::send_away(const SendAway& wanted,
                                api::Reply<livekit::MoveParticipantResponse> reply) {
    using Outcome = Result<livekit::MoveParticipantResponse, api::ServiceError>;
    node_.ask<Outcome>(
        node_.shard_of(wanted.room),
        [wanted](ControlPlane& plane, Callback<Outcome> answer) {
            if (plane.whip().has(wanted.room, wanted.identity))
                return answer(tl::make_unexpected(api::service_error(
                    api::ErrorCode::kFailedPrecondition,
                    "a WHIP client cannot be told to go to a room of another node or of another "
                    "control thread")));
            plane.service().send_away(wanted, std::move(answer));
        },
        [reply = std::move(reply)](std::optional<Outcome> outcome) mutable {
            reply(outcome ? *std::move(outcome) : tl::make_unexpected(no_response()));
        });
}
void NodeRoomService::perform_rpc(const api::CallContext& context,
                                  const livekit::PerformRpcRequest& request,
                                  api::Reply<livekit::PerformRpcResponse> reply) {
    pass_named(&Port::perform_rpc, context, request, std::move(reply));
}

}  // namespace confab::control
