// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Event bodies against the recorded deliveries; signatures.
#include "api/webhook/webhook.h"

#include <doctest/doctest.h>

#include "api/golden_testing.h"
#include "crypto/digest.h"
#include "proto/proto_json.h"

namespace confab::api {
namespace {

const token::KeyProvider::Key kKey{"devkey", testing::kGoldenSecret};

}  // namespace

TEST_CASE("webhook_body: the keys and values of the recorded deliveries [HOOK-03]") {
    int count = 0;
    for (const char* file : {"webhooks-two-participants.jsonl", "webhooks-other-endings.jsonl"}) {
        for (const testing::Exchange& exchange : testing::load_golden(file)) {
            INFO(exchange.text("name"));
            livekit::WebhookEvent event;
            REQUIRE(proto::parse_json(exchange.text("body"), event));
            CHECK(testing::difference(exchange.text("body"), webhook_body(event)) == "");
            ++count;
        }
    }
    CHECK(count > 30);
}

TEST_CASE(
    "webhook_authorization: sha256 of the exact body, five minutes, no Bearer [HOOK-05] [TOK-09]") {
    const std::string body = R"({"event":"room_started"})";
    const std::string token = webhook_authorization(body, kKey, testing::kGoldenNow);
    const auto grants = token::verify_token(token, testing::golden_keys(), testing::kGoldenNow);
    REQUIRE(grants);
    CHECK(grants->api_key == "devkey");
    CHECK(grants->sha256 == base64_encode(crypto::sha256(as_bytes(body))));
    CHECK(grants->expires_at == testing::kGoldenNow + Duration::seconds(300));
    CHECK_FALSE(grants->video);
}

TEST_CASE("webhook_key: the first name that is there [HOOK-07]") {
    livekit::WebhookEvent event;
    CHECK(webhook_key(event) == "");
    event.mutable_track()->set_sid("TR_x");
    CHECK(webhook_key(event) == "TR_x");
    event.mutable_participant()->set_identity("p");
    CHECK(webhook_key(event) == "p");
    event.mutable_room()->set_name("r");
    CHECK(webhook_key(event) == "r");
    event.mutable_ingress_info()->set_ingress_id("IN_x");
    CHECK(webhook_key(event) == "IN_x");
    event.mutable_egress_info()->set_egress_id("EG_x");
    CHECK(webhook_key(event) == "EG_x");
}

TEST_CASE("WebhookFilter: include beats exclude [HOOK-08]") {
    CHECK(WebhookFilter{}.passes("room_started"));
    CHECK_FALSE(WebhookFilter{{}, {"room_started"}}.passes("room_started"));
    CHECK(WebhookFilter{{}, {"room_started"}}.passes("room_finished"));
    CHECK(WebhookFilter{{"room_started"}, {"room_started"}}.passes("room_started"));
    CHECK_FALSE(WebhookFilter{{"room_started"}, {}}.passes("room_finished"));
}

}  // namespace confab::api
