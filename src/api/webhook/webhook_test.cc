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

WebhookKind kind_of(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(WebhookKind::kIngressEnded); ++i)
        if (to_text(static_cast<WebhookKind>(i)) == name) return static_cast<WebhookKind>(i);
    FAIL("unknown event");
    return WebhookKind::kRoomStarted;
}

// Builds the event anew from the objects of the recorded one, as the control plane would: from
// whole objects, which the builder trims.
livekit::WebhookEvent rebuild(const livekit::WebhookEvent& golden) {
    Rng rng(1);
    livekit::WebhookEvent event =
        make_webhook_event(kind_of(golden.event()), rng, UnixTime::seconds(golden.created_at()));
    livekit::Room room = golden.room();
    livekit::ParticipantInfo participant = golden.participant();
    if (golden.has_track()) {
        room.set_metadata("not sent with a track");
        participant.set_name("not sent with a track");
        set_track(event, room, participant, golden.track(), false);
    } else if (golden.has_participant()) {
        set_participant(event, room, participant);
    } else {
        set_room(event, room);
    }
    return event;
}

}  // namespace

TEST_CASE(
    "webhook_body: the keys and values of the recorded deliveries "
    "[HOOK-01] [HOOK-02] [HOOK-03] [HOOK-04]") {
    int count = 0;
    for (const char* file : {"webhooks-two-participants.jsonl", "webhooks-other-endings.jsonl"}) {
        for (const testing::Exchange& exchange : testing::load_golden(file)) {
            INFO(exchange.text("name"));
            livekit::WebhookEvent golden;
            REQUIRE(proto::parse_json(exchange.text("body"), golden));
            const livekit::WebhookEvent event = rebuild(golden);
            CHECK(testing::difference(exchange.text("body"), webhook_body(event)) == "");
            CHECK(event.id().starts_with("EV_"));
            CHECK(event.id().size() == 15);
            ++count;
        }
    }
    CHECK(count > 30);
}

TEST_CASE("set_track: the whole room on request [HOOK-04]") {
    livekit::Room room;
    room.set_name("n");
    room.set_metadata("m");
    livekit::WebhookEvent event;
    set_track(event, room, {}, {}, true);
    CHECK(event.room().metadata() == "m");
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
