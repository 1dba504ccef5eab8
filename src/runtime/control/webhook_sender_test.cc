// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A real receiver on the loopback, and what the operator reads in the log about it.
#include "runtime/control/webhook_sender.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/net/http/http_server.h"
#include "runtime/net/net_testing.h"
#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

// The warnings of the process while it lives.
class Warnings {
  public:
    Warnings() {
        telemetry::LogOptions options;
        options.level = telemetry::LogLevel::kWarn;
        options.sink = [this](std::string_view line) {
            const std::lock_guard lock(mutex_);
            lines_.emplace_back(line);
        };
        telemetry::init_log(options);
    }
    ~Warnings() { telemetry::init_log({}); }
    Warnings(const Warnings&) = delete;
    Warnings& operator=(const Warnings&) = delete;

    std::vector<std::string> with(const std::string& text) {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> out;
        std::copy_if(
            lines_.begin(), lines_.end(), std::back_inserter(out),
            [&text](const std::string& line) { return line.find(text) != std::string::npos; });
        return out;
    }

  private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

livekit::WebhookEvent event(const std::string& room) {
    livekit::WebhookEvent out;
    out.set_event("room_started");
    out.mutable_room()->set_name(room);
    return out;
}

// A receiver that answers /STATUS, and a sender to the URLs /STATUS of it.
struct Bench {
    explicit Bench(const std::vector<std::string>& paths,
                   Duration flush_timeout = Duration::seconds(5)) {
        thread.call([&] {
            receiver = std::make_unique<net::HttpServer>(
                thread.loop(), net::HttpServerOptions{},
                [this](const net::HttpRequest& request, net::HttpExchange exchange) {
                    if (request.path == "/never") return unanswered.push_back(std::move(exchange));
                    exchange.respond(
                        net::HttpResponse::text(std::stoi(request.path.substr(1)), ""));
                });
            const auto port = std::to_string(receiver->listen("127.0.0.1", 0).value().port);
            api::WebhookOptions options;
            options.api_key = "key";
            options.flush_timeout = flush_timeout;
            for (const std::string& path : paths)
                options.urls.push_back(std::string("http://127.0.0.1:").append(port).append(path));
            sender = std::make_unique<WebhookSender>(thread.loop(), options, keys, metrics);
        });
    }
    ~Bench() {
        thread.call([&] {
            sender.reset();
            unanswered.clear();
            receiver.reset();
        });
    }
    // Whether everything was delivered or given up within ten seconds.
    bool flushes() {
        std::promise<void> flushed;
        std::future<void> done = flushed.get_future();
        thread.call([&] { sender->flush([&] { flushed.set_value(); }); });
        return done.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
    }
    void send(std::uint64_t delivered) {
        thread.call([&] { sender->send(event(std::to_string(delivered))); });
        CHECK(thread.eventually([&] { return sender->stats().delivered >= delivered; }));
    }

    net::LoopThread thread;
    token::KeyMap keys{std::map<std::string, std::string, std::less<>>{{"key", "secret"}}};
    telemetry::Metrics metrics{"ND_a"};
    std::vector<net::HttpExchange> unanswered;
    std::unique_ptr<net::HttpServer> receiver;
    std::unique_ptr<WebhookSender> sender;
};

}  // namespace

TEST_CASE(
    "WebhookSender: an answer outside 2xx is a warning, now and then for each URL [HOOK-06]") {
    Warnings warnings;
    const std::vector<std::string> paths = {"/204", "/302", "/401", "/404"};
    Bench bench(paths);
    for (std::uint64_t round = 1; round <= 3; ++round)
        bench.send(round * paths.size());
    const std::map<std::string, std::string> remedies = {
        {"302", "redirects are not followed"}, {"401", "webhook.api_key"}, {"404", "webhook.urls"}};
    CHECK(warnings.with("webhook refused").size() == remedies.size());
    for (const auto& [status, remedy] : remedies) {
        const auto lines = warnings.with("\"status\":" + status);
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].find("\"event\":\"room_started\"") != std::string::npos);
        CHECK(lines[0].find("/" + status + "\"") != std::string::npos);
        CHECK(lines[0].find(remedy) != std::string::npos);
    }
}

TEST_CASE("WebhookSender: what is lost is told now and then, not with each event [HOOK-07]") {
    Warnings warnings;
    Bench bench({"/501"});
    for (std::uint64_t lost = 1; lost <= 5; ++lost) {
        bench.thread.call([&] { bench.sender->send(event(std::to_string(lost))); });
        REQUIRE(bench.thread.eventually([&] { return bench.sender->stats().failed >= lost; }));
    }
    CHECK(warnings.with("webhooks lost").size() == 1);
}

TEST_CASE("WebhookSender: the end waits for what is on its way [HOOK-07]") {
    Warnings warnings;
    Bench bench({"/200"});
    bench.thread.call([&] {
        for (int i = 0; i < 500; ++i)
            bench.sender->send(event(std::to_string(i)));
    });
    REQUIRE(bench.flushes());
    CHECK(bench.thread.call([&] { return bench.sender->stats().delivered; }) == 500);
    CHECK(warnings.with("given up").empty());
    CHECK(bench.flushes());  // at once where nothing waits
}

TEST_CASE(
    "WebhookSender: a receiver that never answers is given up at the end, by name [HOOK-07]") {
    Warnings warnings;
    Bench bench({"/never", "/200"}, Duration::millis(50));
    bench.thread.call([&] {
        bench.sender->send(event("a"));
        bench.sender->send(event("a"));
    });
    CHECK(bench.thread.eventually([&] { return bench.sender->stats().delivered == 2; }));
    REQUIRE(bench.flushes());
    const auto lines = warnings.with("webhooks given up at the end");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("room_started") != std::string::npos);
    CHECK(lines[0].find("raise confab.webhook_flush_timeout") != std::string::npos);
}

TEST_CASE("WebhookSender: a receiver that is not there is told with address and event [HOOK-06]") {
    Warnings warnings;
    Bench bench({"/200"}, Duration::millis(50));
    bench.thread.call([&] {
        bench.receiver.reset();  // its port refuses from now on
        bench.sender->send(event("a"));
    });
    REQUIRE(bench.thread.eventually([&] { return !warnings.with("not delivered").empty(); }));
    const std::string line = warnings.with("webhook not delivered").front();
    CHECK(line.find("http://127.0.0.1:") != std::string::npos);
    CHECK(line.find("\"event\":\"room_started\"") != std::string::npos);
    CHECK(bench.thread.call([&] { return bench.sender->stats().delivered; }) == 0);
    REQUIRE(bench.flushes());
    CHECK(warnings.with("given up at the end").size() == 1);
}

}  // namespace confab::control
