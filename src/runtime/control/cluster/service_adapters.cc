// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/service_adapters.h"

#include <utility>

namespace confab::control {

namespace services = cluster::services;

namespace {

services::Refusal from_api(const api::ServiceError& error) {
    services::Refusal refusal{api::bus_error(error), false};
    refusal.is_plain = refusal.error.text.size() == error.message.size();
    return refusal;
}

}  // namespace

services::Caller caller(const api::CallContext& context) {
    return {context.now, context.timeout};
}

api::ServiceError to_api(const services::Refusal& refusal) {
    api::ServiceError error = api::service_error(refusal.error);
    if (refusal.is_plain) error.message = refusal.error.text;
    return error;
}

decltype(services::EgressService::Parts::set_metadata) metadata_by(api::RoomServicePort& rooms) {
    return [&rooms](const services::Caller& caller, const std::string& room,
                    const std::string& identity, const std::string& metadata,
                    services::EgressService::Parts::Changed changed) {
        livekit::UpdateParticipantRequest request;
        request.set_room(room);
        request.set_identity(identity);
        request.set_metadata(metadata);
        using Answer = Result<livekit::ParticipantInfo, api::ServiceError>;
        rooms.update_participant({caller.now, caller.timeout}, request,
                                 [changed = std::move(changed)](const Answer& answer) mutable {
                                     if (!answer) return changed(fail(from_api(answer.error())));
                                     changed({});
                                 });
    };
}

void EgressAdapter::start(const api::CallContext& context, const ::rpc::StartEgressRequest& request,
                          api::Reply<livekit::EgressInfo> reply) {
    service_.start(caller(context), request, done(std::move(reply)));
}
void EgressAdapter::update_layout(const api::CallContext& context,
                                  const livekit::UpdateLayoutRequest& request,
                                  api::Reply<livekit::EgressInfo> reply) {
    service_.update_layout(caller(context), request, done(std::move(reply)));
}
void EgressAdapter::update_stream(const api::CallContext& context,
                                  const livekit::UpdateStreamRequest& request,
                                  api::Reply<livekit::EgressInfo> reply) {
    service_.update_stream(caller(context), request, done(std::move(reply)));
}
void EgressAdapter::stop(const api::CallContext& context, const livekit::StopEgressRequest& request,
                         api::Reply<livekit::EgressInfo> reply) {
    service_.stop(caller(context), request, done(std::move(reply)));
}
void EgressAdapter::list(const api::CallContext& context, const livekit::ListEgressRequest& request,
                         api::Reply<livekit::ListEgressResponse> reply) {
    service_.list(caller(context), request, done(std::move(reply)));
}

void IngressAdapter::create(const api::CallContext& context,
                            const livekit::CreateIngressRequest& request,
                            api::Reply<livekit::IngressInfo> reply) {
    service_.create(caller(context), request, done(std::move(reply)));
}
void IngressAdapter::update(const api::CallContext& context,
                            const livekit::UpdateIngressRequest& request,
                            api::Reply<livekit::IngressInfo> reply) {
    service_.update(caller(context), request, done(std::move(reply)));
}
void IngressAdapter::list(const api::CallContext& context,
                          const livekit::ListIngressRequest& request,
                          api::Reply<livekit::ListIngressResponse> reply) {
    service_.list(caller(context), request, done(std::move(reply)));
}
void IngressAdapter::remove(const api::CallContext& context,
                            const livekit::DeleteIngressRequest& request,
                            api::Reply<livekit::IngressInfo> reply) {
    service_.remove(caller(context), request, done(std::move(reply)));
}

}  // namespace confab::control
