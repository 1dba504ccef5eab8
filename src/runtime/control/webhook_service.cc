// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/webhook_service.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "token/room_key.h"

namespace confab::control {
namespace {

constexpr std::uint32_t kUsualLimit = 100;

api::ServiceError no_outbox() {
    return api::native_error(api::ErrorCode::kFailedPrecondition,
                             "there is no outbox of webhooks: set confab.data_dir to a folder that "
                             "can be written");
}
api::ServiceError failed(const std::string& text) {
    return api::native_error(api::ErrorCode::kUnavailable, text);
}

// Beyond what the store counts in, nothing is found.
std::uint64_t bounded(std::uint64_t number) {
    return std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max());
}
UnixTime time_of(std::int64_t seconds) {
    constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max() / 1'000'000;
    return UnixTime::seconds(std::min(seconds, kLast));
}

template <typename Request>
store::WebhookQuery query_of(const Request& request) {
    const confab::WebhookSelection& selection = request.selection();
    store::WebhookQuery query;
    query.ids.assign(selection.ids().begin(), selection.ids().end());
    query.url = selection.url();
    if (!selection.key().empty()) query.key = token::room_key(selection.tenant(), selection.key());
    if (!selection.tenant().empty()) query.key_prefix = token::tenant_prefix(selection.tenant());
    query.event = selection.event();
    query.since_sequence = bounded(selection.since_sequence());
    query.since = time_of(selection.since());
    for (const int state : selection.states())
        query.states |= 1U << (static_cast<unsigned>(state) & 7U);
    query.after = bounded(request.after());
    query.limit = request.limit() == 0 ? kUsualLimit : request.limit();
    return query;
}

void fill(confab::WebhookDelivery& out, const store::WebhookRow& row) {
    out.set_number(row.event.number);
    out.set_id(row.event.id);
    out.set_event(row.event.event);
    out.set_url(row.event.url);
    const token::RoomName key = token::split_room_key(row.event.key);
    out.set_key(std::string(key.name));
    out.set_tenant(std::string(key.tenant));
    out.set_sequence(row.event.sequence);
    out.set_state(static_cast<confab::WebhookState>(row.mark.state));
    out.set_created_at(row.event.created.s());
    out.set_settled_at(row.settled.s());
    out.set_attempts(static_cast<std::uint32_t>(row.mark.attempts));
    out.set_status(static_cast<std::uint32_t>(row.mark.status));
}

}  // namespace

void WebhookService::list_events(const confab::ListWebhookEventsRequest& request,
                                 api::Reply<confab::ListWebhookEventsResponse> reply) {
    store::WebhookWriter* const outbox = sender_.outbox();
    if (outbox == nullptr) return reply(tl::make_unexpected(no_outbox()));
    outbox->list(query_of(request),
                 [reply = std::move(reply)](Result<store::WebhookPage, std::string> page) mutable {
                     if (!page) return reply(tl::make_unexpected(failed(page.error())));
                     confab::ListWebhookEventsResponse response;
                     for (const store::WebhookRow& row : page->rows)
                         fill(*response.add_events(), row);
                     response.set_next(page->next);
                     reply(std::move(response));
                 });
}

void WebhookService::replay_events(const confab::ReplayWebhookEventsRequest& request,
                                   api::Reply<confab::ReplayWebhookEventsResponse> reply) {
    store::WebhookWriter* const outbox = sender_.outbox();
    if (outbox == nullptr) return reply(tl::make_unexpected(no_outbox()));
    const std::string& to_url = request.to_url();
    if (!to_url.empty() && !sender_.is_configured(to_url))
        return reply(tl::make_unexpected(api::native_error(api::ErrorCode::kInvalidArgument,
                                                           "to_url is not one of webhook.urls")));
    store::WebhookQuery query = query_of(request);
    query.with_pending = !to_url.empty();
    // The copies that pages before this one made, and what it had anyway.
    query.except_url = to_url;
    outbox->replay(std::move(query), [this, to_url, reply = std::move(reply)](
                                         Result<store::WebhookPage, std::string> page) mutable {
        if (!page) return reply(tl::make_unexpected(failed(page.error())));
        const std::size_t all = page->rows.size();
        std::vector<api::OutboxReplay> events;
        events.reserve(all);
        for (store::WebhookRow& row : page->rows)
            events.push_back({std::move(row.event), row.mark});
        const std::size_t replayed = sender_.replay(std::move(events), to_url);
        confab::ReplayWebhookEventsResponse response;
        response.set_replayed(static_cast<std::uint32_t>(replayed));
        response.set_refused(static_cast<std::uint32_t>(all - replayed));
        response.set_next(page->next);
        reply(std::move(response));
    });
}

}  // namespace confab::control
