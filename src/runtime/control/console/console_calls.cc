// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/console/console_calls.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "config/print.h"
#include "console/requests.h"
#include "console/views.h"
#include "json/json.h"
#include "runtime/control/console/console_answers.h"
#include "runtime/net/event_loop.h"
#include "token/room_key.h"

namespace confab::control {
namespace {

// As TwirpEndpoint: a call out that waits for its answer takes 80 s by itself.
constexpr Duration kAnswerLimit = Duration::seconds(100);
constexpr std::size_t kMaxName = 256;  // of rooms and identities that are noted

struct Named {
    std::string room;
    std::string destination;
    std::string identity;
};

// Whom the body is about; names of fields in both forms that Twirp takes (01 API-W2).
Named named_in(std::string_view body) {
    const auto value = json::parse(body);
    if (!value || value->kind != json::Kind::kObject) return {};
    const auto text = [&](std::initializer_list<std::string_view> names) -> std::string {
        for (const std::string_view name : names)
            if (const json::Value* found = value->find(name);
                found != nullptr && found->kind == json::Kind::kString)
                return found->string;
        return {};
    };
    return {text({"room", "room_name", "roomName", "name"}),
            text({"destination_room", "destinationRoom"}),
            text({"identity", "participant_identity", "participantIdentity", "destination_identity",
                  "destinationIdentity"})};
}

// What a token for that room gives that may do everything there.
token::Grants grants_for(const console::Session& session, const Named& named,
                         std::string_view tenant) {
    token::Grants grants;
    grants.identity = "console:" + session.name;
    grants.tenant = tenant;
    token::VideoGrant& video = grants.video.emplace();
    video.room_create = video.room_list = video.room_record = video.room_admin = true;
    video.ingress_admin = true;
    video.room = named.room;
    video.destination_room = named.destination;
    grants.sip.emplace(token::SipGrant{true, true});
    grants.agent.emplace(token::AgentGrant{true, false, false});
    return grants;
}

bool only_looks(std::string_view method) {
    return method.starts_with("List") || method.starts_with("Get");
}

std::string message_of(const api::HttpResponse& response) {
    const auto body = json::parse(response.body);
    const json::Value* const message =
        body && body->kind == json::Kind::kObject ? body->find("msg") : nullptr;
    if (message == nullptr || message->kind != json::Kind::kString)
        return response.body.substr(0, kMaxName);
    constexpr std::string_view kWrapped = "twirp error unknown: ";  // 01 API-W5
    return message->string.substr(message->string.starts_with(kWrapped) ? kWrapped.size() : 0);
}

console::DeliveryView view_of(const store::WebhookRow& row) {
    console::DeliveryView view;
    view.id = row.event.id;
    view.at = row.event.created;
    view.url = config::without_credentials(row.event.url);
    view.event = row.event.event;
    view.room = token::split_room_key(row.event.key).name;
    view.attempts = row.mark.attempts;
    view.state = row.mark.state == api::OutboxState::kDelivered ? "delivered"
                 : row.mark.state == api::OutboxState::kGivenUp ? "failed"
                                                                : "waiting";
    view.status = row.mark.status;
    return view;
}

}  // namespace

void ConsoleCalls::call(Call from, const console::Session& session) {
    const std::string_view rest = std::string_view(from.request.path).substr(kPrefix.size());
    const std::size_t slash = rest.find('/');
    const std::string service(rest.substr(0, slash));
    const std::string method(slash == rest.npos ? std::string_view() : rest.substr(slash + 1));
    const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    if (service.empty() || method.empty() ||
        !std::all_of(service.begin(), service.end(), is_letter))
        return answer_error(from, 404, "name a service and its method: …/RoomService/ListRooms");
    const auto pending = std::make_shared<Call>(std::move(from));
    pending->exchange.answer_within(kAnswerLimit);
    const std::string tenant(pending->query.get("tenant"));
    const Named named = named_in(pending->request.body);
    const token::Grants grants = grants_for(session, named, tenant);
    const std::string path = "/twirp/" +
                             std::string(service == "Webhooks" ? "confab." : "livekit.") + service +
                             "/" + method;
    api::CallContext context;
    context.now = net::EventLoop::now();
    console::Event done{net::EventLoop::wall(),
                        only_looks(method) ? "" : "action",
                        service + "/" + method,
                        token::room_key(tenant, named.room.substr(0, kMaxName)),
                        named.identity.substr(0, kMaxName),
                        session.name};
    router_.handle(
        {"POST", path, api::kApplicationJson, pending->request.body, &grants}, context,
        [this, pending, done = std::move(done)](const api::HttpResponse& response) mutable {
            answer(*pending, std::move(done), response);
        });
}

void ConsoleCalls::answer(Call& call, console::Event done, const api::HttpResponse& response) {
    const bool fine = response.status == 200;
    const std::string why = fine ? std::string() : message_of(response);
    if (!done.kind.empty()) {
        if (!fine) done.text += " failed: " + why;
        told_(std::move(done));
    }
    if (fine) return answer_json(call, response.body);
    const bool unknown = response.status == 404 && why.starts_with("404 page");
    answer_error(call, response.status,
                 unknown ? std::string_view("there is no such service") : std::string_view(why));
}

void ConsoleCalls::list_webhooks(Call call) {
    store::WebhookWriter* const outbox = sender_.outbox();
    if (outbox == nullptr)
        return answer_error(call, 412,
                            "webhooks are kept in memory only: set confab.data_dir to a folder "
                            "that can be written to see them here");
    store::WebhookQuery query;
    query.newest_first = true;
    query.limit = console::webhooks_limit(call.query);
    const auto pending = std::make_shared<Call>(std::move(call));
    outbox->list(std::move(query), [pending](Result<store::WebhookPage, std::string> page) {
        if (!page) return answer_error(*pending, 503, page.error());
        std::vector<console::DeliveryView> views;
        views.reserve(page->rows.size());
        for (const store::WebhookRow& row : page->rows)
            views.push_back(view_of(row));
        answer_json(*pending, console::to_json(views));
    });
}

void ConsoleCalls::replay_webhook(Call call, const console::Session& session) {
    const auto body = console::parse_replay(call.request.body);
    if (!body) return answer_error(call, 400, R"(the body is {"id":"EV_…"})");
    confab::ReplayWebhookEventsRequest request;
    request.mutable_selection()->add_ids(body->id);
    request.mutable_selection()->set_url(body->url);
    console::Event done{
        net::EventLoop::wall(), "action", "webhook sent again: " + body->id, {}, {}, session.name};
    const auto pending = std::make_shared<Call>(std::move(call));
    webhooks_.replay_events(
        request,
        [this, pending, done = std::move(done)](
            Result<confab::ReplayWebhookEventsResponse, api::ServiceError> replayed) mutable {
            if (!replayed) return answer_error(*pending, 412, replayed.error().message);
            if (replayed->replayed() == 0)
                return answer_error(*pending, 404,
                                    "there is no such event any more, or it waits to be sent");
            told_(std::move(done));
            answer_json(*pending, R"({"replayed":)" + std::to_string(replayed->replayed()) + "}");
        });
}

}  // namespace confab::control
