// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/whip/whip_servers.h"

#include <google/protobuf/empty.pb.h>

#include <utility>

#include "cluster/methods.h"
#include "rpc/typed.h"
#include "runtime/control/cluster/whip/whip_messages.h"

namespace confab::control {
namespace {

using google::protobuf::Empty;

template <typename Response>
using Answer = Callback<Result<Response, rpc::Error>>;

// So that the answer is back before its caller asks anew.
Timestamp answer_by(const rpc::Request& call) {
    constexpr Duration kOnTheWay = Duration::millis(100);
    return call.deadline - kOnTheWay;
}

template <typename Response>
WhipBackend::Reply to_bus_reply(Answer<Response> answer, Response (*made)(const api::WhipAnswer&)) {
    return [answer = std::move(answer), made](const api::WhipOutcome& outcome) mutable {
        if (!outcome) return answer(tl::make_unexpected(to_bus(outcome.error())));
        answer(made(*outcome));
    };
}

Empty nothing(const api::WhipAnswer&) {
    return {};
}

template <typename Message>
WhipRequest request_of(Message& message, const rpc::Request& call) {
    WhipRequest request;
    request.room = std::move(*message.mutable_room());
    request.identity = std::move(*message.mutable_participant_identity());
    request.session = std::move(*message.mutable_participant_id());
    request.answer_by = answer_by(call);
    return request;
}

}  // namespace

WhipServers::WhipServers(rpc::Bus& bus, WhipBackend& whip, const std::string& node,
                         token::Limits limits, CheckRoom check_room)
    : bus_(bus), whip_(whip), limits_(limits), check_room_(std::move(check_room)) {
    serve_create(node);
}

// The room may have gone to another node since that was looked up.
void WhipServers::serve_create(const std::string& node) {
    using Response = ::rpc::WHIPCreateResponse;
    auto registration = rpc::serve<::rpc::WHIPCreateRequest, Response>(
        bus_, cluster::kWhipCreate, {node},
        [this](::rpc::WHIPCreateRequest request, const rpc::Request& call,
               Answer<Response> answer) {
            auto join = from_create(std::move(request), limits_);
            if (!join) return answer(tl::make_unexpected(join.error()));
            join->answer_by = answer_by(call);
            const std::string room = join->params.room;
            check_room_(room, [this, join = *std::move(join),
                               answer = std::move(answer)](bool here) mutable {
                if (!here)
                    return answer(tl::make_unexpected(
                        rpc::Error{rpc::Code::kAborted, "the room is on another node by now", {}}));
                whip_.create(std::move(join), to_bus_reply(std::move(answer), &to_created));
            });
        });
    if (registration) node_.push_back(std::move(*registration));
}

void WhipServers::set_named(const std::string& room, const std::string& identity, bool there) {
    const rpc::Topic topic = cluster::participant_topic(room, identity);
    Shared& shared = participants_[topic.front()];
    if (!there) {
        if (shared.sessions <= 1) {
            participants_.erase(topic.front());
        } else {
            --shared.sessions;
        }
        return;
    }
    if (shared.sessions++ == 0) serve_session(topic, shared.kept);
}

void WhipServers::serve_session(const rpc::Topic& topic, std::vector<rpc::Registration>& kept) {
    using Restarted = ::rpc::WHIPParticipantICERestartResponse;
    const auto keep = [&kept](Result<rpc::Registration, rpc::Error> registration) {
        if (registration) kept.push_back(std::move(*registration));
    };
    keep(rpc::serve<::rpc::WHIPParticipantICETrickleRequest, Empty>(
        bus_, cluster::kWhipTrickle, topic,
        [this](::rpc::WHIPParticipantICETrickleRequest message, const rpc::Request& call,
               Answer<Empty> answer) {
            WhipRequest request = request_of(message, call);
            request.if_match = std::move(*message.mutable_ice_session_id());
            request.body = std::move(*message.mutable_sdp_fragment());
            whip_.patch(std::move(request), to_bus_reply(std::move(answer), &nothing));
        }));
    keep(rpc::serve<::rpc::WHIPParticipantICERestartRequest, Restarted>(
        bus_, cluster::kWhipRestart, topic,
        [this](::rpc::WHIPParticipantICERestartRequest message, const rpc::Request& call,
               Answer<Restarted> answer) {
            WhipRequest request = request_of(message, call);
            request.if_match = api::kWhipAnySession;
            request.body = std::move(*message.mutable_sdp_fragment());
            whip_.patch(std::move(request), to_bus_reply(std::move(answer), &to_restarted));
        }));
    keep(rpc::serve<::rpc::WHIPParticipantDeleteSessionRequest, Empty>(
        bus_, cluster::kWhipDelete, topic,
        [this](::rpc::WHIPParticipantDeleteSessionRequest message, const rpc::Request& call,
               Answer<Empty> answer) {
            whip_.remove(request_of(message, call), to_bus_reply(std::move(answer), &nothing));
        }));
}

}  // namespace confab::control
