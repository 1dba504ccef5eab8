// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a receiver of webhooks sees: bodies, signatures, order, and how often it is asked again.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "crypto/digest.h"
#include "json/json.h"
#include "runtime/control/observations.h"
#include "runtime/control/webhook_sender.h"
#include "runtime/net/http/http_server.h"
#include "runtime/net/net_testing.h"

namespace confab::control {
namespace {

using telemetry::Metric;

const std::string kSecret = "a-secret-of-thirty-two-characters";

struct Seen {
    std::string path;
    std::string body;
    std::map<std::string, std::string> headers;

    std::string member(std::string_view object, std::string_view name) const {
        const auto event = json::parse(body);
        const json::Value* inner = event ? event->find(object) : nullptr;
        const json::Value* value = inner == nullptr ? nullptr : inner->find(name);
        return value == nullptr ? "" : value->string;
    }
    std::string room() const { return member("room", "name"); }
};

// A receiver whose answers are chosen by the test, and a sender to it.
class Bench {
  public:
    // Gets the number of requests before this one.
    using Answer = std::function<net::HttpResponse(const Seen&, std::size_t)>;

    explicit Bench(Answer answer, const std::function<void(api::WebhookOptions&)>& adjust = {})
        : answer_(std::move(answer)) {
        thread_.call([&] {
            receiver_ = std::make_unique<net::HttpServer>(
                thread_.loop(), net::HttpServerOptions{},
                [this](const net::HttpRequest& request, net::HttpExchange exchange) {
                    Seen seen{request.path, request.body, {}};
                    for (const char* name :
                         {"Authorization", "Content-Type", "User-Agent", "Content-Length"})
                        seen.headers[name] = std::string(request.headers.get(name));
                    seen.headers["method"] = request.method;
                    const std::size_t before = seen_.size();
                    seen_.push_back(seen);
                    exchange.respond(answer_(seen, before));
                });
            const auto port = std::to_string(receiver_->listen("127.0.0.1", 0).value().port);
            api::WebhookOptions options;
            options.api_key = "key";
            options.flush_timeout = Duration::seconds(25);  // for a slow machine
            options.urls = {"http://127.0.0.1:" + port + "/hook?a=b"};
            if (adjust) adjust(options);
            sender_ = std::make_unique<WebhookSender>(thread_.loop(), options, keys_, metrics_);
        });
    }
    ~Bench() {
        thread_.call([&] {
            sender_.reset();
            receiver_.reset();
        });
    }
    void send(const std::vector<livekit::WebhookEvent>& events) {
        thread_.call([&] {
            for (const auto& event : events)
                sender_->send(event);
        });
    }
    // Once all that was sent has been delivered or given up.
    std::vector<Seen> flushed() {
        std::promise<void> promise;
        std::future<void> done = promise.get_future();
        thread_.call([&] { sender_->flush([&] { promise.set_value(); }); });
        REQUIRE(done.wait_for(std::chrono::seconds(30)) == std::future_status::ready);
        return thread_.call([&] { return seen_; });
    }
    api::WebhookStats stats() {
        return thread_.call([&] { return sender_->stats(); });
    }
    std::uint64_t connections() {
        return thread_.call([&] { return sender_->connections(); });
    }
    double queued() {
        return thread_.call([&] { return metrics_.value(Metric::kWebhookQueueLength); });
    }
    const token::KeyMap& keys() const { return keys_; }

