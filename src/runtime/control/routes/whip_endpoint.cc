// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WhipEndpoint: publishing by HTTP (01 CON-60, CON-61; RFC 9725).
#include <algorithm>
#include <string>
#include <utility>

#include "api/join/client_info.h"
#include "runtime/control/routes/endpoints.h"
#include "token/permission.h"

namespace confab::control {
namespace {

// Names an ingress service that publishes for somebody (CON-62).
constexpr std::string_view kFromIngress = "X-Livekit-Ingress";

// Also what is no preflight is told that every site may publish (CON-61); to one that says which
// it is, the answer's own headers of CORS say so.
api::HttpResponse options_response(bool of_a_site) {
    api::HttpResponse out{200,
                          {{"Access-Control-Allow-Headers", "*"},
                           {"Access-Control-Allow-Methods", "PATCH, OPTIONS, GET, POST, DELETE"}},
                          {}};
    if (of_a_site) return out;
    out.headers.push_back({"Access-Control-Allow-Origin", "*"});
    out.headers.push_back({"Access-Control-Expose-Headers", "*"});
    return out;
}

}  // namespace

void WhipEndpoint::serve(Call call) {
    const std::string& method = call.request.method;
    const bool collection = call.request.path == api::kWhipPath;
    if (method == "OPTIONS")
        return call.respond(options_response(!call.request.headers.get("Origin").empty()));
    if (method == "POST" && collection) return create(std::move(call));
    if (!collection && (method == "PATCH" || method == "DELETE")) return change(std::move(call));
    if (method == "GET" || method == "HEAD") return call.respond(api::HttpResponse{204, {}, {}});
    call.respond_text(405, "405 method not allowed\n");
}

// Under the request's own type (CON-60); one without a body has none.
void WhipEndpoint::refuse(Call& call, const api::HttpError& error) {
    const std::string_view type = call.request.headers.get("Content-Type");
    call.respond(api::whip_error(error, type.empty() ? api::kTextPlain : type));
}

Result<void, api::HttpError> WhipEndpoint::check_grants(const Call& call) const {
    return api::check_join_grants(call.grants ? &*call.grants : nullptr, &revocations_, options_);
}

Result<WhipJoin, api::HttpError> WhipEndpoint::read(const Call& call) const {
    CONFAB_TRY_VOID(check_grants(call));
    CONFAB_TRY(api::WhipOffer offer, api::read_whip_offer(call.request.body));
    const token::VideoGrant& video = *call.grants->video;
    const livekit::ParticipantPermission permission = token::to_permission(*call.grants);
    const auto allowed = [&](const livekit::AddTrackRequest& track) {
        return token::may_publish(permission, track.source());
    };
    if (!offer.tracks.empty() && std::none_of(offer.tracks.begin(), offer.tracks.end(), allowed))
        return tl::make_unexpected(api::HttpError{401, "no permissions to publish"});
    CONFAB_TRY(auto awaited,
               api::read_whip_client_info(call.request.headers.get(api::kWhipClientInfo)));
    if (!awaited.empty() && !permission.can_subscribe())
        return tl::make_unexpected(api::HttpError{401, "no permissions to subscribe"});
    if (awaited.size() > offer.receiving)
        return tl::make_unexpected(
            api::HttpError{400, "the offer takes back fewer tracks than the header names"});
    WhipJoin join;
    join.room_must_exist = !options_.auto_create && !video.room_create;
    join.from_ingress = !call.request.headers.get(kFromIngress).empty();
    join.awaited = std::move(awaited);
    room::JoinParams& params = join.params;
    params.room = token::room_key(*call.grants);
    params.grants = *call.grants;
    params.client.set_protocol(api::kWhipProtocol);
    api::complete_client_info(params.client, call.request.headers.get("User-Agent"),
                              call.client_address());
    params.single_connection = true;
    params.auto_subscribe = offer.receiving > 0;
    params.disable_ice_lite = true;
    params.publisher_offer = api::first_whip_offer(call.request.body);
    params.add_track_requests = offer.tracks;
    join.offer = std::move(offer);
    return join;
}

void WhipEndpoint::create(Call call) {
    if (call.request.headers.get("Content-Type") != api::kApplicationSdp)
        return call.respond(
            api::whip_error({400, "content-type must be application/sdp"}, api::kTextPlain));
    auto join = read(call);
    if (!join) return refuse(call, join.error());
    const token::Grants& grants = join->params.grants;
    if (const auto refusal =
            gate_.refuse_join(call, {grants.api_key, join->params.room, grants.identity, false}))
        return call.respond(*refusal);
    join->request = ++requests_;
    if (!join->awaited.empty()) end_with(call, *join);
    backend_.create(*std::move(join), answer_to(std::move(call)));
}

WhipBackend::Reply WhipEndpoint::answer_to(Call call) {
    return [call = std::move(call)](const api::WhipOutcome& outcome) mutable {
        if (!outcome) return refuse(call, outcome.error());
        call.respond(api::whip_response(*outcome));
    };
}

// Tracks that are waited for are for nobody when the client has gone. Whoever gets an answer at
// once may close its sending side before that.
void WhipEndpoint::end_with(Call& call, const WhipJoin& join) {
    call.exchange.on_gone([this, room = join.params.room, identity = join.params.grants.identity,
                           request = join.request] { backend_.abandon(room, identity, request); });
}

void WhipEndpoint::change(Call call) {
    if (auto allowed = check_grants(call); !allowed) return refuse(call, allowed.error());
    WhipRequest request;
    request.room = token::room_key(*call.grants);
    request.identity = call.grants->identity;
    request.session = call.request.path.substr(api::kWhipPath.size() + 1);
    if (const auto tag = call.request.headers.find("If-Match")) request.if_match = *tag;
    request.body = call.request.body;
    if (call.request.method == "DELETE")
        return backend_.remove(std::move(request), answer_to(std::move(call)));
    backend_.patch(std::move(request), answer_to(std::move(call)));
}

}  // namespace confab::control
