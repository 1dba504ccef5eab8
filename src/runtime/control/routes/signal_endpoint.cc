// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SignalEndpoint: joins and their validate twins (01 CON-22, CON-30).
#include <optional>
#include <utility>

#include "runtime/control/routes/endpoints.h"

namespace confab::control {

using Refusal = std::optional<api::HttpError>;

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
        if (!api::is_validate(path))
            metrics_.add(telemetry::Metric::kParticipantJoinTotal, {"signal_validation_failed"});
        return call.respond(api::to_response(params.error()));
    }
    if (api::is_validate(path))
        return backend_.validate(std::move(*params),
                                 [call = std::move(call)](const Refusal& refusal) mutable {
                                     if (refusal) return call.respond(api::to_response(*refusal));
                                     call.respond_text(200, "success");
                                 });
    net::HttpHeaders headers;
    for (const api::HttpHeader& header : call.cors)
        headers.add(header.name, header.value);
    backend_.start(std::move(*params), std::move(call.exchange), std::move(headers));
}

}  // namespace confab::control
