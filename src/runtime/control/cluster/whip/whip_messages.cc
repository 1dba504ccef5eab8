// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/whip/whip_messages.h"

#include <utility>

#include "cluster/relay/refusal.h"
#include "cluster/relay/start_session.h"
#include "runtime/control/cluster/relayed_sessions.h"

namespace confab::control {
namespace {

namespace relay = cluster::relay;

tl::unexpected<rpc::Error> refuse(std::string text) {
    return fail(rpc::Error{rpc::Code::kInvalidArgument, std::move(text), {}});
}

relay::SessionStart to_start(const WhipJoin& join) {
    relay::SessionStart start;
    start.room = join.params.room;
    start.room_must_exist = join.room_must_exist;
    start.grants = join.params.grants;
    start.client = join.params.client;
    start.single_peer_connection = join.params.single_connection;
    start.auto_subscribe = join.params.auto_subscribe;
    start.disable_ice_lite = join.params.disable_ice_lite;
    return start;
}

Result<std::vector<api::WhipTrackName>, rpc::Error> read_awaited(
    const ::rpc::WHIPCreateRequest& request, std::size_t receiving) {
    std::vector<api::WhipTrackName> awaited;
    for (const auto& [identity, list] : request.subscribed_participant_tracks())
        for (const std::string& track : list.track_names()) {
            if (awaited.size() >= api::kMaxAwaitedTracks) return refuse("too many tracks named");
            awaited.push_back({identity, track});
        }
    if (awaited.size() > receiving)
        return refuse("the offer takes back fewer tracks than are named");
    return awaited;
}

// What the offer says, and what a connection of WHIP is.
void take_offer(const std::string& sdp, const api::WhipOffer& offer, room::JoinParams& params) {
    if (params.client.protocol() == 0) params.client.set_protocol(api::kWhipProtocol);
    params.single_connection = true;
    params.auto_subscribe = params.auto_subscribe && offer.receiving > 0;
    params.disable_ice_lite = true;
    params.reconnect = false;
    params.publisher_offer = api::first_whip_offer(sdp);
    params.add_track_requests = offer.tracks;
}

}  // namespace

::rpc::WHIPCreateRequest to_create(const WhipJoin& join) {
    ::rpc::WHIPCreateRequest request;
    const relay::SessionStart start = to_start(join);
    *request.mutable_start_session() = relay::to_start_session(start);
    *request.mutable_start_details() = relay::to_start_details(start);
    if (join.params.publisher_offer) request.set_offer_sdp(join.params.publisher_offer->sdp());
    for (const api::WhipTrackName& name : join.awaited)
        (*request.mutable_subscribed_participant_tracks())[name.identity].add_track_names(
            name.track);
    request.set_from_ingress(join.from_ingress);
    return request;
}

Result<WhipJoin, rpc::Error> from_create(::rpc::WHIPCreateRequest request,
                                         const token::Limits& limits) {
    auto offer = api::read_whip_offer(request.offer_sdp());
    if (!offer) return refuse(offer.error().text);
    CONFAB_TRY(relay::SessionStart start,
               relay::from_start_session(std::move(*request.mutable_start_session()),
                                         request.start_details(), limits));
    WhipJoin join;
    CONFAB_TRY(join.awaited, read_awaited(request, offer->receiving));
    join.room_must_exist = start.room_must_exist;
    join.from_ingress = request.from_ingress();
    join.params = to_room(std::move(start));
    take_offer(request.offer_sdp(), *offer, join.params);
    join.offer = *std::move(offer);
    return join;
}

::rpc::WHIPCreateResponse to_created(const api::WhipAnswer& answer) {
    ::rpc::WHIPCreateResponse response;
    response.set_answer_sdp(answer.body);
    response.set_participant_id(answer.participant_sid);
    for (const livekit::ICEServer& server : answer.ice_servers)
        *response.add_ice_servers() = server;
    response.set_ice_session_id(answer.etag);
    return response;
}

api::WhipAnswer from_created(::rpc::WHIPCreateResponse response) {
    return {api::WhipAnswer::Kind::kCreated,
            std::move(*response.mutable_ice_session_id()),
            std::move(*response.mutable_answer_sdp()),
            std::move(*response.mutable_participant_id()),
            {response.ice_servers().begin(), response.ice_servers().end()}};
}

::rpc::WHIPParticipantICERestartResponse to_restarted(const api::WhipAnswer& answer) {
    ::rpc::WHIPParticipantICERestartResponse response;
    response.set_ice_session_id(answer.etag);
    response.set_sdp_fragment(answer.body);
    return response;
}

api::WhipAnswer from_restarted(::rpc::WHIPParticipantICERestartResponse response) {
    return {api::WhipAnswer::Kind::kRestarted,
            std::move(*response.mutable_ice_session_id()),
            std::move(*response.mutable_sdp_fragment()),
            {},
            {}};
}

// kUnavailable and kDeadlineExceeded are tried again (PSR-17), which would make a second session.
rpc::Error to_bus(const api::HttpError& error) {
    const auto code = [&] {
        switch (error.status) {
            case 400:
                return rpc::Code::kInvalidArgument;
            case 404:
                return rpc::Code::kNotFound;
            case 409:
                return rpc::Code::kAborted;
            case 500:
                return rpc::Code::kFailedPrecondition;  // another ETag (RPC-24)
            case 503:
                return rpc::Code::kCanceled;
            default:
                return rpc::Code::kUnknown;
        }
    };
    return {code(), error.text, {}};
}

api::HttpError from_bus(const rpc::Error& error) {
    if (error.code == rpc::Code::kFailedPrecondition) return {500, error.text};  // CON-61
    return {relay::http_status(error.code), error.text};
}

api::HttpError create_error(const rpc::Error& error) {
    const bool said =
        error.code == rpc::Code::kNotFound || error.code == rpc::Code::kInvalidArgument;
    return {said ? relay::http_status(error.code) : 503, error.text};
}

}  // namespace confab::control
