// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The services of cluster/services as ports of the API.
#pragma once

#include <utility>

#include "api/services/egress_port.h"
#include "api/services/ingress_port.h"
#include "cluster/services/egress_service.h"
#include "cluster/services/ingress_service.h"
#include "cluster/services/outcome.h"

namespace confab::control {

// API-W5: with the prefix of services, unless the text is plain.
api::ServiceError to_api(const cluster::services::Refusal& refusal);

cluster::services::Caller caller(const api::CallContext& context);

// Replies with what an operation ended with.
template <typename T>
cluster::services::Done<T> done(api::Reply<T> reply) {
    return [reply = std::move(reply)](Result<T, cluster::services::Refusal> result) mutable {
        if (!result) return reply(tl::make_unexpected(to_api(result.error())));
        reply(*std::move(result));
    };
}

// Sets metadata as UpdateParticipant does; `rooms` are those of all nodes and outlive it.
decltype(cluster::services::EgressService::Parts::set_metadata) metadata_by(
    api::RoomServicePort& rooms);

class EgressAdapter final : public api::EgressPort {
  public:
    // It outlives this.
    explicit EgressAdapter(cluster::services::EgressService& service) : service_(service) {}

    void start(const api::CallContext&, const ::rpc::StartEgressRequest&,
               api::Reply<livekit::EgressInfo>) override;
    void update_layout(const api::CallContext&, const livekit::UpdateLayoutRequest&,
                       api::Reply<livekit::EgressInfo>) override;
    void update_stream(const api::CallContext&, const livekit::UpdateStreamRequest&,
                       api::Reply<livekit::EgressInfo>) override;
    void stop(const api::CallContext&, const livekit::StopEgressRequest&,
              api::Reply<livekit::EgressInfo>) override;
    void list(const api::CallContext&, const livekit::ListEgressRequest&,
              api::Reply<livekit::ListEgressResponse>) override;

  private:
    cluster::services::EgressService& service_;
};

class IngressAdapter final : public api::IngressPort {
  public:
    // It outlives this.
    explicit IngressAdapter(cluster::services::IngressService& service) : service_(service) {}

    void create(const api::CallContext&, const livekit::CreateIngressRequest&,
                api::Reply<livekit::IngressInfo>) override;
    void update(const api::CallContext&, const livekit::UpdateIngressRequest&,
                api::Reply<livekit::IngressInfo>) override;
    void list(const api::CallContext&, const livekit::ListIngressRequest&,
              api::Reply<livekit::ListIngressResponse>) override;
    void remove(const api::CallContext&, const livekit::DeleteIngressRequest&,
                api::Reply<livekit::IngressInfo>) override;

  private:
    cluster::services::IngressService& service_;
};

}  // namespace confab::control
