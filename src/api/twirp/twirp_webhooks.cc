// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The service Webhooks of our own: it tells of all rooms, so its grant is that of all rooms.
#include <algorithm>
#include <string>

#include "api/twirp/twirp_call.h"
#include "api/webhook/webhook_port.h"

namespace confab::api {
namespace {

constexpr std::uint32_t kMaxEvents = 1000;  // of a page, and ids in a request
constexpr std::size_t kMaxIdLength = 64;    // those of events have 15

CheckResult require_node_admin(const token::Grants* grants) {
    if (grants != nullptr && grants->video && grants->video->room_admin &&
        grants->video->room_list && grants->video->room.empty())
        return std::nullopt;
    return permission_error();
}

template <typename Request>
CheckResult check_page(const token::Grants* grants, const Request& request) {
    if (CheckResult refused = require_node_admin(grants)) return refused;
    if (request.limit() > kMaxEvents)
        return argument_error("limit", "is at most " + std::to_string(kMaxEvents));
    if (request.selection().ids().size() > static_cast<int>(kMaxEvents))
        return argument_error("ids", "are at most " + std::to_string(kMaxEvents));
    const auto& ids = request.selection().ids();
    if (std::any_of(ids.begin(), ids.end(),
                    [](const std::string& id) { return id.size() > kMaxIdLength; }))
        return argument_error("ids", "have at most " + std::to_string(kMaxIdLength) + " bytes");
    if (request.selection().since() < 0) return argument_error("since", "is negative");
    return std::nullopt;
}

CheckResult check_replay(const token::Grants* grants,
                         const confab::ReplayWebhookEventsRequest& request) {
    if (CheckResult refused = check_page(grants, request)) return refused;
    const confab::WebhookSelection& what = request.selection();
    if (!what.ids().empty() || what.since_sequence() > 0 || what.since() > 0) return std::nullopt;
    return argument_error("selection", "needs ids, since_sequence or since");
}

// A tenant has its own events and no others; the operator all.
template <typename Request>
Request of_caller(const CallContext& context, Request request) {
    if (!context.tenant.empty()) request.mutable_selection()->set_tenant(context.tenant);
    return request;
}

}  // namespace

void add_webhooks(TwirpMethods& methods, WebhookPort& port) {
    using namespace confab;
    const ServiceMethods service(methods, "confab.Webhooks");
    service.add<ListWebhookEventsRequest, ListWebhookEventsResponse>(
        "ListEvents", check_page<ListWebhookEventsRequest>,
        [&port](const CallContext& context, const auto& request, auto reply) {
            port.list_events(of_caller(context, request), std::move(reply));
        });
    service.add<ReplayWebhookEventsRequest, ReplayWebhookEventsResponse>(
        "ReplayEvents", check_replay,
        [&port](const CallContext& context, const auto& request, auto reply) {
            port.replay_events(of_caller(context, request), std::move(reply));
        });
}

}  // namespace confab::api
