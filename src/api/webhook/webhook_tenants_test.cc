// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whose events are told to whom, and that the queues of tenants are apart.
#include <doctest/doctest.h>

#include <map>

#include "api/webhook/webhook_queue.h"

namespace confab::api {
namespace {

constexpr UnixTime kWall = UnixTime::seconds(1'800'000'000);
constexpr Timestamp kNow = Timestamp::micros(1'000'000);

token::KeyMap keys(const std::string& tenant_of_hook = "") {
    token::KeyMap::Texts secrets;
    for (const char* name : {"hook", "keyB"})
        secrets[name] = std::string("a-secret-of-thirty-two-characters-") + name;
    token::KeyMap result(std::move(secrets));
    token::KeyMap::Texts tenants{{"keyB", "globex"}};
    if (!tenant_of_hook.empty()) tenants["hook"] = tenant_of_hook;
    result.set_tenants(std::move(tenants));
    return result;
}

WebhookOptions options() {
    WebhookOptions out;
    out.urls = {"http://a"};
    out.api_key = "hook";
    return out;
}

livekit::WebhookEvent event(const std::string& room, const std::string& id) {
    livekit::WebhookEvent out;
    out.set_event("room_started");
    out.set_id(id);
    out.mutable_room()->set_name(room);
    return out;
}

std::string header(const WebhookRequest& request, std::string_view name) {
    return std::string(find_header({0, request.headers, {}}, name));
}
// Tenants by the bodies of all requests that can be sent now; each is answered.
std::map<std::string, std::string> sent(WebhookQueue& queue, const token::KeyProvider& known) {
    std::map<std::string, std::string> result;
    while (const auto request = queue.poll_request(kNow, kWall)) {
        const auto grants = token::verify_token(header(*request, "Authorization"), known, kWall);
        REQUIRE(grants);
        const std::string tenant = header(*request, "X-Confab-Tenant");
        const auto claim = grants->attributes.find(kTenantAttribute);
        CHECK((claim == grants->attributes.end() ? "" : claim->second) == tenant);
        result[request->body] = tenant;
        queue.handle_response(kNow, request->id, 200);
    }
    return result;
}

}  // namespace

TEST_CASE("WebhookQueue: the operator's key is told of all, and of whom each is [TEN-10]") {
    const token::KeyMap known = keys();
    WebhookQueue queue(options(), known);
    for (const char* tenant : {"", "acme", "globex"})
        CHECK(queue.enqueue(kNow, event("r", std::string("EV_") + tenant), tenant).size() == 1);
    const auto all = sent(queue, known);
    REQUIRE(all.size() == 3);
    for (const auto& [body, tenant] : all) {
        CHECK(body == webhook_body(event("r", "EV_" + tenant)));
        CHECK(body.find('\x1f') == std::string::npos);
    }
}

TEST_CASE("WebhookQueue: a tenant's key is told of its rooms alone, and nothing is lost [TEN-10]") {
    const token::KeyMap known = keys("acme");
    WebhookQueue queue(options(), known);
    CHECK(queue.enqueue(kNow, event("r", "1"), "").empty());
    CHECK(queue.enqueue(kNow, event("r", "2"), "globex").empty());
    CHECK(queue.enqueue(kNow, event("r", "3"), "acme").size() == 1);
    const auto all = sent(queue, known);
    CHECK(all == std::map<std::string, std::string>{{webhook_body(event("r", "3")), "acme"}});
    CHECK(queue.take_lost().empty());
    CHECK(queue.stats().dropped_unsigned == 0);
}

TEST_CASE("WebhookQueue: rooms of one name have queues of their own [TEN-10] [HOOK-07]") {
    const token::KeyMap known = keys();
    WebhookQueue queue(options(), known);
    (void)queue.enqueue(kNow, event("r", "1"), "acme");
    (void)queue.enqueue(kNow, event("r", "2"), "globex");
    CHECK(queue.enqueue(kNow, event("r", "3"), "acme") == std::vector<std::size_t>{2});
    // The first of both go out at once, the second of acme waits for its first.
    CHECK(queue.poll_request(kNow, kWall));
    CHECK(queue.poll_request(kNow, kWall));
    CHECK_FALSE(queue.poll_request(kNow, kWall));
}

TEST_CASE("WebhookQueue: what waits when the key goes to a tenant is not told to it [TEN-11]") {
    token::KeyMap known = keys();
    WebhookQueue queue(options(), known);
    (void)queue.enqueue(kNow, event("r", "1"), "globex");
    (void)queue.enqueue(kNow, event("r", "2"), "acme");
    known = keys("acme");
    const auto all = sent(queue, known);
    CHECK(all == std::map<std::string, std::string>{{webhook_body(event("r", "2")), "acme"}});
    CHECK(queue.stats().dropped_unsigned == 1);
}

TEST_CASE("WebhookQueue: another tenant's key does not sign a further target [TEN-10] [HOOK-08]") {
    const token::KeyMap known = keys();
    WebhookQueue queue(options(), known);
    livekit::WebhookConfig extra;
    extra.set_url("http://b");
    extra.set_signing_key("keyB");
    const auto with_target = [&extra](const char* id) {
        livekit::WebhookEvent one = event("r", id);
        *one.mutable_egress_info()->mutable_web()->add_webhooks() = extra;
        return one;
    };
    CHECK(queue.enqueue(kNow, with_target("1"), "globex").size() == 2);
    CHECK(queue.enqueue(kNow, with_target("2"), "acme").size() == 1);
    CHECK(queue.stats().dropped_unsigned == 1);
}

}  // namespace confab::api
