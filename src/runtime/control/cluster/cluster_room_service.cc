// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/cluster_room_service.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "cluster/methods.h"
#include "room/data/rpc_calls.h"
#include "runtime/net/event_loop.h"
#include "token/room_key.h"

namespace confab::control {

using Port = api::RoomServicePort;
using cluster::store::Failure;

namespace {

api::ServiceError to_api(const Failure& failure) {
    using Code = Failure::Code;
    switch (failure.code) {
        case Code::kNotFound:
            return api::service_error(api::ErrorCode::kNotFound, failure.text);
        case Code::kUnavailable:
        case Code::kBusy:
            return api::service_error(api::ErrorCode::kUnavailable, failure.text);
        case Code::kInvalid:
        case Code::kTooLarge:
        case Code::kRefused:
        case Code::kOutdated:
            break;
    }
    return api::service_error(api::ErrorCode::kInternal, failure.text);
}

// Errors of placement itself have no code on the bus, and their text is alone (NODE-11).
api::ServiceError not_placed(const rpc::Error& error) {
    return error.code == rpc::Code::kUnknown
               ? api::native_error(api::ErrorCode::kUnknown, error.text)
               : api::service_error(error);
}

std::string key_of(const api::CallContext& context, const std::string& name) {
    return token::room_key(context.tenant, name);
}

// The rooms of a tenant as it names them.
std::optional<livekit::Room> shown(const cluster::store::Stored& stored,
                                   const std::string& tenant) {
    const token::RoomName name = token::split_room_key(stored.name);
    livekit::Room room;
    if (name.tenant != tenant || !room.ParseFromString(stored.bytes)) return std::nullopt;
    room.set_name(std::string(name.name));
    return room;
}

// API-14: once, for as long as the participant may take, as each attempt calls its method anew.
cluster::psrpc::RetryPlan plan_of(const livekit::PerformRpcRequest& request) {
    using room::RpcCalls;
    constexpr Duration kOnTheWay = Duration::seconds(3);  // the room's own answer comes first
    const Duration wanted = Duration::millis(request.response_timeout_ms());
    cluster::psrpc::RetryPlan plan;
    plan.attempts = 1;
    plan.timeout =
        kOnTheWay + (wanted == Duration::zero() ? RpcCalls::kDefaultTimeout
                                                : std::min(wanted, RpcCalls::kMaxTimeout));
    return plan;
}

api::ServiceError apart(const std::string& node) {
    return api::service_error(api::ErrorCode::kFailedPrecondition,
                              "the rooms are on different nodes: participants are forwarded within "
                              "one node (CreateRoom with node_id " +
                                  node + " makes the other room there)");
}

}  // namespace

bool ClusterRoomService::is_here(const api::CallContext& context, const std::string& name) const {
    return p_.here.has(key_of(context, name));
}

template <typename Request, typename Response>
void ClusterRoomService::ask(const rpc::Method& method, rpc::Topic topic,
                             const api::CallContext& context, const Request& request,
                             const cluster::psrpc::RetryPlan& plan, api::Reply<Response> reply) {
    p_.bus.call(context.now, method, std::move(topic), request.SerializeAsString(), {}, plan,
                [reply = std::move(reply)](const rpc::Outcome& outcome) mutable {
                    if (!outcome)
                        return reply(tl::make_unexpected(api::service_error(outcome.error())));
                    Response response;
                    if (!response.ParseFromString(*outcome))
                        return reply(tl::make_unexpected(api::service_error(
                            api::ErrorCode::kInternal, "the answer of a node cannot be read")));
                    reply(std::move(response));
                });
}

template <typename Request, typename Response>
void ClusterRoomService::of_room(const rpc::Method& method, Method<Request, Response> local,
                                 const api::CallContext& context, const Request& request,
                                 api::Reply<Response> reply) {
    if (is_here(context, request.room()))
        return (p_.local.*local)(context, request, std::move(reply));
    Request keyed = request;
    keyed.set_room(key_of(context, request.room()));
    const std::string key = keyed.room();
    ask(method, {key}, context, keyed, p_.plan, std::move(reply));
}

template <typename Request, typename Response>
void ClusterRoomService::of_participant(const rpc::Method& method, Method<Request, Response> local,
                                        const api::CallContext& context, const Request& request,
                                        const std::string& identity,
                                        const cluster::psrpc::RetryPlan& plan,
                                        api::Reply<Response> reply) {
    if (is_here(context, request.room()))
        return (p_.local.*local)(context, request, std::move(reply));
    Request keyed = request;
    keyed.set_room(key_of(context, request.room()));
    const rpc::Topic topic = cluster::participant_topic(keyed.room(), identity);
    ask(method, topic, context, keyed, plan, std::move(reply));
}

template <typename Request, typename Response>
void ClusterRoomService::of_known_participant(const rpc::Method& method,
                                              Method<Request, Response> local,
                                              const api::CallContext& context,
                                              const Request& request, api::Reply<Response> reply) {
    if (is_here(context, request.room()))
        return (p_.local.*local)(context, request, std::move(reply));
    p_.reader.participant(context.now, key_of(context, request.room()), request.identity(),
                          [this, method, local, context, request, reply = std::move(reply)](
                              Timestamp now, const Result<std::string, Failure>& stored) mutable {
                              if (!stored)
                                  return reply(tl::make_unexpected(to_api(stored.error())));
                              api::CallContext later = context;
                              later.now = now;
                              of_participant(method, local, later, request, request.identity(),
                                             p_.plan, std::move(reply));
                          });
}

// ---------------------------------------------------------------- rooms

void ClusterRoomService::find_room(const std::string& key, Found found) {
    if (p_.here.has(key)) return p_.local.find_room(key, std::move(found));
    p_.routed_to(key, [found = std::move(found)](Result<std::string, rpc::Error> node) mutable {
        if (!node) return found(tl::make_unexpected(api::service_error(node.error())));
        found(node->empty() ? std::optional<std::string>() : *std::move(node));
    });
}

void ClusterRoomService::create_room(const api::CallContext& context,
                                     const livekit::CreateRoomRequest& request,
                                     api::Reply<livekit::Room> reply) {
    const std::string key = key_of(context, request.name());
    p_.placement.place(context.now, key, request.node_id(),
                       [this, context, key, request,
                        reply = std::move(reply)](Result<std::string, rpc::Error> node) mutable {
                           if (!node) return reply(tl::make_unexpected(not_placed(node.error())));
                           if (*node == p_.own_id)
                               return p_.local.create_room(context, request, std::move(reply));
                           livekit::CreateRoomRequest keyed = request;
                           keyed.set_name(key);
                           api::CallContext later = context;
                           later.now = net::EventLoop::now();
                           const token::RoomName name = token::split_room_key(key);
                           ask(cluster::kCreateRoom, {*node}, later, keyed,
                               cluster::psrpc::kCreateRoomRetry,
                               api::Reply<livekit::Room>(
                                   [shown = std::string(name.name), reply = std::move(reply)](
                                       Result<livekit::Room, api::ServiceError> room) mutable {
                                       if (room) room->set_name(shown);
                                       reply(std::move(room));
                                   }));
                       });
}

void ClusterRoomService::list_rooms(const api::CallContext& context,
                                    const livekit::ListRoomsRequest& request,
                                    api::Reply<livekit::ListRoomsResponse> reply) {
    auto done = [tenant = context.tenant, reply = std::move(reply)](
                    Timestamp, const Result<cluster::store::StoredList, Failure>& list) mutable {
        if (!list) return reply(tl::make_unexpected(to_api(list.error())));
        livekit::ListRoomsResponse response;
        for (const cluster::store::Stored& stored : *list)
            if (auto room = shown(stored, tenant)) *response.add_rooms() = *std::move(room);
        reply(std::move(response));
    };
    if (request.names().empty()) return p_.reader.rooms(context.now, std::move(done));
    std::vector<std::string> keys;
    keys.reserve(static_cast<std::size_t>(request.names_size()));
    for (const std::string& name : request.names())
        keys.push_back(key_of(context, name));
    p_.reader.rooms(context.now, std::move(keys), std::move(done));
}

void ClusterRoomService::delete_room(const api::CallContext& context,
                                     const livekit::DeleteRoomRequest& request,
                                     api::Reply<livekit::DeleteRoomResponse> reply) {
    if (is_here(context, request.room()))
        return p_.local.delete_room(context, request, std::move(reply));
    const std::string key = key_of(context, request.room());
    p_.reader.room(context.now, key,
                   [this, context, key, reply = std::move(reply)](
                       Timestamp now, const Result<std::string, Failure>& room) mutable {
                       if (!room) return reply(tl::make_unexpected(to_api(room.error())));
                       api::CallContext later = context;
                       later.now = now;
                       delete_elsewhere(later, key, std::move(reply));
                   });
}

// By the node that has it; where that is dead, or nobody has it, what Redis has of it goes
// (RDS-27).
void ClusterRoomService::delete_elsewhere(const api::CallContext& context, const std::string& key,
                                          api::Reply<livekit::DeleteRoomResponse> reply) {
    p_.routed_to(key, [this, context, key, reply = std::move(reply)](
                          const Result<std::string, rpc::Error>& node) mutable {
        if (!node) return reply(tl::make_unexpected(api::service_error(node.error())));
        const auto nobody =
            api::service_error(api::ErrorCode::kUnavailable, "no response from servers");
        if (node->empty() || p_.is_dead(*node))
            return delete_stored(key, *node, nobody, std::move(reply));
        livekit::DeleteRoomRequest keyed;
        keyed.set_room(key);
        api::CallContext later = context;
        later.now = net::EventLoop::now();
        using Outcome = Result<livekit::DeleteRoomResponse, api::ServiceError>;
        ask(cluster::kDeleteRoom, {key}, later, keyed, p_.plan,
            api::Reply<livekit::DeleteRoomResponse>(
                [this, key, node = *node, reply = std::move(reply)](Outcome outcome) mutable {
                    if (outcome || outcome.error().code != api::ErrorCode::kUnavailable ||
                        !p_.is_dead(node))
                        return reply(std::move(outcome));
                    delete_stored(key, node, outcome.error(), std::move(reply));
                }));
    });
}

void ClusterRoomService::delete_stored(const std::string& key, const std::string& node,
                                       const api::ServiceError& error,
                                       api::Reply<livekit::DeleteRoomResponse> reply) {
    using Outcome = cluster::store::RoomOrphans::Outcome;
    p_.orphans.delete_now(
        net::EventLoop::now(), key, node,
        [error, reply = std::move(reply)](Timestamp, const Result<Outcome, Failure>& gone) mutable {
            if (!gone) return reply(tl::make_unexpected(to_api(gone.error())));
            if (!gone->deleted) return reply(tl::make_unexpected(error));
            reply(livekit::DeleteRoomResponse());
        });
}

void ClusterRoomService::update_room_metadata(const api::CallContext& context,
                                              const livekit::UpdateRoomMetadataRequest& request,
                                              api::Reply<livekit::Room> reply) {
    if (is_here(context, request.room()))
        return p_.local.update_room_metadata(context, request, std::move(reply));
    const std::string key = key_of(context, request.room());
    p_.reader.room(context.now, key,
                   [this, context, request, reply = std::move(reply)](
                       Timestamp now, const Result<std::string, Failure>& room) mutable {
                       if (!room) return reply(tl::make_unexpected(to_api(room.error())));
                       api::CallContext later = context;
                       later.now = now;
                       of_room(cluster::kUpdateRoomMetadata, &Port::update_room_metadata, later,
                               request, std::move(reply));
                   });
}

void ClusterRoomService::send_data(const api::CallContext& context,
                                   const livekit::SendDataRequest& request,
                                   api::Reply<livekit::SendDataResponse> reply) {
    of_room(cluster::kSendData, &Port::send_data, context, request, std::move(reply));
}

// ---------------------------------------------------------------- participants

void ClusterRoomService::list_participants(const api::CallContext& context,
                                           const livekit::ListParticipantsRequest& request,
                                           api::Reply<livekit::ListParticipantsResponse> reply) {
    if (is_here(context, request.room()))
        return p_.local.list_participants(context, request, std::move(reply));
    p_.reader.participants(
        context.now, key_of(context, request.room()),
        [reply = std::move(reply)](
            Timestamp, const Result<cluster::store::StoredList, Failure>& list) mutable {
            if (!list) return reply(tl::make_unexpected(to_api(list.error())));
            livekit::ListParticipantsResponse response;
            for (const cluster::store::Stored& stored : *list)
                if (!response.add_participants()->ParseFromString(stored.bytes))
                    response.mutable_participants()->RemoveLast();
            reply(std::move(response));
        });
}

void ClusterRoomService::get_participant(const api::CallContext& context,
                                         const livekit::RoomParticipantIdentity& request,
                                         api::Reply<livekit::ParticipantInfo> reply) {
    if (is_here(context, request.room()))
        return p_.local.get_participant(context, request, std::move(reply));
    p_.reader.participant(
        context.now, key_of(context, request.room()), request.identity(),
        [reply = std::move(reply)](Timestamp, const Result<std::string, Failure>& stored) mutable {
            if (!stored) return reply(tl::make_unexpected(to_api(stored.error())));
            livekit::ParticipantInfo info;
            if (!info.ParseFromString(*stored))
                return reply(tl::make_unexpected(api::service_error(
                    api::ErrorCode::kInternal, "what Redis has of it cannot be read")));
            reply(std::move(info));
        });
}

// TOK-14: all nodes hear that its tokens are revoked before its room hears that it goes, and
// whether it is there or not.
void ClusterRoomService::remove_participant(const api::CallContext& context,
                                            const livekit::RoomParticipantIdentity& request,
                                            api::Reply<livekit::RemoveParticipantResponse> reply) {
    if (request.revoke_token_ts() > 0 && !is_here(context, request.room())) {
        livekit::RoomParticipantIdentity keyed = request;
        keyed.set_room(key_of(context, request.room()));
        p_.revoke(keyed);
    }
    of_known_participant(cluster::kRemoveParticipant, &Port::remove_participant, context, request,
                         std::move(reply));
}
void ClusterRoomService::update_participant(const api::CallContext& context,
                                            const livekit::UpdateParticipantRequest& request,
                                            api::Reply<livekit::ParticipantInfo> reply) {
    of_known_participant(cluster::kUpdateParticipant, &Port::update_participant, context, request,
                         std::move(reply));
}
void ClusterRoomService::mute_published_track(const api::CallContext& context,
                                              const livekit::MuteRoomTrackRequest& request,
                                              api::Reply<livekit::MuteRoomTrackResponse> reply) {
    of_participant(cluster::kMutePublishedTrack, &Port::mute_published_track, context, request,
                   request.identity(), p_.plan, std::move(reply));
}
void ClusterRoomService::update_subscriptions(
    const api::CallContext& context, const livekit::UpdateSubscriptionsRequest& request,
    api::Reply<livekit::UpdateSubscriptionsResponse> reply) {
    of_participant(cluster::kUpdateSubscriptions, &Port::update_subscriptions, context, request,
                   request.identity(), p_.plan, std::move(reply));
}
void ClusterRoomService::perform_rpc(const api::CallContext& context,
                                     const livekit::PerformRpcRequest& request,
                                     api::Reply<livekit::PerformRpcResponse> reply) {
    of_participant(cluster::kPerformRpc, &Port::perform_rpc, context, request,
                   request.destination_identity(), plan_of(request), std::move(reply));
}

// ---------------------------------------------------------------- to another room

template <typename Request, typename Response>
void ClusterRoomService::relocate_elsewhere(const rpc::Method& method,
                                            const api::CallContext& context, const Request& request,
                                            api::Reply<Response> reply) {
    Request keyed = request;
    keyed.set_room(key_of(context, request.room()));
    keyed.set_destination_room(key_of(context, request.destination_room()));
    p_.reader.participant(context.now, keyed.room(), request.identity(),
                          [this, method, context, keyed, reply = std::move(reply)](
                              Timestamp now, const Result<std::string, Failure>& stored) mutable {
                              if (!stored)
                                  return reply(tl::make_unexpected(to_api(stored.error())));
                              api::CallContext later = context;
                              later.now = now;
                              const rpc::Topic topic =
                                  cluster::participant_topic(keyed.room(), keyed.identity());
                              ask(method, topic, later, keyed, p_.plan, std::move(reply));
                          });
}

void ClusterRoomService::find_destination(const api::CallContext& context, const std::string& name,
                                          api::Reply<std::string> reply) {
    p_.placement.place(context.now, key_of(context, name), p_.own_id,
                       [reply = std::move(reply)](Result<std::string, rpc::Error> node) mutable {
                           if (!node)
                               return reply(tl::make_unexpected(api::service_error(node.error())));
                           reply(*std::move(node));
                       });
}

// Its media would have to come here from the other node.
void ClusterRoomService::forward_participant(
    const api::CallContext& context, const livekit::ForwardParticipantRequest& request,
    api::Reply<livekit::ForwardParticipantResponse> reply) {
    if (!is_here(context, request.room()))
        return relocate_elsewhere(cluster::kForwardParticipant, context, request, std::move(reply));
    find_destination(context, request.destination_room(),
                     [this, context, request, reply = std::move(reply)](
                         const Result<std::string, api::ServiceError>& node) mutable {
                         if (!node) return reply(tl::make_unexpected(node.error()));
                         if (*node != p_.own_id)
                             return reply(tl::make_unexpected(apart(p_.own_id)));
                         p_.local.forward_participant(context, request, std::move(reply));
                     });
}

void ClusterRoomService::move_participant(const api::CallContext& context,
                                          const livekit::MoveParticipantRequest& request,
                                          api::Reply<livekit::MoveParticipantResponse> reply) {
    if (!is_here(context, request.room()))
        return relocate_elsewhere(cluster::kMoveParticipant, context, request, std::move(reply));
    find_destination(context, request.destination_room(),
                     [this, context, request, reply = std::move(reply)](
                         const Result<std::string, api::ServiceError>& node) mutable {
                         if (!node) return reply(tl::make_unexpected(node.error()));
                         if (*node == p_.own_id)
                             return p_.local.move_participant(context, request, std::move(reply));
                         move_to_other_node(context, request, std::move(reply));
                     });
}

// Its connections stay behind: it joins there anew, of itself. Of a room that is to be there and is
// not written yet it cannot be said what it is.
void ClusterRoomService::move_to_other_node(const api::CallContext& context,
                                            const livekit::MoveParticipantRequest& request,
                                            api::Reply<livekit::MoveParticipantResponse> reply) {
    p_.reader.room(
        net::EventLoop::now(), key_of(context, request.destination_room()),
        [this, wanted = SendAway{key_of(context, request.room()), request.identity(), {}},
         name = request.destination_room(),
         reply = std::move(reply)](Timestamp, const Result<std::string, Failure>& stored) mutable {
            if (!stored || !wanted.to.ParseFromString(*stored))
                return reply(tl::make_unexpected(api::service_error(
                    api::ErrorCode::kUnavailable,
                    "the destination room begins or ends at another node: try again")));
            wanted.to.set_name(name);
            p_.send_away(wanted, std::move(reply));
        });
}
void ClusterRoomService::move_to_worker(const api::CallContext& context,
                                        const api::WorkerMove& wanted,
                                        api::Reply<livekit::ParticipantInfo> reply) {
    p_.local.move_to_worker(context, wanted, std::move(reply));
}

}  // namespace confab::control
