// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/webhook/webhook_receivers.h"

#include <doctest/doctest.h>

namespace confab::api {
namespace {

Timestamp at(std::int64_t seconds) {
    return Timestamp() + Duration::seconds(seconds);
}
const std::string kUrl = "http://a";

}  // namespace

TEST_CASE("webhook_backoff: 1, 2, 4 … 30 s, however many attempts there were [HOOK-06]") {
    CHECK(webhook_backoff(0) == Duration::seconds(1));
    CHECK(webhook_backoff(1) == Duration::seconds(1));
    CHECK(webhook_backoff(4) == Duration::seconds(8));
    CHECK(webhook_backoff(5) == Duration::seconds(16));
    CHECK(webhook_backoff(6) == Duration::seconds(30));
    CHECK(webhook_backoff(1'000'000) == Duration::seconds(30));
}

TEST_CASE("WebhookReceivers: away after three in a row, an answer ends that [HOOK-10]") {
    WebhookReceivers receivers;
    CHECK_FALSE(receivers.handle_nobody(at(0), kUrl, 1));
    CHECK_FALSE(receivers.handle_nobody(at(0), kUrl, 1));
    CHECK(receivers.may_ask(at(0), kUrl, 31));
    receivers.handle_answer(kUrl);
    CHECK_FALSE(receivers.handle_nobody(at(0), kUrl, 1));
    CHECK_FALSE(receivers.handle_nobody(at(0), kUrl, 1));
    CHECK(receivers.handle_nobody(at(0), kUrl, 1));
    CHECK(receivers.is_away(kUrl));
    CHECK_FALSE(receivers.is_away("http://b"));
    CHECK(receivers.may_ask(at(0), "http://b", 31));
    receivers.handle_answer(kUrl);
    CHECK(receivers.may_ask(at(0), kUrl, 31));
}

TEST_CASE("WebhookReceivers: who is away is asked once at a time, ever more rarely [HOOK-10]") {
    WebhookReceivers receivers;
    for (int i = 0; i < kWebhookFailuresUntilAway; ++i)
        (void)receivers.handle_nobody(at(0), kUrl, 1);
    // Those that had begun before do not count.
    for (int i = 0; i < 29; ++i)
        CHECK(receivers.handle_nobody(at(0), kUrl, 1));
    CHECK(receivers.next_request(kUrl) == at(1));
    CHECK_FALSE(receivers.may_ask(at(0), kUrl, 0));
    std::int64_t now = 0;
    for (const std::int64_t wait : {1, 2, 4, 8, 16, 30, 30}) {
        now += wait;
        CHECK_FALSE(receivers.may_ask(at(now) - Duration::micros(1), kUrl, 0));
        CHECK(receivers.may_ask(at(now), kUrl, 0));
        CHECK_FALSE(receivers.may_ask(at(now), kUrl, 1));
        receivers.handle_start(kUrl);
        CHECK(receivers.handle_nobody(at(now), kUrl, 1));
    }
}

TEST_CASE("WebhookReceivers: nobody is there, says no answer or a proxy [HOOK-10]") {
    for (const int status : {0, 502, 503, 504})
        CHECK(WebhookReceivers::is_away(status));
    for (const int status : {200, 404, 429, 500, 501, 505})
        CHECK_FALSE(WebhookReceivers::is_away(status));
}

TEST_CASE("WebhookReceivers: held after three queues that it refused in a row [HOOK-10]") {
    WebhookReceivers receivers;
    // One event that it cannot take holds nobody.
    for (int attempts = 1; attempts < 50; ++attempts)
        CHECK_FALSE(receivers.handle_refusal(at(0), kUrl, "r", attempts));
    CHECK_FALSE(receivers.handle_refusal(at(0), kUrl, "s", 1));
    receivers.handle_answer(kUrl);
    for (const char* key : {"r", "s"})
        CHECK_FALSE(receivers.handle_refusal(at(0), kUrl, key, 1));
    CHECK(receivers.may_ask(at(0), kUrl, 31));
    CHECK(receivers.handle_refusal(at(0), kUrl, "t", 1));
    CHECK(receivers.handle_refusal(at(0), kUrl, "u", 1));  // had begun before
    CHECK(receivers.next_request(kUrl) == at(1));
    CHECK_FALSE(receivers.may_ask(at(0), kUrl, 0));
    receivers.handle_start(kUrl);
    CHECK(receivers.handle_refusal(at(1), kUrl, "u", 1));
    CHECK(receivers.next_request(kUrl) == at(3));
    receivers.handle_answer(kUrl);
    CHECK(receivers.may_ask(at(1), kUrl, 31));
}

TEST_CASE("WebhookReceivers: one that refuses is not away any more [HOOK-10]") {
    WebhookReceivers receivers;
    for (int i = 0; i < kWebhookFailuresUntilAway; ++i)
        (void)receivers.handle_nobody(at(0), kUrl, 1);
    receivers.handle_start(kUrl);
    CHECK_FALSE(receivers.handle_refusal(at(1), kUrl, "r", 1));
    CHECK_FALSE(receivers.handle_refusal(at(1), kUrl, "s", 1));
    CHECK(receivers.handle_refusal(at(1), kUrl, "t", 1));
}

TEST_CASE("WebhookReceivers: who asks for less is left alone, and never asked at once [HOOK-10]") {
    WebhookReceivers receivers;
    CHECK(receivers.handle_limit(at(0), kUrl, Duration::seconds(7), 1));
    CHECK(receivers.next_request(kUrl) == at(7));
    CHECK(receivers.handle_limit(at(0), kUrl, Duration::seconds(9), 1));  // had begun before
    CHECK(receivers.next_request(kUrl) == at(9));
    CHECK(receivers.handle_limit(at(0), kUrl, Duration::seconds(2), 1));
    CHECK(receivers.next_request(kUrl) == at(9));
    receivers.handle_start(kUrl);
    CHECK(receivers.handle_limit(at(9), kUrl, Duration::zero(), 1));
    CHECK(receivers.next_request(kUrl) == at(11));
    receivers.handle_start(kUrl);
    CHECK(receivers.handle_limit(at(11), kUrl, Duration::seconds(100'000), 1));
    CHECK(receivers.next_request(kUrl) == at(11) + kMaxWebhookRetryAfter);
    receivers.handle_answer(kUrl);
    CHECK(receivers.handle_limit(at(0), kUrl, Duration::zero(), 1));
    CHECK(receivers.next_request(kUrl) == at(0));
    receivers.handle_answer(kUrl);
    CHECK(receivers.handle_limit(at(0), kUrl, Duration::zero(), 3));
    CHECK(receivers.next_request(kUrl) == at(4));
}

}  // namespace confab::api
