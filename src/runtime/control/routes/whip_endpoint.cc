// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WhipEndpoint: publishing by HTTP (01 CON-60, CON-61; RFC 9725).
#include <algorithm>
#include <string>
#include <utility>

#include "api/join/client_info.h"
#include "runtime/control/routes/endpoints.h"
#include "runtime/control/signal/local_signal_backend.h"
#include "token/permission.h"

namespace confab::control {
namespace {

// Clients say no version; this one has everything that a client without signalling can use.
constexpr int kProtocol = 17;

api::HttpResponse nobody_answers(std::string_view content_type) {
    return api::whip_error({503, "no response from servers"}, content_type);
}

}  // namespace

void WhipEndpoint::serve(Call call) {
    const std::string& method = call.request.method;
    const bool collection = call.request.path == api::kWhipPath;
    if (method == "OPTIONS") return call.respond_text(200, "");
    if (method == "POST" && collection) return create(std::move(call));
    if (!collection && (method == "PATCH" || method == "DELETE")) return change(std::move(call));
    if (method == "GET" && !collection) return call.respond_text(204, "");
    call.respond_text(405, "405 method not allowed\n");
}

void WhipEndpoint::refuse(Call& call, const api::HttpError& error) {
    call.respond(api::whip_error(error, call.request.headers.get("Content-Type")));
}

Result<void, api::HttpError> WhipEndpoint::check_grants(const Call& call) const {
    return api::check_join_grants(call.grants ? &*call.grants : nullptr, &node_.revocations(),
                                  options_);
}

Result<WhipEndpoint::Wish, api::HttpError> WhipEndpoint::read(const Call& call) const {
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
    if (over_limit_ && over_limit_())
        return tl::make_unexpected(api::HttpError{503, "node has exceeded its configured limit"});
    Wish wish;
    wish.room_must_exist = !options_.auto_create && !video.room_create;
    wish.join.awaited = std::move(awaited);
    room::JoinParams& params = wish.join.params;
    params.room = token::room_key(*call.grants);
    params.grants = *call.grants;
    params.client.set_protocol(kProtocol);
    api::complete_client_info(params.client, call.request.headers.get("User-Agent"),
                              call.client_address());
    params.single_connection = true;
    params.auto_subscribe = offer.receiving > 0;
    params.disable_ice_lite = true;
    params.publisher_offer.emplace();
    params.publisher_offer->set_type("offer");
    params.publisher_offer->set_sdp(call.request.body);
    params.publisher_offer->set_id(api::WhipSession::kFirstOffer);
    params.add_track_requests = offer.tracks;
    wish.join.offer = std::move(offer);
    return wish;
}

void WhipEndpoint::create(Call call) {
    if (call.request.headers.get("Content-Type") != api::kApplicationSdp)
        return call.respond(
            api::whip_error({400, "content-type must be application/sdp"}, api::kTextPlain));
    auto wish = read(call);
    if (!wish) return refuse(call, wish.error());
    if (!check_room_) return create_here(std::move(call), *std::move(wish));
    const std::string room = wish->join.params.room;
    check_room_(room, [this, call = std::move(call), wish = *std::move(wish)](bool here) mutable {
        if (here) return create_here(std::move(call), std::move(wish));
        refuse(call, {503, "the room is on another node of the cluster: publish there"});
    });
}

void WhipEndpoint::create_here(Call call, Wish wish) {
    const std::size_t shard = node_.shard_of(wish.join.params.room);
    wish.join.request = ++requests_;
    if (!wish.join.awaited.empty()) end_with(call, shard, wish.join);
    node_.ask<api::HttpResponse>(
        shard,
        [wish = std::move(wish)](ControlPlane& plane, WhipSessions::Reply reply) mutable {
            if (wish.room_must_exist && !plane.rooms().has_room(wish.join.params.room))
                return reply(
                    api::whip_error({404, "requested room does not exist"}, api::kApplicationSdp));
            plane.whip().create(std::move(wish.join), std::move(reply));
        },
        [call = std::move(call)](std::optional<api::HttpResponse> response) mutable {
            call.respond(response ? *std::move(response) : nobody_answers(api::kApplicationSdp));
        });
}

// Tracks that are waited for are for nobody when the client has gone. Whoever gets an answer at
// once may close its sending side before that.
void WhipEndpoint::end_with(Call& call, std::size_t shard, const WhipJoin& join) {
    call.exchange.on_gone([this, shard, room = join.params.room,
                           identity = join.params.grants.identity, request = join.request] {
        node_.run_in(shard, [room, identity, request](ControlPlane& plane) {
            plane.whip().abandon(room, identity, request);
        });
    });
}

void WhipEndpoint::change(Call call) {
    if (auto allowed = check_grants(call); !allowed) return refuse(call, allowed.error());
    WhipRequest request;
    request.room = token::room_key(*call.grants);
    request.identity = call.grants->identity;
    if (const auto tag = call.request.headers.find("If-Match")) request.if_match = *tag;
    request.content_type = call.request.headers.get("Content-Type");
    request.body = call.request.body;
    const bool removes = call.request.method == "DELETE";
    const std::size_t shard = node_.shard_of(request.room);
    node_.ask<api::HttpResponse>(
        shard,
        [removes, request = std::move(request)](ControlPlane& plane, WhipSessions::Reply reply) {
            if (removes) return plane.whip().remove(request, std::move(reply));
            plane.whip().patch(request, std::move(reply));
        },
        [call = std::move(call)](std::optional<api::HttpResponse> response) mutable {
            call.respond(response ? *std::move(response)
                                  : nobody_answers(call.request.headers.get("Content-Type")));
        });
}

}  // namespace confab::control
