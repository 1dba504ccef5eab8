// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/signal/local_signal_backend.h"

namespace confab::control {
namespace {

// CON-32. Nobody may create it, and it is not there; whoever comes back finds it gone, too, but who
// was moved out of it does not.
std::optional<api::HttpError> refusal_of_room(const room::RoomManager& rooms,
                                              const api::JoinParams& params) {
    if (params.room_must_exist && !has_room_for(rooms, to_room(params)))
        return api::HttpError{404, "requested room does not exist"};
    return std::nullopt;
}

void refuse(ControlPlane& shard, const api::JoinParams& params, const api::HttpError& error,
            net::HttpExchange& exchange, const net::HttpHeaders& headers) {
    shard.metrics().add(telemetry::Metric::kParticipantJoinTotal, {"signal_validation_failed"});
    if (!params.reconnect) {
        room::RoomNote note{room::RoomNote::What::kRefused, net::EventLoop::wall(),
                            params.room_name};
        note.identity = params.grants.identity;
        note.status = error.status;
        note.text = error.text;
        shard.note(std::move(note));
    }
    net::HttpResponse response = net::HttpResponse::text(error.status, error.text);
    for (const net::HttpHeader& header : headers)
        response.headers.add(header.name, header.value);
    exchange.respond(std::move(response));
}

// In the shard of the room.
void start_in(ControlPlane& shard, const api::JoinParams& params, net::HttpExchange exchange,
              net::HttpHeaders headers) {
    if (const auto refusal = refusal_of_room(shard.rooms(), params))
        return refuse(shard, params, *refusal, exchange, headers);
    shard.sessions().start(to_room(params), std::move(exchange), std::move(headers));
}

// Browsers show no status of a refused upgrade: what is wrong, livekit-client learns here (CON-22).
// Oversize metadata passes as upstream; a full room does not.
std::optional<api::HttpError> validate_in(ControlPlane& shard, const api::JoinParams& params) {
    if (auto refusal = refusal_of_room(shard.rooms(), params)) return refusal;
    auto refusal = shard.rooms().admission(to_room(params));
    if (!refusal || refusal->status != 403) return std::nullopt;
    return api::HttpError{refusal->status, std::move(refusal->text)};
}

}  // namespace

// CON-32. differs from upstream: who reconnects is part of the node's load already, or is refused
// by the room; a full node does not end running calls.
std::optional<api::HttpError> LocalSignalBackend::refusal_of_node(
    const api::JoinParams& params) const {
    if (params.reconnect || !over_limit_ || !over_limit_()) return std::nullopt;
    return api::HttpError{503, "node has exceeded its configured limit"};
}

void LocalSignalBackend::start(api::JoinParams params, net::HttpExchange exchange,
                               net::HttpHeaders headers) {
    if (const auto refusal = refusal_of_node(params))
        return refuse(node_.first(), params, *refusal, exchange, headers);
    ControlPlane& shard = node_.shard(node_.shard_of(params.room_name));
    exchange.move_to(shard.loop(), [&shard, params = std::move(params),
                                    headers = std::move(headers)](net::HttpExchange moved) mutable {
        start_in(shard, params, std::move(moved), std::move(headers));
    });
}

void LocalSignalBackend::validate(api::JoinParams params,
                                  Callback<std::optional<api::HttpError>> reply) {
    if (auto refusal = refusal_of_node(params)) return reply(std::move(refusal));
    using Refusal = std::optional<api::HttpError>;
    const std::size_t shard = node_.shard_of(params.room_name);
    node_.ask<Refusal>(
        shard,
        [params = std::move(params)](ControlPlane& plane, Callback<Refusal> answer) {
            answer(validate_in(plane, params));
        },
        [reply = std::move(reply)](std::optional<Refusal> refusal) mutable {
            reply(refusal ? *std::move(refusal) : api::HttpError{503, "no response from servers"});
        });
}

room::JoinParams to_room(const api::JoinParams& params) {
    room::JoinParams result;
    result.room = params.room_name;
    result.grants = params.grants;
    result.client = params.client;
    result.single_connection = params.single_peer_connection;
    result.auto_subscribe = params.auto_subscribe;
    result.auto_subscribe_data_track = params.auto_subscribe_data_track;
    result.adaptive_stream = params.adaptive_stream;
    result.subscriber_allow_pause = params.subscriber_allow_pause;
    result.disable_ice_lite = params.disable_ice_lite;
    result.reconnect = params.reconnect;
    result.reconnect_reason = params.reconnect_reason;
    result.participant_sid = params.participant_sid;
    result.publisher_offer = params.publisher_offer;
    result.add_track_requests = params.add_track_requests;
    result.signal_rate = params.signal_rate;
    return result;
}

}  // namespace confab::control
