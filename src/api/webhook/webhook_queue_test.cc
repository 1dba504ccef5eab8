// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Delivery: order, retries, bounds, filters; against a slow model of one queue at the end.
#include "api/webhook/webhook_queue.h"

#include <doctest/doctest.h>

#include "api/golden_testing.h"
#include "base/machine.h"
#include "base/rng.h"

namespace confab::api {
namespace {

static_assert(SansIoMachine<WebhookQueue>);

const token::KeyMap kKeys = testing::golden_keys();

Timestamp at(double seconds) {
    return Timestamp::micros(static_cast<std::int64_t>(seconds * 1e6));
}

UnixTime wall(double seconds) {
    return testing::kGoldenNow + (at(seconds) - at(0));
}

livekit::WebhookEvent event(const std::string& room, const std::string& id,
                            const std::string& name = "room_started") {
    livekit::WebhookEvent out;
    out.set_event(name);
    out.set_id(id);
    out.mutable_room()->set_name(room);
    return out;
}

WebhookOptions options(std::vector<std::string> urls = {"http://a"}) {
    WebhookOptions out;
    out.urls = std::move(urls);
    out.api_key = "devkey";
    return out;
}

struct Bench {
    explicit Bench(WebhookOptions o = options()) : queue(std::move(o), kKeys) {}
    void add(double now, const std::string& room, const std::string& id) {
        queue.enqueue(at(now), event(room, id));
    }
    // The id inside the body of the next request; empty if there is none.
    std::string poll(double now = 0) {
        auto request = queue.poll_request(at(now), wall(now));
        if (!request) return "";
        last = *std::move(request);
        const std::size_t start = last.body.find("\"id\":\"") + 6;
        return last.body.substr(start, last.body.find('"', start) - start);
    }
    WebhookQueue queue;
    WebhookRequest last;
};

}  // namespace

TEST_CASE("WebhookQueue: a request has its headers and is signed [HOOK-03] [HOOK-05] [CON-47]") {
    Bench bench;
    bench.add(0, "r", "1");
    CHECK(bench.poll() == "1");
    CHECK(bench.last.url == "http://a");
    HttpResponse as_response{0, bench.last.headers, {}};
    CHECK(find_header(as_response, "Content-Type") == "application/webhook+json");
    CHECK(find_header(as_response, "User-Agent") == "LiveKit");
    CHECK(
        token::verify_token(find_header(as_response, "Authorization"), kKeys, testing::kGoldenNow));
    CHECK(bench.poll() == "");
    bench.queue.handle_response(at(1), bench.last.id, 200);
    CHECK(bench.queue.idle());
    CHECK(bench.queue.stats().delivered == 1);
}

TEST_CASE("WebhookQueue: tells how long the queue of each new event is [OBS-01]") {
    WebhookOptions two = options({"http://a", "http://b"});
    two.max_depth = 2;
    Bench bench(two);
    using Lengths = std::vector<std::size_t>;
    const auto add = [&](const char* id) { return bench.queue.enqueue(at(0), event("r", id)); };
    CHECK(add("1") == Lengths{1, 1});
    CHECK(add("2") == Lengths{2, 2});
    CHECK(add("3") == Lengths{});
    CHECK(bench.queue.stats().dropped_full == 2);
    CHECK(bench.queue.enqueue(at(0), event("other", "4")) == Lengths{1, 1});
}

TEST_CASE("WebhookQueue: what failed without an answer is known apart [OBS-01]") {
    for (const bool answered : {true, false}) {
        Bench bench;
        bench.add(0, "r", "1");
        double now = 0;
        while (!bench.poll().empty()) {
            if (answered)
                bench.queue.handle_response(at(now), bench.last.id, 500);
            else
                bench.queue.handle_failure(at(now), bench.last.id);
            bench.queue.handle_timeout(at(now += 30));
        }
        CHECK(bench.queue.stats().failed == 1);
        CHECK(bench.queue.stats().failed_unreachable == (answered ? 0 : 1));
    }
}

TEST_CASE("WebhookQueue: waits of 1, 2, 4, 8 s, same body and token, then dropped [HOOK-06]") {
    Bench bench;
    bench.add(0, "r", "1");
    double now = 0;
    CHECK(bench.poll() == "1");
    const WebhookRequest first = bench.last;
    for (const double wait : {1.0, 2.0, 4.0, 8.0}) {
        if (wait > 2)
            bench.queue.handle_failure(at(now), bench.last.id);
        else
            bench.queue.handle_response(at(now), bench.last.id, 503, Duration::seconds(9));
        CHECK(bench.queue.next_deadline() == at(now + wait));
        bench.queue.handle_timeout(at(now + wait - 0.001));
        CHECK(bench.poll() == "");
        now += wait;
        bench.queue.handle_timeout(at(now));
        bench.queue.handle_timeout(at(now));
        CHECK(bench.poll() == "1");
        CHECK(bench.last.body == first.body);
        CHECK(bench.last.headers == first.headers);
        CHECK(bench.last.id != first.id);
    }
    bench.queue.handle_response(at(now), bench.last.id, 500);
    CHECK(bench.queue.idle());
    CHECK(bench.queue.next_deadline().is_never());
    CHECK(bench.queue.stats().failed == 1);
    CHECK(bench.queue.stats().retries == 4);
}

TEST_CASE("WebhookQueue: what counts as delivered, Retry-After of a 429 [HOOK-06]") {
    for (const int status : {200, 204, 302, 400, 404, 410, 499}) {
        Bench bench;
        bench.add(0, "r", "1");
        (void)bench.poll();
        bench.queue.handle_response(at(0), bench.last.id, status);
        CHECK(bench.queue.stats().delivered == 1);
        CHECK(bench.queue.idle());
    }
    Bench bench;
    bench.add(0, "r", "1");
    (void)bench.poll();
    bench.queue.handle_response(at(0), bench.last.id, 429, Duration::seconds(7));
    CHECK(bench.queue.next_deadline() == at(7));
    bench.queue.handle_timeout(at(7));
    (void)bench.poll();
    bench.queue.handle_response(at(7), bench.last.id, 429, Duration::seconds(1'000'000));
    CHECK(bench.queue.next_deadline() == at(7) + kMaxWebhookRetryAfter);
    Bench final_status;
    final_status.add(0, "r", "1");
    (void)final_status.poll();
    final_status.queue.handle_response(at(0), final_status.last.id, 501);
    CHECK(final_status.queue.idle());
    CHECK(final_status.queue.stats().failed == 1);
    CHECK(parse_retry_after("7") == Duration::seconds(7));
    CHECK_FALSE(parse_retry_after("Wed, 21 Oct 2026 07:28:00 GMT"));
    CHECK_FALSE(parse_retry_after("-1"));
}

TEST_CASE("WebhookQueue: one key is serial, a retry blocks it, others go on [HOOK-07]") {
    Bench bench;
    bench.add(0, "r", "1");
    bench.add(0, "r", "2");
    bench.add(0, "s", "3");
    CHECK(bench.poll() == "1");
    const std::uint64_t first = bench.last.id;
    CHECK(bench.poll() == "3");
    CHECK(bench.poll() == "");
    bench.queue.handle_failure(at(0), first);
    bench.add(0.5, "s", "4");
    CHECK(bench.poll() == "");  // "3" is still out
    bench.queue.handle_response(at(0.5), bench.last.id, 200);
    CHECK(bench.poll() == "4");
    bench.queue.handle_timeout(at(1));
    CHECK(bench.poll() == "1");
    bench.queue.handle_response(at(1), bench.last.id, 200);
    CHECK(bench.poll() == "2");
}

TEST_CASE("WebhookQueue: depth, age and unknown answers [HOOK-07]") {
    Bench bench;
    for (int i = 0; i < 205; ++i)
        bench.add(0, "r", std::to_string(i));
    CHECK(bench.queue.stats().dropped_full == 5);
    CHECK(bench.poll() == "0");
    bench.queue.handle_response(at(0), 12345, 500);
    bench.queue.handle_response(at(30), bench.last.id, 200);
    CHECK(bench.poll() == "1");
    bench.queue.handle_response(at(30.5), bench.last.id, 200);
    bench.queue.handle_response(at(30.5), bench.last.id, 200);  // twice
    CHECK(bench.poll() == "");
    CHECK(bench.queue.stats().dropped_old == 198);
    CHECK(bench.queue.stats().delivered == 2);
    CHECK(bench.queue.idle());

    for (std::size_t i = 0; i < kMaxWebhookQueues + 3; ++i)
        bench.add(40, "room" + std::to_string(i), "x");
    CHECK(bench.queue.stats().dropped_full == 8);
}

TEST_CASE("WebhookQueue: what waits for a place grows old too, and is signed at last [HOOK-07]") {
    Bench bench;
    std::vector<std::uint64_t> out;
    for (std::size_t i = 0; i < kMaxWebhookRequestsPerUrl; ++i) {
        bench.add(0, "busy" + std::to_string(i), "x");
        CHECK(bench.poll() == "x");
        out.push_back(bench.last.id);
    }
    bench.add(0, "old", "1");
    bench.add(0, "mixed", "2");
    bench.add(580, "mixed", "3");
    CHECK(bench.poll(600) == "");
    bench.queue.handle_response(at(600), out.front(), 200);
    CHECK(bench.poll(600) == "3");
    CHECK(bench.queue.stats().dropped_old == 2);
    CHECK(bench.queue.take_lost() == WebhookQueue::Lost{{"room_started", 2}});
    const HttpResponse as_response{0, bench.last.headers, {}};
    const std::string authorization{find_header(as_response, "Authorization")};
    CHECK(token::verify_token(authorization, kKeys, wall(600)));
    bench.queue.handle_response(at(600), bench.last.id, 200);
    out.erase(out.begin());
    for (const std::uint64_t id : out)
        bench.queue.handle_response(at(600), id, 200);
    CHECK(bench.queue.idle());
}

TEST_CASE("WebhookQueue: a retry keeps its token, unless that would have expired [HOOK-06]") {
    Bench bench;
    bench.add(0, "r", "1");
    CHECK(bench.poll() == "1");
    const std::vector<HttpHeader> first = bench.last.headers;
    bench.queue.handle_response(at(0), bench.last.id, 429, Duration::seconds(240));
    bench.queue.handle_timeout(at(240));
    CHECK(bench.poll(240) == "1");
    CHECK(bench.last.headers == first);
    bench.queue.handle_response(at(240), bench.last.id, 429, Duration::seconds(240));
    bench.queue.handle_timeout(at(480));
    CHECK(bench.poll(480) == "1");
    CHECK(bench.last.headers != first);
}

TEST_CASE("WebhookQueue: every URL has its own queue, filters and keys apply [HOOK-08]") {
    WebhookOptions two = options({"http://a", "http://b"});
    two.filter.exclude_events = {"room_finished"};
    Bench bench(two);
    bench.add(0, "r", "1");
    CHECK(bench.poll() == "1");
    CHECK(bench.poll() == "1");
    CHECK(bench.last.url == "http://b");

    livekit::WebhookConfig extra;
    extra.set_url("http://c");
    extra.set_signing_key("devkey");
    extra.mutable_filter_params()->add_include_events("room_finished");
    const auto with_target = [&extra](livekit::WebhookEvent one) {
        *one.mutable_egress_info()->mutable_web()->add_webhooks() = extra;
        return one;
    };
    const auto finished = event("r", "2", "room_finished");
    bench.queue.enqueue(at(0), with_target(finished));
    CHECK(bench.poll() == "2");
    CHECK(bench.last.url == "http://c");
    CHECK(bench.poll() == "");
    extra.set_url("http://d");
    extra.set_signing_key("unknown");
    bench.queue.enqueue(at(0), with_target(finished));
    CHECK(bench.queue.stats().dropped_unsigned == 1);
    extra.set_signing_key("devkey");
    bench.queue.enqueue(at(0), with_target(event("r", "3", "egress_ended")));
    CHECK(bench.poll() == "");  // the queues of a and b are busy; d filters it out
}

TEST_CASE("WebhookQueue: all targets that an egress names are told, each by its key [HOOK-08]") {
    using Info = livekit::EgressInfo;
    WebhookOptions none = options({});
    Bench bench(none);
    livekit::WebhookEvent ended = event("r", "1", "egress_ended");
    auto& targets = *ended.mutable_egress_info()->mutable_track()->mutable_webhooks();
    targets.Add()->set_url("http://a");
    targets.Add()->set_url("http://b");
    targets[1].set_signing_key("devkey");
    targets.Add()->set_url("http://c");
    targets[2].set_signing_key("unknown");
    targets.Add()->set_url("http://d");
    targets[3].mutable_filter_params()->add_exclude_events("egress_ended");
    targets.Add();
    targets.Add()->set_url("http://e");
    CHECK(bench.queue.enqueue(at(0), ended).size() == 3);
    for (const char* url : {"http://a", "http://b", "http://e"}) {
        CHECK(bench.poll() == "1");
        CHECK(bench.last.url == url);
    }
    CHECK(bench.poll() == "");
    CHECK(bench.queue.stats().dropped_unsigned == 1);
    // Nobody signs for whom no key is configured.
    none.api_key.clear();
    Bench keyless(none);
    CHECK(keyless.queue.enqueue(at(0), ended).size() == 1);

    const auto told = [](const auto& fill) {
        livekit::WebhookEvent of = event("r", "1", "egress_ended");
        fill(*of.mutable_egress_info()).add_webhooks()->set_url("http://a");
        return webhook_targets(of).size();
    };
    CHECK(told([](Info& info) -> auto& { return *info.mutable_egress(); }) == 1);
    CHECK(told([](Info& info) -> auto& { return *info.mutable_replay(); }) == 1);
    CHECK(told([](Info& info) -> auto& { return *info.mutable_room_composite(); }) == 1);
    CHECK(told([](Info& info) -> auto& { return *info.mutable_web(); }) == 1);
    CHECK(told([](Info& info) -> auto& { return *info.mutable_participant(); }) == 1);
    CHECK(told([](Info& info) -> auto& { return *info.mutable_track_composite(); }) == 1);
    CHECK(webhook_targets(event("r", "1")).empty());
}

TEST_CASE("WebhookQueue: an egress that names very many targets has the first told [HOOK-08]") {
    Bench bench(options({}));
    livekit::WebhookEvent ended = event("r", "1", "egress_ended");
    for (int i = 0; i < kMaxWebhookTargets + 3; ++i)
        ended.mutable_egress_info()->mutable_web()->add_webhooks()->set_url("http://" +
                                                                            std::to_string(i));
    CHECK(bench.queue.enqueue(at(0), ended).size() == kMaxWebhookTargets);
    CHECK(bench.queue.stats().dropped_full == 3);
}

TEST_CASE(
    "WebhookQueue: beyond the requests that may be under way, queues wait [HOOK-06] [HOOK-07]") {
    for (const std::size_t count : {kMaxWebhookRequestsPerUrl - 1, kMaxWebhookRequestsPerUrl,
                                    kMaxWebhookRequestsPerUrl + 1}) {
        Bench bench;
        for (std::size_t i = 0; i < count; ++i)
            bench.add(0, "room" + std::to_string(i), std::to_string(i));
        std::vector<std::uint64_t> out;
        while (!bench.poll().empty())
            out.push_back(bench.last.id);
        CHECK(out.size() == std::min(count, kMaxWebhookRequestsPerUrl));
        bench.queue.handle_response(at(1), out.front(), 200);
        CHECK(bench.poll().empty() == (count <= kMaxWebhookRequestsPerUrl));
        CHECK(bench.queue.stats().retries == 0);
    }
    std::vector<std::string> urls;
    urls.reserve(9);
    for (int i = 0; i < 9; ++i)
        urls.push_back("http://" + std::to_string(i));
    Bench bench(options(urls));
    for (std::size_t i = 0; i < kMaxWebhookRequestsPerUrl; ++i)
        bench.add(0, "room" + std::to_string(i), "x");
    std::size_t running = 0;
    for (; !bench.poll().empty(); ++running)
        ;
    CHECK(running == kMaxWebhookRequests);
    bench.queue.handle_failure(at(1), bench.last.id);
    CHECK(bench.poll() == "x");
}

TEST_CASE("WebhookQueue: what is lost is told by event, at the end too [HOOK-07]") {
    using Lost = WebhookQueue::Lost;
    WebhookOptions small = options();
    small.max_depth = 2;
    Bench bench(small);
    for (const char* name :
         {"room_started", "participant_joined", "participant_left", "room_finished"})
        bench.queue.enqueue(at(0), event("r", "1", name));
    CHECK(bench.queue.take_lost() == Lost{{"participant_left", 1}, {"room_finished", 1}});
    CHECK(bench.queue.take_lost().empty());
    CHECK(bench.poll() == "1");
    bench.queue.give_up();
    CHECK(bench.queue.idle());
    CHECK(bench.queue.take_lost() == Lost{{"room_started", 1}, {"participant_joined", 1}});
    CHECK(bench.queue.stats().dropped_at_end == 2);
    bench.queue.handle_response(at(1), bench.last.id, 200);
    CHECK(bench.queue.stats().delivered == 0);
    bench.add(2, "r", "2");
    CHECK(bench.poll() == "2");
}

TEST_CASE("WebhookQueue: the bodies together have a bound [HOOK-07]") {
    Bench bench;
    livekit::WebhookEvent large = event("r", "1");
    large.mutable_room()->set_metadata(std::string(kMaxWebhookBytes / 4, 'm'));
    for (int i = 0; i < 5; ++i)
        bench.queue.enqueue(at(0), large);
    CHECK(bench.queue.stats().dropped_full == 2);
    (void)bench.poll();
    bench.queue.handle_response(at(0), bench.last.id, 200);
    bench.queue.enqueue(at(0), large);
    CHECK(bench.queue.stats().dropped_full == 2);
}

TEST_CASE("WebhookQueue: beyond their number an address has its share of the queues [HOOK-07]") {
    livekit::WebhookConfig dead;
    dead.set_url("http://dead");
    dead.set_signing_key("devkey");
    dead.mutable_filter_params()->add_include_events("egress_ended");
    WebhookOptions only_started = options();
    only_started.filter.include_events = {"room_started"};
    Bench bench(only_started);
    for (std::size_t i = 0; i < kMaxWebhookQueues + 1; ++i) {
        livekit::WebhookEvent ended = event("room" + std::to_string(i), "x", "egress_ended");
        *ended.mutable_egress_info()->mutable_web()->add_webhooks() = dead;
        (void)bench.queue.enqueue(at(0), ended);
    }
    CHECK(bench.queue.waiting() == kMaxWebhookQueues);
    CHECK(bench.queue.stats().dropped_full == 1);
    for (std::size_t i = 0; i < kMaxWebhookQueues; ++i)
        bench.add(0, "room" + std::to_string(i), "y");
    // The first of an address has the half of what there is, later ones a third.
    CHECK(bench.queue.waiting() == kMaxWebhookQueues + kMaxWebhookQueues / 3);
}

TEST_CASE("check_webhook_options: URLs need a known key [HOOK-09]") {
    WebhookOptions none;
    CHECK(check_webhook_options(none, kKeys));
    CHECK(check_webhook_options(options(), kKeys));
    WebhookOptions bad = options();
    for (const char* key : {"", "unknown"}) {
        bad.api_key = key;
        const auto result = check_webhook_options(bad, kKeys);
        REQUIRE_FALSE(result);
        CHECK(result.error() == "api_key is required to use webhooks");
    }
}

TEST_CASE("WebhookQueue: random outcomes keep the order of every key [HOOK-07]") {
    Rng rng(77);
    Bench bench;
    std::map<std::string, int> next_in;                        // per room: number of the next event
    std::map<std::string, int> last_seen;                      // per room: highest number sent
    std::map<std::uint64_t, std::pair<std::string, int>> out;  // running requests
    double now = 0;
    for (int step = 0; step < 20'000; ++step) {
        now += 0.01;
        const std::string room = "room" + std::to_string(rng.below(4));
        if (rng.below(3) == 0) bench.add(now, room, room + ":" + std::to_string(next_in[room]++));
        bench.queue.handle_timeout(at(now));
        if (const std::string id = bench.poll(); !id.empty()) {
            const std::string owner = id.substr(0, 5);
            const int number = std::stoi(id.substr(6));
            for (const auto& [request, running] : out)
                CHECK(running.first != owner);
            CHECK(number >= last_seen[owner]);
            last_seen[owner] = number;
            out[bench.last.id] = {owner, number};
        }
        if (!out.empty() && rng.below(2) == 0) {
            const auto done = out.begin();
            if (rng.below(10) == 0)
                bench.queue.handle_failure(at(now), done->first);
            else
                bench.queue.handle_response(at(now), done->first, 200);
            out.erase(done);
        }
    }
    const WebhookStats& stats = bench.queue.stats();
    CHECK(stats.delivered > 1000);
    CHECK(stats.retries > 100);
}

}  // namespace confab::api
