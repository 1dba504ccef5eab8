// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/whip/cluster_whip.h"

#include <utility>

#include "cluster/methods.h"
#include "runtime/control/cluster/whip/whip_messages.h"
#include "runtime/net/event_loop.h"

namespace confab::control {
namespace {

using cluster::store::Failure;
using Kind = api::WhipAnswer::Kind;

// A room that is found to have gone elsewhere is looked up once more.
constexpr int kLookups = 2;

api::WhipOutcome refused(api::HttpError error) {
    return tl::make_unexpected(std::move(error));
}
api::WhipOutcome unreadable() {
    return refused({503, "the answer of a node cannot be read"});
}

// Each attempt makes a session anew: one, for as long as the room may wait for tracks and then for
// their answer.
constexpr cluster::psrpc::RetryPlan kAwaitedPlan{
    1, WhipSessions::kPatience + WhipSessions::kPatience + Duration::seconds(1), {}, 1, {}, false};

template <typename Message>
Message message_of(const WhipRequest& request) {
    Message message;
    message.set_room(request.room);
    message.set_participant_identity(request.identity);
    message.set_participant_id(request.session);
    return message;
}

rpc::Reply answer_with(Kind kind, WhipBackend::Reply reply) {
    return [kind, reply = std::move(reply)](const rpc::Outcome& outcome) mutable {
        if (!outcome) return reply(refused(from_bus(outcome.error())));
        reply(api::WhipAnswer{kind, {}, {}, {}, {}});
    };
}

}  // namespace

// ---------------------------------------------------------------- POST

void ClusterWhip::create(WhipJoin join, Reply reply) {
    const auto kept = std::make_shared<const WhipJoin>(std::move(join));
    if (!kept->awaited.empty()) waiting_[asked_of(*kept)] = false;
    find_and_create(kept, kLookups,
                    [this, kept, reply = std::move(reply)](api::WhipOutcome outcome) mutable {
                        waiting_.erase(asked_of(*kept));
                        reply(std::move(outcome));
                    });
}

void ClusterWhip::find_and_create(std::shared_ptr<const WhipJoin> join, int lookups, Reply reply) {
    const std::string& room = join->params.room;
    p_.placement.find_node(net::EventLoop::now(), room,
                           [this, join, lookups, reply = std::move(reply)](
                               const Result<std::string, rpc::Error>& node) mutable {
                               if (!node) return reply(refused(create_error(node.error())));
                               create_at(*node, std::move(join), lookups, std::move(reply));
                           });
    p_.wake();
}

void ClusterWhip::create_at(const std::string& node, std::shared_ptr<const WhipJoin> join,
                            int lookups, Reply reply) {
    const auto waits = waiting_.find(asked_of(*join));
    if (waits != waiting_.end() && waits->second) return reply(refused({503, "nobody waits"}));
    if (node == p_.own_id) return p_.local.create(*join, std::move(reply));
    p_.bus.call(
        net::EventLoop::now(), cluster::kWhipCreate, {node}, to_create(*join).SerializeAsString(),
        {}, join->awaited.empty() ? p_.plan : kAwaitedPlan,
        [this, join, lookups, reply = std::move(reply)](const rpc::Outcome& outcome) mutable {
            if (!outcome && outcome.error().code == rpc::Code::kAborted && lookups > 1)
                return find_and_create(std::move(join), lookups - 1, std::move(reply));
            created(*join, outcome, std::move(reply));
        });
    p_.wake();
}

void ClusterWhip::created(const WhipJoin& join, const rpc::Outcome& outcome, Reply reply) {
    if (!outcome) return reply(refused(create_error(outcome.error())));
    ::rpc::WHIPCreateResponse response;
    if (!response.ParseFromString(*outcome)) return reply(unreadable());
    const auto waits = waiting_.find(asked_of(join));
    if (waits != waiting_.end() && waits->second) {
        WhipRequest request;
        request.room = join.params.room;
        request.identity = join.params.grants.identity;
        request.session = response.participant_id();
        ask_delete(request, [](const api::WhipOutcome&) {});
    }
    reply(from_created(std::move(response)));
}

// At another node it is ended when it is there.
void ClusterWhip::abandon(const std::string& room, const std::string& identity,
                          std::uint64_t request) {
    const auto waits = waiting_.find({room, identity, request});
    if (waits != waiting_.end()) waits->second = true;
    if (p_.is_here(room)) p_.local.abandon(room, identity, request);
}

// ---------------------------------------------------------------- PATCH, DELETE

void ClusterWhip::at_its_node(WhipRequest request, Reply reply,
                              std::function<void(const WhipRequest&, Reply)> ask) {
    const std::string room = request.room;
    const std::string identity = request.identity;
    p_.reader.participant(
        net::EventLoop::now(), room, identity,
        [request = std::move(request), ask = std::move(ask), reply = std::move(reply)](
            Timestamp, const Result<std::string, Failure>& stored) mutable {
            if (stored) return ask(request, std::move(reply));
            if (stored.error().code == Failure::Code::kNotFound)
                return reply(refused({404, "participant does not exist"}));
            reply(refused({503, stored.error().text}));
        });
    p_.wake();
}

void ClusterWhip::patch(WhipRequest request, Reply reply) {
    if (p_.is_here(request.room)) return p_.local.patch(std::move(request), std::move(reply));
    at_its_node(std::move(request), std::move(reply),
                [this](const WhipRequest& known, Reply answer) {
                    if (!known.if_match || known.if_match->empty())
                        return answer(refused({428, "missing entity tag"}));
                    if (*known.if_match == api::kWhipAnySession)
                        return ask_restart(known, std::move(answer));
                    ask_patch(known, std::move(answer));
                });
}

void ClusterWhip::remove(WhipRequest request, Reply reply) {
    if (p_.is_here(request.room)) return p_.local.remove(std::move(request), std::move(reply));
    at_its_node(
        std::move(request), std::move(reply),
        [this](const WhipRequest& known, Reply answer) { ask_delete(known, std::move(answer)); });
}

void ClusterWhip::ask_patch(const WhipRequest& request, Reply reply) {
    auto message = message_of<::rpc::WHIPParticipantICETrickleRequest>(request);
    message.set_ice_session_id(*request.if_match);
    message.set_sdp_fragment(request.body);
    p_.bus.call(net::EventLoop::now(), cluster::kWhipTrickle,
                cluster::participant_topic(request.room, request.identity),
                message.SerializeAsString(), {}, p_.plan,
                answer_with(Kind::kTaken, std::move(reply)));
    p_.wake();
}

void ClusterWhip::ask_restart(const WhipRequest& request, Reply reply) {
    auto message = message_of<::rpc::WHIPParticipantICERestartRequest>(request);
    message.set_sdp_fragment(request.body);
    p_.bus.call(net::EventLoop::now(), cluster::kWhipRestart,
                cluster::participant_topic(request.room, request.identity),
                message.SerializeAsString(), {}, p_.plan,
                [reply = std::move(reply)](const rpc::Outcome& outcome) mutable {
                    if (!outcome) return reply(refused(from_bus(outcome.error())));
                    ::rpc::WHIPParticipantICERestartResponse response;
                    if (!response.ParseFromString(*outcome)) return reply(unreadable());
                    reply(from_restarted(std::move(response)));
                });
    p_.wake();
}

void ClusterWhip::ask_delete(const WhipRequest& request, Reply reply) {
    const auto message = message_of<::rpc::WHIPParticipantDeleteSessionRequest>(request);
    p_.bus.call(net::EventLoop::now(), cluster::kWhipDelete,
                cluster::participant_topic(request.room, request.identity),
                message.SerializeAsString(), {}, p_.plan,
                answer_with(Kind::kEnded, std::move(reply)));
    p_.wake();
}

}  // namespace confab::control
