// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/routes/endpoints.h"

namespace confab::control {

void SignalEndpoint::serve(Call call) {
    const api::JoinPath path = api::parse_join_path(call.request.path);
    // A request that is no upgrade gets 404 with an empty body (CON-30).
    if (!api::is_validate(path) && !call.request.is_websocket_upgrade)
        return call.respond_text(404, "");
    const std::string address = call.client_address();
    api::JoinHttpRequest request;
    request.path = path;
    request.query = &call.query;
    request.grants = call.grants ? &*call.grants : nullptr;
    request.user_agent = call.request.headers.get("User-Agent");
    request.client_address = address;
    const auto params = api::validate_join(request, options_, directory_);
    if (!params) {
        if (!api::is_validate(path))
            metrics_.add(telemetry::Metric::kParticipantJoinTotal, {"signal_validation_failed"});
        return call.respond(api::to_response(params.error()));
    }
    if (api::is_validate(path)) return validate(call, to_room(*params));
    net::HttpHeaders headers;
    for (const api::HttpHeader& header : call.cors)
        headers.add(header.name, header.value);
    control_.sessions().start(to_room(*params), std::move(call.exchange), std::move(headers));
}

// Browsers show no status of a refused upgrade: what is wrong, livekit-client learns here (CON-22).
// Oversize metadata passes as upstream; a full room does not.
void SignalEndpoint::validate(Call& call, const room::JoinParams& params) {
    const auto refusal = control_.rooms().admission(params);
    if (refusal && refusal->status == 403) return call.respond_text(403, refusal->text);
    call.respond_text(200, "success");
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
    return result;
}

}  // namespace confab::control