  private:
    net::LoopThread thread_;
    token::KeyMap keys_{std::map<std::string, std::string, std::less<>>{{"key", kSecret}}};
    telemetry::Metrics metrics_{"ND_a"};
    Answer answer_;
    std::vector<Seen> seen_;
    std::unique_ptr<net::HttpServer> receiver_;
    std::unique_ptr<WebhookSender> sender_;
};

net::HttpResponse ok(const Seen&, std::size_t) {
    return net::HttpResponse::text(200, "");
}
net::HttpResponse later(std::string seconds) {
    net::HttpResponse response = net::HttpResponse::text(429, "");
    response.headers.add("Retry-After", std::move(seconds));
    return response;
}

livekit::WebhookEvent room_event(const std::string& name, const std::string& kind) {
    livekit::WebhookEvent event;
    event.set_event(kind);
    event.mutable_room()->set_name(name);
    event.mutable_room()->set_sid("RM_" + name);
    event.mutable_room()->set_metadata("of the room");
    return event;
}
}  // namespace

TEST_CASE("WebhookSender: the request and its signature [HOOK-03] [HOOK-05]") {
    Bench bench(ok);
    bench.send({room_event("r", "room_started")});
    const std::vector<Seen> seen = bench.flushed();
    REQUIRE(seen.size() == 1);
    Seen one = seen[0];
    CHECK(one.headers["method"] == "POST");
    CHECK(one.path == "/hook");
    CHECK(one.headers["Content-Type"] == "application/webhook+json");
    CHECK(one.headers["Content-Length"] == std::to_string(one.body.size()));
    CHECK_FALSE(one.headers["Authorization"].starts_with("Bearer"));
    const auto grants =
        token::verify_token(one.headers["Authorization"], bench.keys(), net::EventLoop::wall());
    REQUIRE(grants);
    CHECK(grants->api_key == "key");
    CHECK(grants->sha256 == base64_encode(crypto::sha256(as_bytes(one.body)), Base64::kStandard));
    CHECK(one.member("room", "metadata") == "of the room");
}

TEST_CASE("WebhookSender: asked again with the same body, id and signature [HOOK-06]") {
    // Retry-After stands for the wait, so that the five requests come at once.
    Bench bench([](const Seen&, std::size_t before) {
        return before < 4 ? later("0") : net::HttpResponse::text(200, "");
    });
    const Timestamp began = net::EventLoop::now();
    bench.send({room_event("r", "room_started")});
    const std::vector<Seen> seen = bench.flushed();
    REQUIRE(seen.size() == 5);
    CHECK(net::EventLoop::now() - began < api::kWebhookFirstWait * 15);  // 1, 2, 4, 8 s without it
    for (const Seen& one : seen) {
        CHECK(one.body == seen[0].body);
        CHECK(one.headers == seen[0].headers);
    }
    CHECK(bench.stats().delivered == 1);
    CHECK(bench.stats().retries == 4);
}

TEST_CASE("WebhookSender: after four repetitions it is lost, and what follows goes on [HOOK-06]") {
    Bench bench([](const Seen& seen, std::size_t) {
        return seen.body.find("room_started") != std::string::npos
                   ? later("0")
                   : net::HttpResponse::text(200, "");
    });
    bench.send({room_event("r", "room_started"), room_event("r", "room_finished")});
    const std::vector<Seen> seen = bench.flushed();
    REQUIRE(seen.size() == 6);
    CHECK(seen.back().body.find("room_finished") != std::string::npos);
    CHECK(bench.stats().failed == 1);
    CHECK(bench.stats().failed_unreachable == 0);
    CHECK(bench.stats().delivered == 1);
}

TEST_CASE("WebhookSender: a server error is asked again after a second [HOOK-06]") {
    Bench bench([](const Seen&, std::size_t before) {
        return net::HttpResponse::text(before == 0 ? 503 : 200, "");
    });
    const Timestamp began = net::EventLoop::now();
    bench.send({room_event("r", "room_started")});
    CHECK(bench.flushed().size() == 2);
    CHECK(net::EventLoop::now() - began >= api::kWebhookFirstWait);
    CHECK(bench.stats().delivered == 1);
}

TEST_CASE("WebhookSender: what will never be there is not asked again [HOOK-06]") {
    for (const int status : {300, 302, 400, 404, 501}) {
        CAPTURE(status);
        Bench bench(
            [status](const Seen&, std::size_t) { return net::HttpResponse::text(status, "no"); });
        bench.send({room_event("r", "room_started")});
        CHECK(bench.flushed().size() == 1);
        CHECK(bench.stats().retries == 0);
    }
}

TEST_CASE("WebhookSender: rooms go side by side, one room in order through a retry [HOOK-07]") {
    Bench bench([first = true](const Seen& seen, std::size_t) mutable {
        if (seen.room() != "slow" || !std::exchange(first, false))
            return net::HttpResponse::text(200, "");
        return net::HttpResponse::text(500, "");
    });
    bench.send({room_event("slow", "room_started"), room_event("slow", "room_finished"),
                room_event("quick", "room_started"), room_event("quick", "room_finished")});
    const std::vector<Seen> seen_in_order = bench.flushed();
    std::vector<std::string> order;
    order.reserve(seen_in_order.size());
    for (const Seen& seen : seen_in_order)
        order.push_back(seen.room() +
                        (seen.body.find("started") == std::string::npos ? " -" : " +"));
    CHECK(order.size() == 5);
    // The quick room was through before the slow one was asked again.
    const std::vector<std::string> end{"slow +", "slow -"};
    CHECK(std::equal(end.begin(), end.end(), order.end() - 2));
    CHECK(std::find(order.begin(), order.end(), "quick +") <
          std::find(order.begin(), order.end(), "quick -"));
}

TEST_CASE("WebhookSender: one connection carries one room's events [HOOK-07]") {
    Bench bench(ok);
    std::vector<livekit::WebhookEvent> events;
    events.reserve(100);
    for (int i = 0; i < 100; ++i)
        events.push_back(room_event("r", "room_" + std::to_string(i)));
    bench.send(events);
    const std::vector<Seen> seen = bench.flushed();
    REQUIRE(seen.size() == 100);
    for (std::size_t i = 0; i < seen.size(); ++i)
        CHECK(seen[i].body.find("\"room_" + std::to_string(i) + "\"") != std::string::npos);
    CHECK(bench.connections() == 1);
    CHECK(bench.queued() == 100);
}

TEST_CASE("WebhookSender: a full queue loses what comes, and tells how much [HOOK-07] [OBS-01]") {
    Bench bench(ok, [](api::WebhookOptions& options) { options.max_depth = 3; });
    const std::vector<livekit::WebhookEvent> events(10, room_event("r", "room_started"));
    bench.send(events);  // in one turn: nothing is answered between
    CHECK(bench.flushed().size() == 3);
    const api::WebhookStats stats = bench.stats();
    CHECK(stats.dropped_full == 7);
    telemetry::Metrics metrics("n");
    record(metrics, stats);
    CHECK(metrics.value(Metric::kWebhookDispatchTotal, {"success", ""}) == 3);
    CHECK(metrics.value(Metric::kWebhookDispatchTotal, {"drop", "queue_full"}) == 7);
}

TEST_CASE("WebhookSender: only the events that were asked for [HOOK-08]") {
    Bench bench(ok, [](api::WebhookOptions& options) {
        options.filter.include_events = {"room_finished"};
    });
    bench.send({room_event("r", "room_started"), room_event("r", "room_finished")});
    const std::vector<Seen> seen = bench.flushed();
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].body.find("room_finished") != std::string::npos);
}

TEST_CASE("WebhookSender: without addresses nothing is done, and the end is at once [HOOK-09]") {
    Bench bench(ok, [](api::WebhookOptions& options) { options.urls.clear(); });
    bench.send({room_event("r", "room_started")});
    CHECK(bench.flushed().empty());
    CHECK(bench.queued() == 0);
}

}  // namespace confab::control
