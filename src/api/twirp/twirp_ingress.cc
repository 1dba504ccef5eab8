// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Ingress (01 API-25, API-26) of a node that reaches ingress services.
#include "api/services/ingress_port.h"
#include "api/twirp/twirp_call.h"

namespace confab::api {
namespace {

// differs from upstream, which knows no tenants: the service joins with a key of the operator's.
constexpr auto kNeedsAdmin = [](const token::Grants* grants, const auto&) -> CheckResult {
    if (auto error = require_flag(grants, &token::VideoGrant::ingress_admin)) return error;
    if (grants->tenant.empty()) return std::nullopt;
    return service_error(ErrorCode::kUnimplemented,
                         "ingresses into the rooms of a tenant are not possible yet");
};

}  // namespace

void add_ingress(TwirpMethods& methods, IngressPort& port) {
    using namespace livekit;
    const ServiceMethods service{methods, "livekit.Ingress"};
    service.add<CreateIngressRequest, IngressInfo>(
        "CreateIngress", kNeedsAdmin,
        [&port](const CallContext& context, const auto& request, Reply<IngressInfo> reply) {
            port.create(context, request, std::move(reply));
        });
    service.add<UpdateIngressRequest, IngressInfo>(
        "UpdateIngress", kNeedsAdmin,
        [&port](const CallContext& context, const auto& request, Reply<IngressInfo> reply) {
            port.update(context, request, std::move(reply));
        });
    service.add<ListIngressRequest, ListIngressResponse>(
        "ListIngress", kNeedsAdmin,
        [&port](const CallContext& context, const auto& request, Reply<ListIngressResponse> reply) {
            port.list(context, request, std::move(reply));
        });
    service.add<DeleteIngressRequest, IngressInfo>(
        "DeleteIngress", kNeedsAdmin,
        [&port](const CallContext& context, const auto& request, Reply<IngressInfo> reply) {
            port.remove(context, request, std::move(reply));
        });
}

}  // namespace confab::api
