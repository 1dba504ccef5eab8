// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SignalEndpoint: joins and their validate twins (01 CON-22, CON-30).
#include <optional>
#include <utility>

#include "runtime/control/routes/endpoints.h"

namespace confab::control {

namespace {

using Refusal = std::optional<api::HttpError>;

api::Join join_of(const api::JoinParams& params) {
    return {params.grants.api_key, params.room_name, params.grants.identity, params.reconnect};
}

}  // namespace

void SignalEndpoint::serve(Call call) {
    const api::JoinPath path = api::parse_join_path(call.request.path);
    // A request that is no upgrade gets 404 with an empty body (CON-30).
    if (!api::is_validate(path) && !call.request.is_websocket_upgrade)
        return call.respond(net::HttpResponse{404, {}, {}});
    const std::string address = call.client_address();
    api::JoinHttpRequest request;
    request.path = path;
    request.query = &call.query;
    request.grants = call.grants ? &*call.grants : nullptr;
    request.user_agent = call.request.headers.get("User-Agent");
    request.client_address = address;
    request.revocations = &revocations_;
    auto params = api::validate_join(request, options_);
    if (!params) {
        if (!api::is_validate(path)) {
            metrics_.add(telemetry::Metric::kParticipantJoinTotal, {"signal_validation_failed"});
            if (refused_) refused_(call, params.error());
        }
        return call.respond(api::to_response(params.error()));
    }
    if (api::is_validate(path)) return validate(std::move(call), *std::move(params));
    start(std::move(call), *std::move(params));
}

void SignalEndpoint::validate(Call call, api::JoinParams params) {
    if (const auto refusal = gate_.would_refuse_join(call, join_of(params)))
        return call.respond(*refusal);
    backend_.validate(std::move(params), [call = std::move(call)](const Refusal& refusal) mutable {
        if (refusal) return call.respond(api::to_response(*refusal));
        call.respond_text(200, "success");
    });
}

void SignalEndpoint::start(Call call, api::JoinParams params) {
    auto refusal = gate_.refuse_join(call, join_of(params));
    if (!refusal) refusal = gate_.take_place(call);
    if (refusal) {
        metrics_.add(telemetry::Metric::kParticipantJoinTotal, {"signal_validation_failed"});
        if (refused_) refused_(call, {refusal->status, refusal->body});
        return call.respond(*refusal);
    }
    params.signal_rate = gate_.signals(call);
    net::HttpHeaders headers;
    for (const api::HttpHeader& header : call.cors)
        headers.add(header.name, header.value);
    backend_.start(std::move(params), std::move(call.exchange), std::move(headers));
}

}  // namespace confab::control
